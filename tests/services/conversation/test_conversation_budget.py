"""What of a conversation fits beside a question: for any turns and any way of counting tokens."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from app.domain.conversations import Role, Turn
from app.services.conversation.budget import Budget, CountTokens, cut, portions, said, shown, split

NOON = datetime(2026, 3, 1, tzinfo=UTC)


def every_third(text: str) -> int:
    """Count like a tokenizer that knows no words: a text and its parts differ."""
    return (len(text) + 2) // 3


COUNTERS: dict[str, CountTokens] = {"characters": len, "words": lambda text: len(text.split()), "thirds": every_third}
counters = st.sampled_from(sorted(COUNTERS)).map(lambda name: COUNTERS[name])
contents = st.text(st.sampled_from("ab é日\n ."), max_size=80)
histories = st.lists(contents, max_size=12).map(
    lambda texts: tuple(
        Turn(f"t{at}", Role.ASSISTANT if at % 2 else Role.USER, text, NOON) for at, text in enumerate(texts)
    )
)


@given(histories, counters, st.integers(-5, 400))
def test_the_newest_turns_that_fit_are_kept_whole_and_in_order(
    turns: tuple[Turn, ...], count: CountTokens, room: int
) -> None:
    older, newest = split(turns, count, room)
    assert (*older, *newest) == turns
    assert not newest or count(shown("", newest)) <= room


@given(histories)
def test_where_all_fits_nothing_is_old(turns: tuple[Turn, ...]) -> None:
    assert split(turns, len, 10_000) == ((), turns)


@given(histories, counters, st.integers(0, 100))
def test_portions_hold_every_turn_once_in_order(turns: tuple[Turn, ...], count: CountTokens, size: int) -> None:
    found = portions(turns, count, size)
    assert tuple(turn for portion in found for turn in portion) == turns
    assert all(len(portion) == 1 or sum(count(said(turn)) for turn in portion) <= size for portion in found)


@given(contents, counters, st.integers(-3, 90))
def test_a_text_is_cut_to_fit(text: str, count: CountTokens, room: int) -> None:
    short = cut(text, count, room)
    assert not short or count(short) <= room
    assert text.startswith(short)
    assert short == text or count(text) > room


def test_a_text_is_cut_between_words_where_there_are_any() -> None:
    assert cut("alpha beta gamma", len, 12) == "alpha beta"
    assert cut("日本語日本語", len, 3) == "日本語"


def test_the_room_is_never_less_than_nothing() -> None:
    assert Budget(2048, 500).room(548) == 1000
    assert Budget(600, 500).room(101) == 0


def test_what_is_shown_names_who_spoke() -> None:
    turn = Turn("t", Role.USER, "VPN?", NOON)
    assert shown("Error 809.", (turn,)) == "Earlier, in short: Error 809.\nuser: VPN?"
    assert shown("", ()) == ""
