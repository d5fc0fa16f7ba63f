"""A reranker puts the first candidates in its order; retrieval goes on without one that fails."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.domain.conversations import Device, Question
from app.domain.models import RerankerSpec
from app.errors import DependencyFailed, Overloaded
from app.ports import Reranker
from app.services.retrieval.calibration import UNCALIBRATED
from app.services.retrieval.query import Query
from app.services.retrieval.reranking import asked
from app.services.retrieval.retriever import RetrievalRules, Retriever
from tests.builders import document, release

DOCUMENTS = [document(f"d{at}", f"printer text number {at}", title=f"printer {'x' * at}") for at in range(8)]


@dataclass
class Backwards:
    """Likes the last text best; remembers what it was asked."""

    failure: Exception | None = None
    seen: list[tuple[str, list[str]]] = field(default_factory=list)
    name: str = "backwards"

    @property
    def spec(self) -> RerankerSpec:
        return RerankerSpec(self.name, "1", "test", "cpu")

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        self.seen.append((query, list(texts)))
        if self.failure:
            raise self.failure
        return [float(at) for at in range(len(texts))]


def search(folder: Path, reranker: Reranker | None, depth: int = 5) -> Retriever:
    rules = RetrievalRules(0.2, UNCALIBRATED, 0.5, reranked=depth)
    return Retriever(release(folder, *DOCUMENTS), HashingEmbedder(256), rules, lambda _: "en", reranker)


async def ids(found: Retriever, device: Device | None = None) -> list[str]:
    evidence = await found.search(Question("printer", top_k=8, device=device or Device()))
    return [hit.document.id for hit in evidence.hits]


async def test_the_first_candidates_take_the_rerankers_order(tmp_path: Path) -> None:
    model = Backwards()
    plain = await ids(search(tmp_path / "a", None))
    assert await ids(search(tmp_path / "b", model)) == [*reversed(plain[:5]), *plain[5:]]
    query, texts = model.seen[0]
    assert query == "printer"
    best = next(item for item in DOCUMENTS if item.id == plain[0])
    assert texts[0] == f"{best.title}\n{best.sections[0].text}"
    assert len(texts) == 5


async def test_scores_stay_calibrated_and_fall_with_rank(tmp_path: Path) -> None:
    found = await search(tmp_path, Backwards()).search(Question("printer", top_k=8))
    scores = [hit.score for hit in found.hits]
    assert scores == sorted(scores, reverse=True)
    assert found.answerability == scores[0]


async def test_the_best_document_is_the_rerankers_with_the_features_of_retrieval(tmp_path: Path) -> None:
    plain, reranked = search(tmp_path / "a", None), search(tmp_path / "b", Backwards())
    order = await ids(plain)
    best = await reranked.best(Question("printer"))
    first = await plain.best(Question("printer"))
    assert best is not None
    assert first is not None
    assert best[0] == order[4] != first[0]


@pytest.mark.parametrize("failure", [Overloaded("reranker"), DependencyFailed("reranker", "closed")])
async def test_without_the_reranker_the_order_of_retrieval_stands(
    failure: Exception, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    plain = await ids(search(tmp_path / "a", None))
    with caplog.at_level(logging.WARNING):
        assert await ids(search(tmp_path / "b", Backwards(failure))) == plain
    assert [record.message for record in caplog.records] == ["reranker left out"]


async def test_one_candidate_needs_no_order(tmp_path: Path) -> None:
    model = Backwards()
    rules = RetrievalRules(0.2, UNCALIBRATED, 0.5)
    found = Retriever(release(tmp_path, DOCUMENTS[0]), HashingEmbedder(256), rules, lambda _: "en", model)
    assert await ids(found) == ["d0"]
    assert model.seen == []


async def test_the_model_is_told_what_the_device_says(tmp_path: Path) -> None:
    model = Backwards()
    await ids(search(tmp_path, model), Device(os="Windows 11"))
    assert model.seen[0][0] == "printer (Windows 11)"


def test_what_the_question_says_is_not_said_twice() -> None:
    query = Query("outlook on windows 11", "", "en", (), frozenset(), False)
    assert asked(query, Device(os="Windows 11", app="Outlook", version="16")) == "outlook on windows 11 (16)"
    assert asked(query, Device()) == "outlook on windows 11"


def test_the_reranker_is_part_of_the_rules(tmp_path: Path) -> None:
    versions = {
        search(tmp_path / str(at), model, depth).rules_version
        for at, (model, depth) in enumerate(
            [(None, 5), (Backwards(), 5), (Backwards(), 6), (Backwards(name="other"), 5)]
        )
    }
    assert len(versions) == 4
