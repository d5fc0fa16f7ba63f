"""Reading all sources: what no single source can see."""

import json
from pathlib import Path

import pytest

from app.adapters.sources.articles import ArticleFolder
from app.adapters.sources.tickets import TicketFile
from app.errors import KnowledgeInvalid
from app.ports import KnowledgeSource
from app.services.knowledge.reading import fingerprint, read_all
from tests.builders import ListSource, document, write_article


def test_documents_come_in_the_order_of_their_sources(tmp_path: Path) -> None:
    write_article(tmp_path, "article")
    sources: list[KnowledgeSource] = [ArticleFolder(tmp_path), ListSource([document("zebra"), document("ant")])]
    assert [item.id for item in read_all(sources)] == ["article", "zebra", "ant"]


def test_an_id_used_by_two_files_is_named_with_both_places(tmp_path: Path) -> None:
    first = write_article(tmp_path / "a", "same")
    second = write_article(tmp_path / "b", "same")
    with pytest.raises(KnowledgeInvalid) as caught:
        read_all([ArticleFolder(tmp_path)])
    assert (caught.value.path, caught.value.line) == (str(second), 2)
    assert caught.value.reason == f"id 'same' is used twice, first in {first}:2"


def test_an_id_used_by_two_sources_is_named_with_both_places(tmp_path: Path) -> None:
    first = write_article(tmp_path / "a", "same")
    write_article(tmp_path / "b", "same").rename(tmp_path / "b" / "other.md")
    with pytest.raises(KnowledgeInvalid, match=rf"other\.md:2: id 'same' is used twice, first in {first}:2"):
        read_all([ArticleFolder(tmp_path / "a"), ArticleFolder(tmp_path / "b")])


def test_a_ticket_used_twice_is_named_with_the_second_place(tmp_path: Path) -> None:
    ticket = {"subject": "s", "description": "d", "resolution": "r", "summary": "s", "category": "c"}
    ticket |= {"language": "en", "status": "solved", "created": "2026-03-09", "resolved": "2026-03-10"}
    row = json.dumps({"id": "T-7", **ticket, "platform": ["any"], "article": None})
    path = tmp_path / "tickets.json"
    path.write_text(f"[\n{row},\n\n{row}\n]", encoding="utf-8")
    with pytest.raises(KnowledgeInvalid, match=r"tickets\.json:4: id 'T-7' is used twice"):
        read_all([TicketFile(path)])


def test_no_documents_at_all_are_refused(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeInvalid, match="there are no documents"):
        read_all([ArticleFolder(tmp_path), TicketFile(tmp_path / "tickets.json")])


def test_the_fingerprint_follows_sources_their_order_and_the_rest() -> None:
    one, two = ListSource([], "1"), ListSource([], "2")
    prints = {
        fingerprint([one, two], "rules"),
        fingerprint([two, one], "rules"),
        fingerprint([one], "rules"),
        fingerprint([one, two], "other rules"),
        fingerprint([one, two], "ru", "les"),
    }
    assert len(prints) == 5
    assert fingerprint([one, two], "rules") in prints
