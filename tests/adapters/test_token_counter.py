"""Tokens counted as OpenAI's models count them, without a network."""

import socket

import pytest

from app.adapters.tokens import open_counter


def test_known_texts_have_known_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(socket, "socket", None)
    count = open_counter()
    # Counts of cl100k_base as its authors' library gives them.
    assert [count(text) for text in ("", "hello world", "tiktoken is great!", "antidisestablishmentarianism")] == [
        0,
        2,
        6,
        6,
    ]


def test_what_looks_like_a_command_to_the_model_is_counted_as_text() -> None:
    assert open_counter()("<|endoftext|>") > 1


def test_half_a_character_is_counted_and_not_refused() -> None:
    assert open_counter()("a\ud800") >= 2
