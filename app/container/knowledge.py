"""Puts together where knowledge comes from, the releases made of it, and the search over them."""

import asyncio
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

from app.adapters.calibration_file import Measured, read_measured
from app.adapters.catalogue.catalogue import DATABASE as DOCUMENTS
from app.adapters.catalogue.source import open_source
from app.adapters.evaluation_files import read_questions
from app.adapters.index.store import FolderReleaseStore
from app.adapters.language import open_detector
from app.adapters.sources.articles import ArticleFolder
from app.adapters.sources.glossaries import read_glossaries
from app.adapters.sources.imported import ImportedFolder
from app.adapters.sources.tickets import TicketFile
from app.config import KnowledgeSettings, Settings
from app.container.engines import open_embedder, open_reranker
from app.domain.knowledge import Document
from app.ports import Embedder, KnowledgeSource, Release, Reranker
from app.services.knowledge.building import ContentBuilder, Progress, embed_documents, no_progress
from app.services.knowledge.reading import RememberingSource
from app.services.releases.current import CurrentSearch, leave_out_of_collections
from app.services.releases.golden import GoldenQuestions
from app.services.releases.keeper import KeeperRules, ReleaseKeeper
from app.services.retrieval.calibration import UNCALIBRATED, Calibration
from app.services.retrieval.fusion import DEFAULT, Weights
from app.services.retrieval.retriever import RetrievalRules, Retriever

CALIBRATION = "calibration.json"


class SearchMaker:
    """Opens searches over releases, all by the same rules; what the rules need is read once."""

    def __init__(
        self, settings: Settings, model_digest: str, measured: Measured | None, reranker: Reranker | None = None
    ) -> None:
        calibration = calibration_for(model_digest, measured)
        wanted = settings.retrieval.answer_threshold
        weights = fusion_weights(settings, measured)
        self._rules = RetrievalRules(
            lexical_weight=weights.words,
            length_weight=weights.length,
            calibration=calibration,
            threshold=calibration.threshold if wanted is None else wanted,
            glossaries=read_glossaries(settings.knowledge.data_dir / "glossary"),
            reranked=settings.retrieval.reranked,
        )
        self._reranker = reranker
        self._detect = open_detector()

    def open(self, release: Release, embedder: Embedder, weights: Weights | None = None) -> Retriever:
        """Return a search over a release; other fusion weights are for measuring them."""
        rules = self._rules
        if weights is not None:
            rules = replace(rules, lexical_weight=weights.words, length_weight=weights.length)
        return Retriever(release, embedder, rules, self._detect, self._reranker)


def fusion_weights(settings: Settings, measured: Measured | None) -> Weights:
    """Return the fusion weights that are set, else those learned here, else the default."""
    learned = (measured.lexical_weight, measured.length_weight) if measured else (None, None)
    wanted = (settings.retrieval.lexical_weight, settings.retrieval.length_weight)
    choices = zip(wanted, learned, (DEFAULT.words, DEFAULT.length), strict=True)
    return Weights(*(next(weight for weight in given if weight is not None) for given in choices))


def calibration_for(model_digest: str, measured: Measured | None) -> Calibration:
    """Return the calibration measured for an embedding model, or cautious weights for one nobody has measured.

    Raises SettingsInvalid where what was measured is another version's.
    """
    if measured is None or not measured.weights or measured.model_digest != model_digest:
        return UNCALIBRATED
    return Calibration(measured.bias, measured.weights, measured.threshold, measured.model_digest)


def measured_in(settings: Settings) -> Measured | None:
    """Return what was measured for this knowledge base, if anything was."""
    return read_measured(settings.knowledge.data_dir / CALIBRATION)


@contextmanager
def sources(settings: Settings) -> Iterator[list[KnowledgeSource]]:
    """Open the places documents come from; every process opens the same, so that all agree on what is new."""
    data = settings.knowledge.data_dir
    with open_source(settings.stores.state_dir / DOCUMENTS) as added:
        yield [
            ArticleFolder(data / "knowledge"),
            TicketFile(data / "tickets.json"),
            ImportedFolder(data / "imported"),
            added,
        ]


def open_store(stack: AsyncExitStack, knowledge: KnowledgeSettings) -> FolderReleaseStore:
    """Open the index releases. Raises DependencyUnreachable where a vector engine is set and cannot be reached."""
    engine = None
    if knowledge.vector_url is not None:
        from app.adapters.vectors.milvus import MilvusVectors  # noqa: PLC0415 - the driver takes seconds to import

        token = knowledge.vector_token.get_secret_value() if knowledge.vector_token else ""
        engine = MilvusVectors(knowledge.vector_url, token=token, timeout_s=knowledge.vector_timeout_seconds)
        stack.callback(engine.close)
    return FolderReleaseStore(
        knowledge.index_dir, keep=knowledge.releases_kept, memory_mib=knowledge.index_memory_mib, engine=engine
    )


def keeper_over(
    settings: Settings,
    store: FolderReleaseStore,
    held: Sequence[KnowledgeSource],
    embedder: Embedder,
    maker: SearchMaker,
) -> tuple[CurrentSearch, ReleaseKeeper]:
    """Put together the search in use and what keeps it in step."""
    knowledge = settings.knowledge
    current = CurrentSearch(lambda release: maker.open(release, embedder), leave_out_of_collections)
    questions = knowledge.data_dir / "eval" / "questions.jsonl"
    golden = GoldenQuestions(read_questions(questions) if questions.exists() else [], embedder, maker.open)
    builder = ContentBuilder([RememberingSource(source) for source in held], embedder, knowledge.vector_url or "")
    rules = KeeperRules(knowledge.golden_questions, knowledge.golden_drop)
    return current, ReleaseKeeper(builder, store, store, golden, current, rules)


@asynccontextmanager
async def open_keeper(settings: Settings) -> AsyncIterator[ReleaseKeeper]:
    """Open what builds and switches index releases; nothing is built yet."""
    async with AsyncExitStack() as stack:
        store = await asyncio.to_thread(open_store, stack, settings.knowledge)
        held = stack.enter_context(sources(settings))
        embedder = await open_embedder(stack, settings)
        maker = SearchMaker(settings, embedder.spec.digest, measured_in(settings))
        yield keeper_over(settings, store, held, embedder, maker)[1]


@asynccontextmanager
async def open_search_over(
    settings: Settings, documents: Sequence[Document], progress: Progress = no_progress
) -> AsyncIterator[Retriever]:
    """Index documents in a folder that is removed afterwards, and open a search over them with default weights."""
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(stack, settings)
        reranker = await open_reranker(stack, settings)
        folder = Path(stack.enter_context(TemporaryDirectory(prefix="it-support-index-")))
        releases = FolderReleaseStore(folder)
        content = await embed_documents(documents, embedder, "evaluation", progress)
        await asyncio.to_thread(releases.publish, content)
        release = await asyncio.to_thread(releases.open, embedder.spec)
        yield SearchMaker(settings, embedder.spec.digest, None, reranker).open(release, embedder)
