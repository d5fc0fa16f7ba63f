"""Puts together what tells callers apart."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from datetime import timedelta
from typing import Protocol

from app.adapters.access.signing import HmacSigner, kept_secret
from app.adapters.access.sqlite_keys import FILE as KEYS_FILE
from app.adapters.access.sqlite_keys import SqliteKeys
from app.adapters.access.sqlite_sessions import FILE as SESSIONS_FILE
from app.adapters.access.sqlite_sessions import SqliteSessions
from app.config import ServiceSettings, Settings, StoreSettings
from app.ports.access import CookieSigner, KeyStore, KeyUse, SessionStore
from app.services.access.guarding import Guard
from app.services.access.keys import KeyDesk, Keys
from app.services.access.memory import Memory
from app.services.access.service import AccessRules, AccessService
from app.services.access.sessions import SessionRules, Sessions

_DISK_SECONDS = 1.0
_REDIS_SECONDS = 0.05
_MONGO_SECONDS = 0.5


class _KeptKeys(KeyStore, KeyUse, Protocol):
    """What keeps keys also notes their use."""


@asynccontextmanager
async def open_access(settings: Settings) -> AsyncIterator[AccessService]:
    """Open the one authorisation of all channels, over the stores that the settings name."""
    service, stores = settings.service, settings.stores
    signer = await asyncio.to_thread(_signer, service, stores)
    async with AsyncExitStack() as stack:
        kept, guard = await _open_sessions(stack, stores)
        rules = SessionRules(
            idle=timedelta(hours=service.session_idle_hours), longest=timedelta(days=service.session_max_days)
        )
        sessions = Sessions(kept, signer, guard, Memory(), rules)
        held = await _open_keys(stack, stores)
        keys = Keys(held, held, Guard("keys", _DISK_SECONDS), Memory())
        yield AccessService(sessions, keys, AccessRules(service.loopback, service.require_key))


@asynccontextmanager
async def open_key_desk(settings: Settings) -> AsyncIterator[KeyDesk]:
    """Open what makes, lists and revokes keys."""
    async with AsyncExitStack() as stack:
        yield KeyDesk(await _open_keys(stack, settings.stores))


def _signer(service: ServiceSettings, stores: StoreSettings) -> CookieSigner:
    if service.secret_key is None:
        # On loopback alone: elsewhere the settings are refused without one.
        return HmacSigner(kept_secret(stores.state_dir))
    previous = service.secret_key_previous
    return HmacSigner(service.secret_key.get_secret_value(), previous.get_secret_value() if previous else None)


async def _open_sessions(stack: AsyncExitStack, stores: StoreSettings) -> tuple[SessionStore, Guard]:
    if stores.redis_url is None:
        kept = await stack.enter_async_context(SqliteSessions(stores.state_dir / SESSIONS_FILE))
        return kept, Guard("sessions", _DISK_SECONDS)
    from app.adapters.access.redis_sessions import RedisSessions  # noqa: PLC0415 - the driver, where it is chosen

    shared = await stack.enter_async_context(RedisSessions(stores.redis_url.get_secret_value()))
    return shared, Guard("sessions", _REDIS_SECONDS)


async def _open_keys(stack: AsyncExitStack, stores: StoreSettings) -> _KeptKeys:
    if stores.mongodb_uri is None:
        return await stack.enter_async_context(SqliteKeys(stores.state_dir / KEYS_FILE))
    # The driver is imported when it is chosen.
    from app.adapters.stores.mongo_connection import MongoConnection  # noqa: PLC0415
    from app.adapters.stores.mongo_keys import MongoKeys  # noqa: PLC0415

    connection = MongoConnection(stores.mongodb_uri.get_secret_value(), request_seconds=_MONGO_SECONDS)
    return await stack.enter_async_context(MongoKeys(connection))
