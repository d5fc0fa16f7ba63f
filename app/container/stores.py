"""Opens what conversations and cached answers are kept in: what is named in the settings, else what is embedded."""

from contextlib import AsyncExitStack

from app.adapters.caches.memory_cache import MemoryCache
from app.adapters.stores.sqlite_store import SqliteStore
from app.config import Settings
from app.ports import ConversationArchive, Leases, ResponseCache

DATABASE = "conversations.sqlite3"


async def open_archive(stack: AsyncExitStack, settings: Settings) -> ConversationArchive:
    """Open what keeps conversations."""
    uri, most = settings.stores.mongodb_uri, settings.stores.conversation_max_messages
    if uri is None:
        return await stack.enter_async_context(SqliteStore(settings.stores.state_dir / DATABASE, most_turns=most))
    from app.adapters.stores.mongo_store import MongoStore  # noqa: PLC0415 - the driver is imported when it is chosen

    return await stack.enter_async_context(MongoStore(uri.get_secret_value(), most_turns=most))


async def open_cache(stack: AsyncExitStack, settings: Settings) -> tuple[ResponseCache, Leases | None]:
    """Open the cache, and what several processes agree by on who makes an answer, where they share one."""
    stores = settings.stores
    if stores.redis_url is None:
        return MemoryCache(stores.cache_max_entries, stores.cache_ttl_seconds), None
    from app.adapters.caches.redis_cache import RedisCache  # noqa: PLC0415 - the driver is imported when it is chosen

    cache = await stack.enter_async_context(RedisCache(stores.redis_url.get_secret_value(), stores.cache_ttl_seconds))
    return cache, cache
