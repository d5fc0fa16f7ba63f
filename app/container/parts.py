"""Puts the parts of the service together."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

from app.adapters.caches.memory_cache import MemoryCache
from app.adapters.calibration_file import Measured
from app.adapters.index.analysis import analyse
from app.adapters.stores.memory_store import MemoryStore
from app.config import Settings
from app.container.answering import Answered, Asked, open_chat, unmeasured
from app.container.engines import loaded, open_embedder, open_generator, open_reranker
from app.container.knowledge import SearchMaker, keeper_over, measured_in, open_store, sources
from app.container.stores import open_archive, open_cache
from app.domain.answers import AnswerMode
from app.ports import ConversationArchive, Embedder
from app.services.answering.composer import ComposeRules
from app.services.answering.grounding import Grounder, GroundingRules
from app.services.bundle import Services
from app.services.chat import ChatService
from app.services.conversation.service import ConversationService
from app.services.health import HealthService
from app.services.knowledge.building import Progress, no_progress
from app.services.releases.golden import RememberingEmbedder
from app.services.releases.keeper import ReleaseKeeper
from app.services.retrieval.fusion import Weights
from app.services.retrieval.retriever import Retriever


@dataclass(frozen=True)
class Parts:
    """The services, and what the command line measures them with."""

    services: Services
    chat: ChatService
    search: Retriever
    keeper: ReleaseKeeper
    grounder: Grounder
    store: ConversationArchive
    embedder: Embedder
    measured: Measured | None
    weighted: Callable[[Weights], Retriever]


@asynccontextmanager
async def open_parts(
    settings: Settings, progress: Progress = no_progress, *, ephemeral: bool = False, mode: AnswerMode | None = None
) -> AsyncIterator[Parts]:
    """Open everything. `ephemeral` keeps conversations in memory and caches nothing; `mode` overrides ANSWER_MODE."""
    async with AsyncExitStack() as stack:
        # Servers first: that one cannot be reached is told at once, not after an index was built.
        store = MemoryStore() if ephemeral else await open_archive(stack, settings)
        cache, leases = (MemoryCache(1, 0), None) if ephemeral else await open_cache(stack, settings)
        releases = await asyncio.to_thread(open_store, stack, settings.knowledge)
        held = stack.enter_context(sources(settings))
        embedder = await open_embedder(stack, settings)
        measured = measured_in(settings)
        maker = SearchMaker(settings, embedder.spec.digest, measured, await open_reranker(stack, settings))
        current, keeper = keeper_over(settings, releases, held, embedder, maker)
        await keeper.start(progress)
        search = current.pinned()
        answer_mode = mode or AnswerMode(settings.generation.answer_mode)
        modes = measured.modes if measured else {}
        generator = await open_generator(stack, settings, answer_mode, modes)
        if ephemeral:
            # A command asks at once, where a server answers 503 until the model is there.
            await loaded(generator)
        grounder = Grounder(embedder, analyse, _grounding(measured))
        asked = Asked(settings, embedder, generator, grounder, ComposeRules(answer_mode, modes, unmeasured(settings)))
        chat = open_chat(
            asked,
            current.pinned,
            store,
            Answered(cache, leases, semantic=settings.stores.semantic_cache and not ephemeral),
        )
        health = HealthService(current, embedder.spec, generator, store)
        remembering = RememberingEmbedder(embedder)
        yield Parts(
            services=Services(chat, current, health, store, conversations=ConversationService(store), leases=leases),
            chat=chat,
            search=search,
            keeper=keeper,
            grounder=grounder,
            store=store,
            embedder=embedder,
            measured=measured,
            weighted=lambda weights: maker.open(search.release, remembering, weights),
        )


def _grounding(measured: Measured | None) -> GroundingRules:
    return GroundingRules(measured.min_cosine, measured.min_words) if measured else GroundingRules()
