"""Files and examples of one conversation, as evidence for it alone."""

from datetime import UTC, datetime

import numpy as np
import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.analysis import analyse
from app.domain.conversations import Attachment, AttachmentKind, Question
from app.domain.knowledge import DocumentKind
from app.domain.models import Vectors
from app.domain.retrieval import Evidence, Filters
from app.services.conversation import own_knowledge
from app.services.conversation.own_knowledge import OwnKnowledge
from tests.answer_builders import VPN, evidence_of, hit_of

NOON = datetime(2026, 11, 21, 12, tzinfo=UTC)
LOG = Attachment(
    "f1",
    AttachmentKind.FILE,
    "backup-2026.log",
    ("Backup started on host NAS4.", "ERROR 5123 volume Vault7 ran out of quota during the nightly backup."),
    NOON,
)
EXAMPLE = Attachment(
    "e1", AttachmentKind.EXAMPLE, "how do I order a headset", ("Write to the equipment desk in room 12.",), NOON
)
NOTHING = Evidence("", (), 0.0, sufficient=False, release="r1")


def found(query: str, *hits: object, sufficient: bool = True) -> Evidence:
    if not hits:
        return Evidence(query, (), 0.0, sufficient=False, release="r1")
    return evidence_of(*hits, query=query, sufficient=sufficient)  # type: ignore[arg-type]


async def joined(
    text: str, evidence: Evidence | None = None, *, top_k: int = 4, filters: Filters | None = None
) -> Evidence:
    own = OwnKnowledge(HashingEmbedder(), analyse)
    question = Question(text, top_k=top_k, filters=filters or Filters())
    return await own.joined(question, evidence or found(text), (LOG, EXAMPLE))


async def test_where_the_index_has_nothing_a_file_answers() -> None:
    evidence = await joined("volume Vault7 quota ERROR 5123 nightly backup")
    assert evidence.sufficient
    assert evidence.hits[0].document.kind is DocumentKind.FILE
    assert evidence.hits[0].document.title == "backup-2026.log"
    assert evidence.hits[0].passage.id == "f1#1"
    assert evidence.answerability == evidence.hits[0].score > 0.5


async def test_what_neither_holds_stays_unanswered() -> None:
    evidence = await joined("how do I bake sourdough bread")
    assert not evidence.sufficient
    assert evidence.hits == ()


async def test_what_the_index_holds_comes_before_a_file_that_was_not_asked_for() -> None:
    text = "volume Vault7 quota ERROR 5123 nightly backup"
    evidence = await joined(text, found(text, hit_of(VPN, score=0.6)))
    assert [hit.document.id for hit in evidence.hits] == [VPN.id, "f1"]


@pytest.mark.parametrize("text", ["what does the log say about Vault7 quota?", "Vault7 quota in backup-2026?"])
async def test_a_question_about_the_file_is_answered_from_it_first(text: str) -> None:
    evidence = await joined(text, found(text, hit_of(VPN, score=0.9)))
    assert [hit.document.id for hit in evidence.hits] == ["f1", VPN.id]


@pytest.mark.parametrize("text", ["how do I fix the Vault7 quota in the log?", "ich kann mich nicht einloggen, Vault7"])
async def test_a_remedy_comes_from_the_index_where_it_has_one(text: str) -> None:
    evidence = await joined(text, found(text, hit_of(VPN, score=0.9)))
    assert evidence.hits[0].document.id == VPN.id


@pytest.mark.parametrize(
    ("text", "about"),
    [
        ("what does the log say?", True),
        ("steht das in der Datei?", True),
        ("que dit le fichier ?", True),
        ("¿qué dice el archivo?", True),
        ("what is in backup-2026?", True),
        ("I cannot log in", False),
        ("the log in page is blank", False),
        ("OneDrive files do not sync", False),
        ("Word documents open slowly", False),
    ],
)
def test_a_question_about_a_file_is_told_from_one_about_files(*, text: str, about: bool) -> None:
    assert own_knowledge._about(text, "backup-2026.log") is about


async def test_an_example_answers_the_question_it_was_given_for() -> None:
    text = "how do I order a headset"
    evidence = await joined(text, found(text, hit_of(VPN, score=0.6)))
    assert evidence.hits[0].document.kind is DocumentKind.EXAMPLE
    assert evidence.hits[0].passage.text == "Write to the equipment desk in room 12."
    assert evidence.sufficient


async def test_an_example_for_another_question_does_not() -> None:
    assert (await joined("how do I order a monitor arm for two screens")).hits == ()


async def test_there_are_never_more_hits_than_asked_for() -> None:
    text = "what does the log say about Vault7 quota?"
    evidence = await joined(text, found(text, hit_of(VPN, score=0.9)), top_k=1)
    assert [hit.document.id for hit in evidence.hits] == ["f1"]


async def test_filters_hold_for_files_as_well() -> None:
    text = "what does the log say about Vault7 quota?"
    assert (await joined(text, filters=Filters({"category": frozenset({"vpn"})}))).hits == ()
    assert (await joined(text, filters=Filters({"kind": frozenset({"file"})}))).hits != ()


async def test_vectors_are_remembered_and_forgotten_oldest_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(own_knowledge, "_VECTORS", 3)
    embedded: list[str] = []

    class Counting(HashingEmbedder):
        async def embed(self, texts: object) -> Vectors:
            embedded.extend(texts)  # type: ignore[arg-type]
            return np.asarray(await super().embed(texts))  # type: ignore[arg-type]

    own = OwnKnowledge(Counting(), analyse)
    other = Attachment("f2", AttachmentKind.FILE, "x.txt", ("one", "two"), NOON)
    for attachments in ((LOG,), (LOG,), (other,), (LOG,)):
        await own.joined(Question("Vault7"), found("Vault7"), attachments)
    assert embedded.count(LOG.passages[0]) == 2
    assert embedded.count("one") == 1


async def test_an_attachment_without_text_is_passed_over() -> None:
    own = OwnKnowledge(HashingEmbedder(), analyse)
    empty = [Attachment(kind.value, kind, "x", (), NOON) for kind in AttachmentKind]
    assert (await own.joined(Question("x"), found("x"), empty)).hits == ()
