from collections.abc import Iterator
from uuid import uuid4

import pytest
from conversation_app import BASE, Serving, problem, said, serving


@pytest.fixture
def desk() -> Iterator[Serving]:
    with serving() as running:
        yield running


def test_a_conversation_begins_empty_under_an_id_of_ours(desk: Serving) -> None:
    reply = desk.ask("POST", json={"title": "  VPN\u202e at\n home "})
    assert reply.status_code == 201
    assert reply.json()["title"] == "VPN at home"
    assert reply.json()["message_count"] == 0
    assert reply.headers["location"] == f"{BASE}/{reply.json()['id']}"
    assert reply.headers["cache-control"] == "no-store"
    got = desk.client.get(reply.headers["location"], headers={"Authorization": "Bearer a"})
    assert got.json() == {**reply.json(), "messages": [], "previous_cursor": None}


def test_a_conversation_begins_without_a_body(desk: Serving) -> None:
    assert desk.ask("POST").json()["title"] == ""


def test_a_conversation_begins_once_under_an_id_of_the_client_s(desk: Serving) -> None:
    chosen = str(uuid4())
    assert desk.ask("POST", json={"id": chosen}).json()["id"] == chosen
    assert problem(desk.ask("POST", json={"id": chosen}), 409, "conflict")["existing"] == chosen
    assert desk.ask("GET", f"/{chosen}").status_code == 200


def test_the_list_is_newest_first_and_paged_without_gaps(desk: Serving) -> None:
    ids = [desk.begun(f"number {number}") for number in range(7)]
    desk.begun("of another", owner="b")
    found: list[str] = []
    cursor: str | None = None
    pages = 0
    while pages == 0 or cursor:
        reply = desk.ask("GET", params={"limit": 3} | ({"cursor": cursor} if cursor else {})).json()
        if pages == 0:
            desk.begun("begun meanwhile")
        found += [item["id"] for item in reply["conversations"]]
        cursor = reply["next_cursor"]
        pages += 1
    assert found == ids[::-1]
    assert pages == 3


def test_a_page_that_is_just_full_is_the_last(desk: Serving) -> None:
    desk.begun()
    assert desk.ask("GET", params={"limit": 1}).json()["next_cursor"] is None


def test_messages_come_with_outcome_and_citations(desk: Serving) -> None:
    conversation = desk.begun()
    desk.talk(conversation, said("error 809?", "Open the port. [1]"))
    reply = desk.ask("GET", f"/{conversation}").json()
    assert reply["title"] == "error 809?"
    assert reply["message_count"] == 2
    question, answer = reply["messages"]
    assert (question["role"], question["content"], question["outcome"]) == ("user", "error 809?", None)
    assert (answer["role"], answer["outcome"]) == ("assistant", "answered")
    assert answer["created_at"] == "2026-11-21T09:30:00Z"
    assert [item["passage_id"] for item in answer["citations"]] == ["vpn-809#2"]


def test_older_messages_come_page_by_page_whatever_is_said_meanwhile(desk: Serving) -> None:
    conversation = desk.begun()
    texts = [f"text {number}" for number in range(25)]
    desk.talk(conversation, said(*texts[:24]))
    found: list[str] = []
    before: str | None = None
    while not found or before:
        params = {"limit": 10} | ({"before": before} if before else {})
        reply = desk.ask("GET", f"/{conversation}", params=params).json()
        found = [item["content"] for item in reply["messages"]] + found
        before = reply["previous_cursor"]
        desk.talk(conversation, said(*texts))
    assert found == texts[:24]


def test_a_conversation_is_renamed(desk: Serving) -> None:
    conversation = desk.begun("old")
    assert desk.ask("PATCH", f"/{conversation}", json={"title": "new"}).json()["title"] == "new"
    assert desk.ask("GET", f"/{conversation}").json()["title"] == "new"


def test_a_reset_empties_and_keeps_the_name(desk: Serving) -> None:
    conversation = desk.begun("kept")
    desk.talk(conversation, said("a", "b"))
    desk.ask("POST", f"/{conversation}/examples", json={"question": "q", "answer": "a"})
    reply = desk.ask("POST", f"/{conversation}/reset")
    assert (reply.json()["title"], reply.json()["message_count"]) == ("kept", 0)
    assert desk.ask("GET", f"/{conversation}").json()["messages"] == []
    assert desk.ask("GET", f"/{conversation}/examples").json() == {"examples": []}


