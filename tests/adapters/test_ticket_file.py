"""Solved tickets: read into documents, or refused with file and line."""

import json
from pathlib import Path
from typing import Any

import pytest

from app.adapters.sources.tickets import TicketFile
from app.domain.knowledge import Document, DocumentKind, SectionKind
from app.errors import KnowledgeInvalid

TICKET: dict[str, Any] = {
    "id": "T-1001",
    "subject": "Locked out again",
    "description": "Every 20 minutes I am locked out.",
    "resolution": "An old tablet still used the old password.",
    "summary": "An old device kept the old password.",
    "category": "accounts",
    "platform": ["windows", "ios"],
    "language": "en",
    "status": "solved",
    "created": "2026-03-09",
    "resolved": "2026-03-10",
    "article": "account-locked-out",
}


def ticket(name: str = "T-1001", **changes: Any) -> dict[str, Any]:
    return {**TICKET, "id": name, **changes}


def read(folder: Path, text: str) -> list[Document]:
    path = folder / "tickets.json"
    path.write_bytes(text.encode("utf-8", "surrogatepass"))
    return list(TicketFile(path).documents())


def lines(*rows: Any) -> str:
    """Return a file whose tickets begin on lines 2, 3, ..."""
    return "[\n" + ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows) + "\n]\n"


def test_a_ticket_is_read_whole(tmp_path: Path) -> None:
    (found,) = read(tmp_path, lines(TICKET))
    assert (found.id, found.kind, found.title) == ("T-1001", DocumentKind.TICKET, "Locked out again")
    assert [(section.kind, section.text) for section in found.sections] == [
        (SectionKind.SYMPTOM, "Every 20 minutes I am locked out."),
        (SectionKind.BODY, "An old tablet still used the old password."),
    ]
    assert found.aliases == {"en": ("An old device kept the old password.",)}
    assert found.metadata == {
        "summary": "An old device kept the old password.",
        "category": "accounts",
        "platform": ["windows", "ios"],
        "status": "solved",
        "created": "2026-03-09",
        "resolved": "2026-03-10",
        "article": "account-locked-out",
    }
    assert found.origin.line == 2


def test_a_ticket_without_an_article_names_none(tmp_path: Path) -> None:
    (found,) = read(tmp_path, lines(ticket(article=None)))
    assert "article" not in found.metadata


def test_tickets_come_in_the_files_order_each_with_its_line(tmp_path: Path) -> None:
    found = read(tmp_path, lines(ticket("T-2"), ticket("T-1"), ticket("T-3")).replace("\n", "\r\n"))
    assert [(item.id, item.origin.line) for item in found] == [("T-2", 2), ("T-1", 3), ("T-3", 4)]


def test_a_file_that_is_not_there_holds_no_tickets(tmp_path: Path) -> None:
    source = TicketFile(tmp_path / "tickets.json")
    empty = source.fingerprint()
    assert list(source.documents()) == []
    read(tmp_path, lines(TICKET))
    assert source.fingerprint() != empty


FAULTS = {
    "empty": ("", 1, "is empty"),
    "no JSON": ("[\n{]\n", 2, "is not JSON: Expecting property name"),
    "no list": (json.dumps(TICKET), 1, "is not a list of tickets"),
    "too deep": ("[" * 100_000, 1, "is nested too deeply"),
    "a number of 5000 digits": (f"[{'1' * 5000}]", 1, "too long to read"),
    "no ticket": (lines(TICKET, "T-1"), 1, "ticket 2 : : Input should be a valid dictionary"),
    "an unknown key": (lines(TICKET, ticket("T-2", priority=1)), 3, "ticket 2 T-2: priority: Extra inputs"),
    "a missing key": (lines({"id": "T-5"}), 2, "ticket 1 T-5: subject: Field required"),
    "another id": (lines(ticket("5")), 2, "id: String should match"),
    "a ticket at work": (lines(TICKET, ticket("T-2", status="open")), 3, "status: Input should be 'solved'"),
    "a day that never was": (lines(ticket(created="2026-02-30")), 2, "created: Input should be a valid date"),
    "no words": (lines(ticket(resolution=" ")), 2, "resolution: String should have at least 1"),
    "an escaped NUL": (lines(ticket(subject="a\0b")), 2, "subject: Value error, holds a NUL character"),
    "half a character": (json.dumps([ticket(subject="\ud800")]), 1, "subject: Input should be a valid string"),
    "a NUL": ('[\n"\0"]', 2, "holds a NUL character"),
}


@pytest.mark.parametrize(("text", "line", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_file_and_line(tmp_path: Path, text: str, line: int, reason: str) -> None:
    with pytest.raises(KnowledgeInvalid) as caught:
        read(tmp_path, text)
    assert (caught.value.path, caught.value.line) == (str(tmp_path / "tickets.json"), line)
    assert reason in caught.value.reason


def test_another_encoding_is_named_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "tickets.json"
    path.write_bytes("[\n\n\xe4]".encode("latin-1"))
    with pytest.raises(KnowledgeInvalid, match=r"tickets\.json:3: not UTF-8 \(byte 3\)"):
        list(TicketFile(path).documents())
