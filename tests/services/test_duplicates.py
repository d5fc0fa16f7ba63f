"""Of hits that say the same, the best stays."""

from dataclasses import replace

import pytest

from app.domain.knowledge import Document, Passage, PassageKind
from app.domain.retrieval import Hit
from app.services.retrieval import duplicates
from app.services.retrieval.duplicates import Duplicates
from tests.builders import document

TEXT = " ".join(f"word{chr(97 + at % 26)}{chr(97 + at // 26)}" for at in range(120))
ONE = document("one", TEXT, title="A title")


def hit(found: Document, score: float = 0.9) -> Hit:
    return Hit(found, Passage(f"{found.id}#0", found.id, 0, PassageKind.BODY, "", "text"), score, 0.8, 1.0)


def left(*documents: Document, wanted: int = 4) -> list[tuple[str, tuple[str, ...]]]:
    found = Duplicates().left_out([hit(item) for item in documents], wanted)
    return [(item.document.id, item.duplicates) for item in found]


def other(name: str, text: str = TEXT, **metadata: object) -> Document:
    return document(name, text, title="A title", metadata=metadata)


def test_the_best_of_those_that_say_the_same_names_the_others() -> None:
    nearly = other("two", TEXT.replace("wordba", "word"))
    assert left(ONE, nearly, other("three")) == [("one", ("two", "three"))]


def test_what_is_left_out_makes_room() -> None:
    last = document("last", "Something else is said here, in words of its own.")
    assert left(ONE, other("two"), last, wanted=2) == [("one", ("two",)), ("last", ())]


def test_duplicates_past_the_last_hit_wanted_are_named_too() -> None:
    assert left(ONE, other("two"), wanted=1) == [("one", ("two",))]
    assert left(ONE, document("last", "Else."), wanted=1) == [("one", ())]


@pytest.mark.parametrize(
    "unlike",
    [
        other("two", TEXT + " 5"),
        other("two", TEXT + " ERR_CERT"),
        other("two", TEXT + " not"),
        other("two", TEXT + " Ventura"),
        other("two", platform=["macos"]),
        other("two", versions=("Windows 10",)),
        other("two", site="Berlin"),
        other("two", TEXT + " " + TEXT[:400]),
        other("two", TEXT[: len(TEXT) // 2]),
        other("two", " ".join(reversed(TEXT.split()))),
        replace(other("two"), language="de"),
    ],
)
def test_other_facts_make_another_article(unlike: Document) -> None:
    assert left(ONE, unlike) == [("one", ()), ("two", ())]


def test_short_texts_are_compared_as_a_whole() -> None:
    assert left(document("one", "Restart."), document("two", "Restart.")) == [("one", ("two",))]
    assert left(document("one", "Restart."), document("two", "Restore.")) == [("one", ()), ("two", ())]


def test_documents_without_words_are_the_same() -> None:
    assert left(document("one"), document("two", "")) == [("one", ("two",))]


def test_only_so_many_documents_are_remembered(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(duplicates, "_KEPT", 2)
    kept = Duplicates()
    hits = [hit(other(str(at), TEXT + f" {at}")) for at in range(5)]
    for _ in range(2):
        assert [item.document.id for item in kept.left_out(hits, 5)] == ["0", "1", "2", "3", "4"]
    assert len(kept._prints) == 2