def test_what_is_deleted_is_not_found(desk: Serving) -> None:
    conversation = desk.begun()
    reply = desk.ask("DELETE", f"/{conversation}")
    assert (reply.status_code, reply.content) == (204, b"")
    problem(desk.ask("GET", f"/{conversation}"), 404, "not_found")
    problem(desk.ask("DELETE", f"/{conversation}"), 404, "not_found")


def test_everything_of_one_owner_is_erased_when_that_is_confirmed(desk: Serving) -> None:
    mine, theirs = [desk.begun() for _ in range(3)], desk.begun(owner="b")
    for params in ({}, {"confirm": "false"}):
        found = problem(desk.ask("DELETE", params=params), 400, "invalid_input")
        assert [error["field"] for error in found["errors"]] == ["confirm"]
    assert desk.ask("GET", f"/{mine[0]}").status_code == 200
    assert desk.ask("DELETE", params={"confirm": "true"}).json() == {"deleted": 3}
    assert desk.ask("GET").json()["conversations"] == []
    assert desk.ask("GET", f"/{theirs}", owner="b").status_code == 200
    assert desk.ask("DELETE", params={"confirm": "true"}).json() == {"deleted": 0}


def test_callers_nobody_knows_have_one_list(desk: Serving) -> None:
    desk.client.post(BASE, json={"title": "mine"})
    assert [item["title"] for item in desk.client.get(BASE).json()["conversations"]] == ["mine"]


def test_examples_are_kept_listed_and_taken_away(desk: Serving) -> None:
    conversation = desk.begun()
    given = {"question": " How do I get a laptop? ", "answer": "In the shop.\nAsk first."}
    added = desk.ask("POST", f"/{conversation}/examples", json=given)
    assert added.status_code == 201
    assert (added.json()["question"], added.json()["answer"]) == ("How do I get a laptop?", given["answer"])
    assert desk.ask("GET", f"/{conversation}/examples").json() == {"examples": [added.json()]}
    place = f"/{conversation}/examples/{added.json()['id']}"
    assert desk.ask("DELETE", place).status_code == 204
    problem(desk.ask("DELETE", place), 404, "not_found")
    assert desk.ask("GET", f"/{conversation}/examples").json() == {"examples": []}


def test_a_conversation_holds_so_many_examples() -> None:
    with serving(most_attachments=1) as desk:
        conversation = desk.begun()
        given = {"question": "q", "answer": "a"}
        assert desk.ask("POST", f"/{conversation}/examples", json=given).status_code == 201
        problem(desk.ask("POST", f"/{conversation}/examples", json=given), 409, "conversation_full")


def test_an_example_begins_no_conversation(desk: Serving) -> None:
    problem(desk.ask("POST", f"/{uuid4()}/examples", json={"question": "q", "answer": "a"}), 404, "not_found")
    assert desk.ask("GET").json()["conversations"] == []


@pytest.mark.parametrize("slash", ["", "/"])
def test_paths_answer_with_and_without_a_slash(desk: Serving, slash: str) -> None:
    begun = desk.ask("POST", slash, json={})
    place = f"/{begun.json()['id']}"
    replies = [
        desk.ask("GET", slash),
        desk.ask("GET", f"/search{slash}", params={"q": "x"}),
        desk.ask("GET", f"{place}{slash}"),
        desk.ask("PATCH", f"{place}{slash}", json={"title": "x"}),
        desk.ask("POST", f"{place}/reset{slash}"),
        desk.ask("GET", f"{place}/export{slash}"),
        desk.ask("GET", f"{place}/examples{slash}"),
        desk.ask("HEAD", f"{place}{slash}"),
        desk.ask("DELETE", slash, params={"confirm": "true"}),
        desk.client.get(f"/api/v1/config{slash}"),
    ]
    assert [reply.status_code for reply in replies] == [200] * len(replies)
