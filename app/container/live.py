"""Real time put together: the bus between instances, the answers, and whoever may listen."""

from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

from app.adapters.bus.memory_bus import MemoryBus
from app.ports import ConversationStore, Leases
from app.ports.live import EventBus
from app.services.admission import Admission
from app.services.live.answers import LiveAnswers
from app.services.live.rules import LiveRules
from app.services.live.run import Encoder
from app.services.live.service import Live
from app.services.seams import Access, Chat


@asynccontextmanager
async def open_live(
    *,
    chat: Chat,
    store: ConversationStore,
    access: Access,
    admission: Admission,
    encoder: Encoder,
    names: Sequence[str],
    rules: LiveRules,
    leases: Leases | None = None,
    redis_url: str | None = None,
) -> AsyncIterator[Live]:
    """Open real time; with Redis, all instances that name the same one are one service. Raises DependencyUnreachable.

    `leases` are what instances agree by on who answers; without them, each answers what it is asked.
    """
    async with AsyncExitStack() as stack:
        bus = await _open_bus(stack, redis_url)
        answers = LiveAnswers(
            chat=chat, store=store, bus=bus, admission=admission, encoder=encoder, leases=leases, rules=rules
        )
        yield await stack.enter_async_context(Live(answers, access, tuple(names)).running())


async def _open_bus(stack: AsyncExitStack, redis_url: str | None) -> EventBus:
    if redis_url is None:
        return MemoryBus()
    from app.adapters.bus.redis_bus import RedisBus  # noqa: PLC0415 - the driver is imported when it is chosen

    return await stack.enter_async_context(RedisBus(redis_url))
