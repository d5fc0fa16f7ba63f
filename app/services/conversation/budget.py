"""What of a conversation goes with a question: the newest turns that fit, and a summary of the older ones.

Pure functions over token counts. A tokenizer may count a text otherwise than its parts, so nothing is taken to fit that
was not counted as the whole it is shown as.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.conversations import Turn

CountTokens = Callable[[str], int]

_HEADING = "Earlier, in short: "


@dataclass(frozen=True, slots=True)
class Budget:
    """Token limits: `max_tokens` of the whole prompt and its reply together, `reply_tokens` of the reply."""

    max_tokens: int
    reply_tokens: int

    def room(self, needed: int) -> int:
        """Return the tokens left for the conversation beside `needed` ones (instructions, evidence, question)."""
        return max(0, self.max_tokens - self.reply_tokens - needed)


def said(turn: Turn) -> str:
    """Return a turn as it is shown to a model."""
    return f"{turn.role.value}: {turn.content}"


def shown(summary: str, turns: Sequence[Turn]) -> str:
    """Return a conversation as it is shown to a model: the summary of what is older first, empty where all is empty."""
    heading = [f"{_HEADING}{summary}"] if summary else []
    return "\n".join([*heading, *map(said, turns)])


def split(turns: Sequence[Turn], count: CountTokens, room: int) -> tuple[tuple[Turn, ...], tuple[Turn, ...]]:
    """Return the older turns and the newest ones that fit within `room` tokens, each in their order."""
    start, spent = len(turns), 0
    for at in range(len(turns) - 1, -1, -1):
        spent += count(f"{said(turns[at])}\n")
        if spent > room:
            break
        start = at
    while count(shown("", turns[start:])) > room and start < len(turns):
        start += 1
    return tuple(turns[:start]), tuple(turns[start:])


def portions(turns: Sequence[Turn], count: CountTokens, size: int) -> list[tuple[Turn, ...]]:
    """Return turns in portions of at most `size` tokens, in their order; a longer turn is a portion of its own."""
    found: list[list[Turn]] = []
    spent = 0
    for turn in turns:
        tokens = count(said(turn))
        spent += tokens
        if not found or spent > size:
            found.append([])
            spent = tokens
        found[-1].append(turn)
    return [tuple(portion) for portion in found]


def cut(text: str, count: CountTokens, room: int) -> str:
    """Return the beginning of a text that fits within `room` tokens, up to the end of a word where there is one."""
    while text and (tokens := count(text)) > room:
        # Shorter at every turn, whatever the tokenizer says.
        shorter = text[: min(len(text) - 1, len(text) * max(0, room) // tokens)]
        words = shorter.rsplit(None, 1)
        text = words[0] if len(words) > 1 else shorter.rstrip()
    return text
