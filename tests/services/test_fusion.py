"""Putting dense and lexical similarity together."""

from pathlib import Path

import numpy as np
import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.ports import Release
from app.services.retrieval import fusion
from app.services.retrieval.fusion import ALIAS_FACTOR, Candidate, Fusion, Weights
from tests.builders import document, release

DOCUMENTS = (
    document("printer", "Restart the print spooler service.", "Change the toner.", aliases={"en": ("no paper",)}),
    document("vpn", "Open port 500 on the router.", title="VPN error"),
    document("T-1", "My printer is dead, the spooler hung.", metadata={"article": "printer"}),
    document("T-2", "The mouse died.", metadata={"article": "gone"}),
)


@pytest.fixture(scope="module")
def opened(tmp_path_factory: pytest.TempPathFactory) -> Release:
    return release(tmp_path_factory.mktemp("index"), *DOCUMENTS)


WEIGHTS = Weights(words=0.2, length=0.0)


async def found(opened: Release, *texts: str, weights: Weights = WEIGHTS, widest: bool = False) -> dict[str, Candidate]:
    vectors = await HashingEmbedder().embed(texts)
    ranked = Fusion(opened, weights).candidates(vectors, " ".join(texts), widest=widest)
    assert [item.fused for item in ranked] == sorted((item.fused for item in ranked), reverse=True)
    return {item.document_id: item for item in ranked}


async def test_a_document_counts_by_its_best_passage(opened: Release) -> None:
    best = (await found(opened, "Restart the print spooler service."))["printer"]
    assert best.cosine == pytest.approx(1.0, abs=1e-6)
    assert best.lexical == 1.0
    assert best.fused == pytest.approx(best.cosine + 0.01 * best.points)
    assert best.points == pytest.approx(float(opened.lexical.scores("Restart the print spooler service.").max()))
    assert opened.passages[best.row].text == "Restart the print spooler service."


async def test_a_candidate_knows_its_rows_nearest_first(opened: Release) -> None:
    printer = (await found(opened, "change the toner"))["printer"]
    assert printer.nearest[0] == printer.row
    assert sorted(printer.nearest) == list(opened.rows["printer"])


async def test_a_ticket_counts_for_its_article(opened: Release) -> None:
    ranked = await found(opened, "My printer is dead, the spooler hung.")
    assert "T-1" not in ranked
    assert ranked["printer"].cosine == pytest.approx(1.0, abs=1e-6)
    assert opened.passages[ranked["printer"].row].document_id == "T-1"


async def test_a_ticket_whose_article_is_not_there_counts_for_itself(opened: Release) -> None:
    assert "T-2" in await found(opened, "The mouse died.")


async def test_a_name_counts_a_little_less_than_text(opened: Release) -> None:
    best = (await found(opened, "no paper"))["printer"]
    assert best.cosine == pytest.approx(ALIAS_FACTOR, abs=1e-6)


async def test_the_mean_over_the_wordings_counts(opened: Release) -> None:
    one = (await found(opened, "Open port 500 on the router."))["vpn"].cosine
    other = (await found(opened, "zebra"))["vpn"].cosine
    both = (await found(opened, "Open port 500 on the router.", "zebra"))["vpn"].cosine
    assert both == pytest.approx((one + other) / 2, abs=1e-6)


async def test_words_count_by_their_weight(opened: Release) -> None:
    ranked = await found(opened, "toner", weights=Weights(0.0, 0.0))
    assert ranked["printer"].fused == ranked["printer"].cosine
    assert ranked["printer"].lexical == 1.0


async def test_a_document_that_only_shares_words_is_found(opened: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "DENSE_CANDIDATES", 1)
    assert set(await found(opened, "toner mouse mouse mouse died")) == {"printer", "T-2"}


async def test_at_its_widest_every_document_is_found(opened: Release, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fusion, "DENSE_CANDIDATES", 1)
    monkeypatch.setattr(fusion, "LEXICAL_CANDIDATES", 1)
    assert set(await found(opened, "mouse", widest=True)) == {"printer", "vpn", "T-2"}


async def test_word_scores_are_shares_of_the_best(opened: Release) -> None:
    ranked = await found(opened, "spooler toner port")
    assert max(item.lexical for item in ranked.values()) == 1.0
    assert 0 < ranked["vpn"].lexical < 1
    assert ranked["T-2"].lexical == ranked["T-2"].points == 0.0


async def test_many_passages_of_text_are_held_against_a_document_and_names_are_not(opened: Release) -> None:
    plain = await found(opened, "spooler")
    discounted = await found(opened, "spooler", weights=Weights(words=0.2, length=0.1))
    given = {name: plain[name].fused - discounted[name].fused for name in plain}
    assert given["printer"] == pytest.approx(0.1 * np.log(3))  # two of its own, one of a ticket
    assert given["vpn"] == given["T-2"] == 0.0


async def test_of_many_rows_that_share_words_the_best_are_looked_at(
    opened: Release, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fusion, "DENSE_CANDIDATES", 1)
    monkeypatch.setattr(fusion, "LEXICAL_CANDIDATES", 1)
    assert set(await found(opened, "mouse died spooler")) <= {"printer", "T-2"}


def test_a_release_without_passages_has_no_candidates(tmp_path: Path) -> None:
    empty = release(tmp_path, document("a", " "))
    assert Fusion(empty, WEIGHTS).candidates(np.zeros((1, 256), np.float32), "printer") == []
