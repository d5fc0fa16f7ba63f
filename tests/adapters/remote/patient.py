"""Time and chance as a test wants them, and the two ways to ask."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from app.adapters.remote.limits import Timing
from app.adapters.remote.openai_generator import OpenAiGenerator
from app.domain.models import Delta, Generation, Prompt

PROMPT = Prompt("Answer from the evidence.", "How do I reset it?")


@dataclass
class FakeTime:
    """A clock that sleeping moves on; `chance` is what every draw gives, as a share of its range."""

    now: float = 1_000.0
    chance: float = 0.5
    slept: list[float] = field(default_factory=list)
    ranges: list[tuple[float, float]] = field(default_factory=list)

    def timing(self) -> Timing:
        return Timing(lambda: self.now, self.sleep, self.uniform)

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.now += seconds

    def uniform(self, low: float, high: float) -> float:
        self.ranges.append((low, high))
        return low + self.chance * (high - low)


async def gathered(pieces: AsyncIterator[Delta | Generation]) -> tuple[str, Generation]:
    """Return what the pieces of a stream say together, and the whole that comes last."""
    found = [piece async for piece in pieces]
    written = found.pop()
    assert isinstance(written, Generation)
    return "".join(piece.text for piece in found if isinstance(piece, Delta)), written


async def asked(generator: OpenAiGenerator, *, streaming: bool, max_tokens: int = 50) -> Generation:
    """Ask in one of the two ways; a stream's pieces must make its whole."""
    if not streaming:
        return await generator.generate(PROMPT, max_tokens=max_tokens)
    said, written = await gathered(generator.stream(PROMPT, max_tokens=max_tokens))
    assert said == written.text
    return written


def spread(parts: Sequence[bytes], pause: float) -> list[bytes | float]:
    """Return acts that send the parts with a pause before each."""
    return [act for part in parts for act in (pause, part)]
