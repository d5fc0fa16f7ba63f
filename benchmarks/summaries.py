"""Summaries of solved tickets against those people wrote: `python -m benchmarks.summaries [--limit N] [--model N]`.

The summariser reads a ticket's problem and its resolution and may use as many tokens as the ticket's own summary takes,
and half as many again. Compared are words (token F1) and hard facts: how many of the written summary's are said
(recall), how many of those said stand in it (precision against the summary), and how many stand in the ticket at all.
Beside it: the first sentences that fit, and the resolution's first. Merits were chosen on the tune half; `--tune 1`
measures that one. `--model N` also lets the language model write the first N, held to the ticket by the grounder.
"""

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import Any

from app.adapters.index.analysis import analyse
from app.adapters.tokens import open_counter
from app.config import Settings
from app.container import open_embedder
from app.container.engines import loaded, open_generator
from app.domain.answers import AnswerMode
from app.domain.evaluation import Half, half_of
from app.services.answering.grounding import Grounder, GroundingRules
from app.services.answering.sentences import sentences
from app.services.evaluation.metrics import mean
from app.services.evaluation.texts import alike, of_all
from app.services.summarising import Part, Summariser
from benchmarks.printing import options_of, print_table, say

_ROOM = 1.5
_WINDOW = 48
"""The least room, in tokens: a sentence must fit."""

count = open_counter()
Write = Callable[[Sequence[Part], int], Awaitable[str]]


@dataclass(frozen=True, slots=True)
class Ticket:
    """A solved ticket and the summary a person wrote."""

    parts: tuple[Part, ...]
    summary: str

    @property
    def text(self) -> str:
        """All that may be summarised."""
        return "\n".join(part.text for part in self.parts)

    @property
    def room(self) -> int:
        """The tokens a summary may take."""
        return max(_WINDOW, int(_ROOM * count(self.summary)))


def read(settings: Settings, half: Half) -> list[Ticket]:
    """Read one half of our tickets."""
    rows = json.loads((settings.knowledge.data_dir / "tickets.json").read_text(encoding="utf-8"))
    return [
        Ticket((Part(row["description"]), Part(row["resolution"])), row["summary"])
        for row in rows
        if half_of(row["id"]) is half
    ]


async def first(parts: Sequence[Part], room: int) -> str:
    """Return the first sentences that fit."""
    kept: list[str] = []
    for sentence in (sentence for part in parts for sentence in sentences(part.text)):
        if count(" ".join([*kept, sentence])) > room:
            break
        kept.append(sentence)
    return " ".join(kept)


async def of_resolution(parts: Sequence[Part], room: int) -> str:
    """Return the first sentences of the resolution that fit."""
    return await first(parts[1:], room)


async def judged(tickets: Sequence[Ticket], write: Write) -> dict[str, float]:
    """Write a summary of every ticket and compare it with the person's."""
    begun = time.perf_counter()
    texts = [await write(ticket.parts, ticket.room) for ticket in tickets]
    seconds = time.perf_counter() - begun
    pairs = list(zip(texts, tickets, strict=True))
    against = of_all([alike(text, ticket.summary) for text, ticket in pairs])
    carried = of_all([alike(text, ticket.text) for text, ticket in pairs])
    return {
        "tickets": len(tickets),
        **against,
        "facts_in_ticket": carried["hard_fact_precision"],
        "tokens": mean([float(count(text)) for text in texts]),
        "ms": 1000 * seconds / max(1, len(tickets)),
    }


async def measure(options: Any) -> dict[str, Any]:
    """Judge every way of summarising on one half."""
    settings = Settings.load()
    tickets = read(settings, Half.TUNE if options.tune else Half.CHECK)[: options.limit]
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(stack, settings)
        extractive = Summariser(embedder, count)

        async def ours(parts: Sequence[Part], room: int) -> str:
            return (await extractive.summarise(parts, room)).text

        rows = {
            "first sentences": await judged(tickets, first),
            "resolution's first": await judged(tickets, of_resolution),
            "this service, extractive": await judged(tickets, ours),
        }
        if options.model:
            generator = await open_generator(stack, settings, AnswerMode.GENERATE, {})
            if generator is None:
                raise RuntimeError("there is no language model")
            await loaded(generator)
            grounder = Grounder(embedder, analyse, GroundingRules())
            writing = Summariser(embedder, count, generator=generator, grounder=grounder)
            methods: list[str] = []

            async def written(parts: Sequence[Part], room: int) -> str:
                made = await writing.summarise(parts, room)
                methods.append(made.method)
                return made.text

            row = await judged(tickets[: options.model], written)
            rows["language model, held to the ticket"] = row | {"written": methods.count("generative")}
            rows["extractive, same tickets"] = await judged(tickets[: options.model], ours)
    return rows


def show(rows: dict[str, Any]) -> None:
    """Print a row per way."""
    names = list(dict.fromkeys(name for row in rows.values() for name in row))
    lines = [(way, *(f"{row[name]:.3g}" if name in row else "" for name in names)) for way, row in rows.items()]
    print_table("summaries of solved tickets", ("", *names), lines)


def main(arguments: list[str]) -> int:
    """Measure and print."""
    options = options_of(__doc__, arguments, {"limit": 1000, "model": 0, "tune": 0})
    say(asyncio.run(measure(options)), show, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
