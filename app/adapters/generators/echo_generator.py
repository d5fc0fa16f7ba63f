"""A deterministic generator without a model: for tests, and for first runs on machines that have none."""

import asyncio
import re
from collections.abc import AsyncGenerator, Mapping

from app.domain.models import Delta, Generation, GeneratorSpec, Prompt

_WORD = re.compile(r"\S+")
_PIECE = re.compile(r"\s*\S+")


class EchoGenerator:
    """Answers with the text scripted for what the user asks, or else repeats it. Its tokens are words.

    `script` maps a part of the user's text to the answer; the first that is found counts.
    """

    def __init__(self, script: Mapping[str, str] | None = None, context_tokens: int = 4096) -> None:
        self._script = dict(script or {})
        self._spec = GeneratorSpec("echo", "echo", "cpu", context_tokens)

    @property
    def spec(self) -> GeneratorSpec:
        """The model at work."""
        return self._spec

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> Generation:
        """Return the scripted answer, or the user's own words, cut after `max_tokens` words."""
        text = next((answer for part, answer in self._script.items() if part in prompt.user), prompt.user).strip()
        ends = [word.end() for word in _WORD.finditer(text)]
        written = text[: ends[max_tokens - 1]] if len(ends) > max_tokens else text
        reason = "length" if len(ends) > max_tokens else "stop"
        used = self.count_tokens(prompt.system) + self.count_tokens(prompt.user)
        return Generation(written, used, min(len(ends), max_tokens), reason)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        """Return the same text word by word, each with the blanks before it."""
        written = await self.generate(prompt, max_tokens=max_tokens)
        for word in _PIECE.findall(written.text):
            yield Delta(word)
            # Whoever reads may leave between two words, as with a model.
            await asyncio.sleep(0)
        yield written

    def count_tokens(self, text: str) -> int:
        """Return the number of words."""
        return len(_WORD.findall(text))

    def ready(self) -> bool:
        """There is nothing to load."""
        return True
