"""Follow-ups measured by every reading, and texts compared with gold ones."""

from pathlib import Path

import pytest

from app.services.evaluation.conversations import READINGS, SERVICE, Found, Task, figures, follow
from app.services.evaluation.texts import Likeness, alike, of_all, token_f1
from tests.builders import asked, document, release, retriever

TASK = Task("q1", "it", "And on a Mac?", asked("The printer is offline"), ("printer-mac",), "ANSWERABLE")
LOST = Task("q2", "it", "And the spaceship?", asked("The printer is offline"), (), "UNANSWERABLE")


async def test_every_reading_is_asked_for_every_task(tmp_path: Path) -> None:
    documents = (
        document("printer-mac", "The printer is offline on a Mac"),
        document("printer-windows", "The printer is offline on Windows"),
        document("vpn", "The VPN drops on a Mac"),
    )
    ticks: list[int] = []
    search = retriever(release(tmp_path, *documents))
    found = await follow(search, [TASK, LOST], lambda: ticks.append(1))
    assert list(found) == [*READINGS, SERVICE]
    assert all([item.task for item in rows] == [TASK, LOST] for rows in found.values())
    assert found[SERVICE][0].ndcg == found["standalone, always"][0].ndcg == 1.0
    assert found["the question alone"][0].ndcg < 1.0
    assert len(ticks) == 2


def test_figures_are_told_apart_by_domain_and_label() -> None:
    other = Task("q3", "hr", "And there?", (), ("x",), "PARTIAL")
    found = [Found(TASK, 1.0, 0.5, False), Found(other, 0.0, 0.0, True), Found(LOST, 0.0, 0.0, True)]
    assert figures(found) == {
        "ndcg@10": 0.5,
        "recall@10": 0.25,
        "refused, answerable": 0.5,
        "refused, unanswerable": 1.0,
        "hr, ndcg@10": 0.0,
        "hr, recall@10": 0.0,
        "it, ndcg@10": 1.0,
        "it, recall@10": 0.5,
    }


@pytest.mark.parametrize(
    ("text", "gold", "expected"),
    [
        ("Restart the router.", "restart the ROUTER", 1.0),
        ("one two", "two three", 0.5),
        ("one", "two", 0.0),
        ("", "two", 0.0),
        ("", "", 0.0),
    ],
)
def test_words_are_compared_without_marks(text: str, gold: str, expected: float) -> None:
    assert token_f1(text, gold) == pytest.approx(expected)


def test_hard_facts_are_sought_in_both_directions() -> None:
    found = alike("Run `sfc /scannow` in 5 minutes.", "Open `cmd`, run `sfc /scannow`.", source="wait 5 minutes")
    assert found.recalled[0] < found.recalled[1]
    assert found.precise[0] == found.precise[1] > 0


def test_shares_are_over_all_texts() -> None:
    rows = [Likeness(1.0, (1, 1), (0, 2)), Likeness(0.0, (0, 3), (2, 2))]
    assert of_all(rows) == {"token_f1": 0.5, "hard_fact_recall": 0.25, "hard_fact_precision": 0.5}
    assert of_all([])["hard_fact_recall"] == 1.0
