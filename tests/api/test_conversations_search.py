from datetime import UTC, datetime
from typing import Any

from conversation_app import Serving, application, said, serving
from starlette.testclient import TestClient

from app.domain.conversations import Found, Overview


def test_conversations_are_found_by_what_was_said_in_them() -> None:
    with serving() as desk:
        printer, both, theirs = desk.begun(), desk.begun(), desk.begun(owner="b")
        desk.talk(printer, said("The printer is offline"))
        desk.talk(both, said("printer and scanner"))
        desk.talk(theirs, said("printer scanner"), owner="b")
        reply = _search(desk, " printer scanner ")
        assert reply["query"] == "printer scanner"
        assert [item["id"] for item in reply["matches"]] == [both, printer]
        assert [item["score"] for item in reply["matches"]] == [1.0, 0.5]
        assert reply["matches"][0]["snippet"] == "printer and scanner"
        assert reply["matches"][0]["message_count"] == 1
        assert len(_search(desk, "printer", limit=1)["matches"]) == 1
        assert _search(desk, "zebra")["matches"] == []


def _search(desk: Serving, query: str, **more: Any) -> Any:
    reply = desk.ask("GET", "/search", params={"q": query, **more})
    assert reply.status_code == 200
    return reply.json()


class Marking:
    """A store whose search marks what it found."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, str, int]] = []

    async def find(self, owner: str, query: str, limit: int) -> tuple[Found, ...]:
        self.asked.append((owner, query, limit))
        moment = datetime(2026, 1, 1, tzinfo=UTC)
        return (Found(Overview("i", "t", moment, moment, 3), 1.0, "open <b>UDP</b> ports", ((8, 11), (16, 21))),)


def test_the_words_found_are_marked_and_nothing_is_made_of_them() -> None:
    store = Marking()
    with TestClient(application(store)) as client:
        query = 'UDP* OR "ports" NEAR($ne)'
        reply = client.get(
            "/api/v1/conversations/search", params={"q": query, "limit": 7}, headers={"Authorization": "Bearer a"}
        ).json()
    assert store.asked == [("a", query, 7)]
    match = reply["matches"][0]
    assert [match["snippet"][mark["start"] : mark["end"]] for mark in match["marks"]] == ["UDP", "ports"]
