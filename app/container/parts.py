"""Puts the parts of the service together."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.adapters.caches.memory_cache import MemoryCache
from app.adapters.calibration_file import Measured, read_measured
from app.adapters.index.store import FolderReleaseStore
from app.adapters.language import open_detector
from app.adapters.sources.articles import ArticleFolder
from app.adapters.sources.glossaries import read_glossaries
from app.adapters.sources.tickets import TicketFile
from app.adapters.stores.memory_store import MemoryStore
from app.adapters.stores.sqlite_store import SqliteStore
from app.adapters.tokens import open_counter
from app.config import Settings
from app.container.engines import loaded, open_embedder, open_generator
from app.domain.answers import AnswerMode
from app.domain.knowledge import Document
from app.ports import ConversationStore, Embedder, KnowledgeSource, Release, ResponseCache
from app.services.answering.composer import Composer, ComposeRules
from app.services.answering.grounding import Grounder, GroundingRules
from app.services.bundle import Services
from app.services.chat import ChatService
from app.services.health import HealthService
from app.services.knowledge.building import IndexBuilder, Progress, embed_documents, no_progress
from app.services.retrieval.calibration import UNCALIBRATED, Calibration
from app.services.retrieval.retriever import RetrievalRules, Retriever

CALIBRATION = "calibration.json"
DATABASE = "conversations.sqlite3"


@dataclass(frozen=True)
class Parts:
    """The services, and what the command line measures them with."""

    services: Services
    chat: ChatService
    search: Retriever
    grounder: Grounder
    store: ConversationStore
    embedder: Embedder
    measured: Measured | None


@asynccontextmanager
async def open_services(settings: Settings, progress: Progress = no_progress) -> AsyncIterator[Services]:
    """Open everything that serves requests; `progress` hears of an index being built."""
    async with open_parts(settings, progress) as parts:
        yield parts.services


@asynccontextmanager
async def open_parts(
    settings: Settings, progress: Progress = no_progress, *, ephemeral: bool = False, mode: AnswerMode | None = None
) -> AsyncIterator[Parts]:
    """Open everything. `ephemeral` keeps conversations in memory and caches nothing; `mode` overrides ANSWER_MODE."""
    async with AsyncExitStack() as stack:
        # Servers first: that one cannot be reached is told at once, not after an index was built.
        store = MemoryStore() if ephemeral else await _open_store(stack, settings)
        cache = MemoryCache(1, 0) if ephemeral else await _open_cache(stack, settings)
        embedder = await open_embedder(stack, settings)
        releases = FolderReleaseStore(settings.knowledge.index_dir)
        await IndexBuilder(sources(settings), embedder, releases).ensure(progress)
        release = await asyncio.to_thread(releases.open, embedder.spec)
        measured = read_measured(settings.knowledge.data_dir / CALIBRATION)
        search = _retriever(settings, release, embedder, measured)
        answer_mode = mode or AnswerMode(settings.generation.answer_mode)
        modes = measured.modes if measured else {}
        generator = await open_generator(stack, settings, answer_mode, modes)
        if ephemeral:
            # A command asks at once, where a server answers 503 until the model is there.
            await loaded(generator)
        grounder = Grounder(embedder, release.lexical.analyse, _grounding(measured))
        composer = Composer(open_counter(), generator, grounder, ComposeRules(answer_mode, modes))
        chat = ChatService(search=search, composer=composer, store=store, cache=cache)
        health = HealthService(release.manifest, embedder.spec, generator, store)
        yield Parts(Services(chat, search, health), chat, search, grounder, store, embedder, measured)


@asynccontextmanager
async def open_builder(settings: Settings) -> AsyncIterator[IndexBuilder]:
    """Open what builds the index."""
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(stack, settings)
        yield IndexBuilder(sources(settings), embedder, FolderReleaseStore(settings.knowledge.index_dir))


@asynccontextmanager
async def open_search_over(
    settings: Settings, documents: Sequence[Document], progress: Progress = no_progress
) -> AsyncIterator[Retriever]:
    """Index documents in a folder that is removed afterwards, and open a retriever over them."""
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(stack, settings)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="it-support-index-")))
        releases = FolderReleaseStore(folder)
        content = await embed_documents(documents, embedder, "evaluation", progress)
        await asyncio.to_thread(releases.publish, content)
        release = await asyncio.to_thread(releases.open, embedder.spec)
        yield _retriever(settings, release, embedder, None)


def sources(settings: Settings) -> list[KnowledgeSource]:
    """Return the places documents come from."""
    data = settings.knowledge.data_dir
    return [ArticleFolder(data / "knowledge"), TicketFile(data / "tickets.json")]


def _retriever(settings: Settings, release: Release, embedder: Embedder, measured: Measured | None) -> Retriever:
    calibration = calibration_for(embedder.spec.digest, measured)
    wanted = settings.retrieval.answer_threshold
    rules = RetrievalRules(
        lexical_weight=settings.retrieval.lexical_weight,
        calibration=calibration,
        threshold=calibration.threshold if wanted is None else wanted,
        glossaries=read_glossaries(settings.knowledge.data_dir / "glossary"),
    )
    return Retriever(release, embedder, rules, open_detector())


def calibration_for(model_digest: str, measured: Measured | None) -> Calibration:
    """Return the calibration measured for an embedding model, or cautious weights for one nobody has measured.

    Raises SettingsInvalid where what was measured is another version's.
    """
    if measured is None or not measured.weights or measured.model_digest != model_digest:
        return UNCALIBRATED
    return Calibration(measured.bias, measured.weights, measured.threshold, measured.model_digest)


def _grounding(measured: Measured | None) -> GroundingRules:
    return GroundingRules(measured.min_cosine, measured.min_words) if measured else GroundingRules()


async def _open_store(stack: AsyncExitStack, settings: Settings) -> ConversationStore:
    uri = settings.stores.mongodb_uri
    if uri is None:
        return await stack.enter_async_context(SqliteStore(settings.stores.state_dir / DATABASE))
    from app.adapters.stores.mongo_store import MongoStore  # noqa: PLC0415 - the driver is imported when it is chosen

    return await stack.enter_async_context(MongoStore(uri.get_secret_value()))


async def _open_cache(stack: AsyncExitStack, settings: Settings) -> ResponseCache:
    stores = settings.stores
    if stores.redis_url is None:
        return MemoryCache(stores.cache_max_entries, stores.cache_ttl_seconds)
    from app.adapters.caches.redis_cache import RedisCache  # noqa: PLC0415 - the driver is imported when it is chosen

    cache = RedisCache(stores.redis_url.get_secret_value(), stores.cache_ttl_seconds)
    return await stack.enter_async_context(cache)
