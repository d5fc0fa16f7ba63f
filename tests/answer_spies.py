"""Models, stores and caches for tests of answers that keep what they were asked."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from dataclasses import dataclass, field

from app.adapters.stores.memory_store import MemoryStore
from app.domain.conversations import Turn
from app.domain.models import Delta, Generation, GeneratorSpec, Prompt
from app.errors import StoreFailed


@dataclass
class SpyGenerator:
    """Writes `text`, raises `error`, or waits for ever; keeps the prompts it was given and how it was left.

    A stream comes in pieces of `size` characters, and fails or waits only after them.
    """

    text: str = ""
    error: Exception | None = None
    hang: bool = False
    finish_reason: str = "stop"
    model_id: str = "spy"
    loaded: bool = True
    size: int = 7
    device: str = "cpu"
    prompts: list[Prompt] = field(default_factory=list)
    begun: asyncio.Event = field(default_factory=asyncio.Event)
    cancelled: int = 0
    told: str = ""

    @property
    def spec(self) -> GeneratorSpec:
        return GeneratorSpec(self.model_id, "spy", self.device, 4096)

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> Generation:
        self.prompts.append(prompt)
        self.begun.set()
        if self.error is not None:
            raise self.error
        if self.hang:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.cancelled += 1
                raise
        return Generation(self.text, 100, min(self.count_tokens(self.text), max_tokens), self.finish_reason)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        self.prompts.append(prompt)
        try:
            for at in range(0, len(self.text), self.size):
                self.told += self.text[at : at + self.size]
                yield Delta(self.text[at : at + self.size])
            self.begun.set()
            if self.error is not None:
                raise self.error
            if self.hang:
                await asyncio.Event().wait()
        except (asyncio.CancelledError, GeneratorExit):
            self.cancelled += 1
            raise
        yield Generation(self.text, 100, min(self.count_tokens(self.text), max_tokens), self.finish_reason)

    def count_tokens(self, text: str) -> int:
        return len(text.split())

    def ready(self) -> bool:
        return self.loaded


class SpyStore(MemoryStore):
    """Keeps every call of `append`, and fails while it is told to."""

    def __init__(self) -> None:
        super().__init__()
        self.appended: list[tuple[str, str, tuple[Turn, ...]]] = []
        self.broken = False

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        self.appended.append((owner, conversation_id, tuple(turns)))
        if self.broken:
            raise StoreFailed("store", "broken")
        await super().append(owner, conversation_id, turns)

    async def ping(self) -> None:
        if self.broken:
            raise StoreFailed("store", "broken")


@dataclass
class DictCache:
    """A response cache that forgets nothing."""

    values: dict[str, bytes] = field(default_factory=dict)

    async def get(self, key: str) -> bytes | None:
        return self.values.get(key)

    async def put(self, key: str, value: bytes) -> None:
        self.values[key] = value
