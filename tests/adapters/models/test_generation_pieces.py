"""What may be told of a growing text, and how pieces reach a reader of another thread."""

import asyncio
from concurrent.futures import Future

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.generators.pieces import Hear, Told, pieces_of
from app.domain.models import Delta, Generation
from app.errors import GenerationFailed


@given(st.text(alphabet="aé €😀\n.", max_size=30), st.integers(1, 5))
def test_pieces_of_bytes_are_whole_characters_and_make_up_the_text(text: str, step: int) -> None:
    raw, told = text.encode(), Told()
    ends = range(step, len(raw) + step, step)
    pieces = [told.more(raw[:end].decode(errors="replace")) for end in ends]
    assert "\ufffd" not in "".join(pieces)
    assert "".join(pieces) + told.rest(text.strip()) == text.strip()


def test_a_piece_is_told_once_and_white_space_waits() -> None:
    told = Told()
    assert [told.more(text) for text in ("  Open", "  Open ", "  Open it", "  Open it")] == ["Open", "", " it", ""]
    assert told.rest("Open it") == ""


def test_a_tokenizer_that_takes_something_back_is_waited_for() -> None:
    told = Told()
    assert [told.more(text) for text in ("do n", "don", "do not")] == ["do n", "", "ot"]
    assert told.rest("dont") == ""


async def test_closing_cancels_and_a_failure_is_raised() -> None:
    future: Future[Generation] = Future()

    def begin(hear: Hear) -> "Future[Generation]":
        hear("a")
        return future

    stream = pieces_of(begin)
    assert await anext(stream) == Delta("a")
    await stream.aclose()
    assert future.cancelled()
    failed: Future[Generation] = Future()
    failed.set_exception(GenerationFailed("model", "gone"))
    with pytest.raises(GenerationFailed):
        await anext(pieces_of(lambda _: failed))


def test_pieces_for_a_loop_that_is_gone_are_nobodys() -> None:
    hears: list[Hear] = []
    future: Future[Generation] = Future()

    def begin(hear: Hear) -> "Future[Generation]":
        hears.append(hear)
        hear("a")
        return future

    async def leave() -> None:
        stream = pieces_of(begin)
        await anext(stream)
        await stream.aclose()

    asyncio.run(leave())
    hears[0]("late")
