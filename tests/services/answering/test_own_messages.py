"""What the service says in its own name."""

import pytest

from app.services.answering.messages import NO_CONTEXT, NO_ROOM, no_context, no_room


def test_every_language_we_answer_in_has_its_words() -> None:
    assert set(NO_CONTEXT) == set(NO_ROOM) == {"en", "de", "fr", "es"}
    assert len({*NO_CONTEXT.values(), *NO_ROOM.values()}) == 8


@pytest.mark.parametrize("language", ["en", "de", "fr", "es"])
def test_a_refusal_offers_a_ticket(language: str) -> None:
    assert no_context(language) == NO_CONTEXT[language]
    assert any(word in no_context(language).lower() for word in ("ticket", "tique"))
    assert no_room(language) == NO_ROOM[language]


def test_another_language_is_answered_in_english() -> None:
    assert no_context("it") == NO_CONTEXT["en"]
    assert no_room("") == NO_ROOM["en"]
