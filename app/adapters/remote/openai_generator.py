"""A language model behind a server that speaks OpenAI's chat completions."""

import logging
from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing

import httpx

from app.adapters.remote.calling import Caller
from app.adapters.remote.completion import Dialect, parsed, read_piece, whole
from app.adapters.remote.endpoint import Endpoint
from app.adapters.remote.failures import Failed
from app.adapters.remote.limits import NAME, Budget, RemoteLimits, Route, Timing
from app.adapters.remote.probe import probe
from app.adapters.remote.reading import read_body, read_stream
from app.domain.models import Delta, Generation, GeneratorSpec, Prompt
from app.errors import GenerationFailed

log = logging.getLogger(__name__)

_BASE_BYTES = 65_536
_TOKEN_BYTES = 4_096
"""What a token may take on the wire: Azure sends the verdicts of its content filter along with each."""


class OpenAiGenerator:
    """Asks Azure OpenAI or any OpenAI-compatible server, as `endpoint` says; `count` counts tokens as its model does.

    `route` says how to get there; the environment's proxies are not used. Belongs to one event loop.
    """

    def __init__(
        self,
        endpoint: Endpoint,
        count: Callable[[str], int],
        limits: RemoteLimits | None = None,
        *,
        timing: Timing | None = None,
        route: Route | None = None,
    ) -> None:
        self._endpoint = endpoint
        self._count = count
        self._limits = limits or RemoteLimits()
        self._timing = timing or Timing()
        self._dialect = Dialect(endpoint.asked_model)
        self._caller = Caller(endpoint, self._dialect, self._limits, self._timing, route or Route())
        self._spec = GeneratorSpec(endpoint.model_id, endpoint.engine, "remote", self._limits.context_tokens)
        self._closed = False

    @property
    def spec(self) -> GeneratorSpec:
        """The model at work."""
        return self._spec

    @property
    def inside(self) -> int:
        """How many calls run or wait."""
        return self._caller.inside

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> Generation:
        """Write at most `max_tokens` tokens; see the port."""
        spent, budget = self._begin(prompt, max_tokens), self._budget()
        async with self._caller.opened(lambda: self._dialect.body(prompt, max_tokens, stream=False), budget) as reply:
            return await self._whole(reply, spent, max_tokens, budget)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        """Write the same text piece by piece; see the port."""
        spent, budget = self._begin(prompt, max_tokens), self._budget()
        async with self._caller.opened(lambda: self._dialect.body(prompt, max_tokens, stream=True), budget) as reply:
            if "event-stream" in reply.headers.get("content-type", ""):
                async with aclosing(self._pieces(reply, spent, max_tokens, budget)) as pieces:
                    async for piece in pieces:
                        yield piece
            else:
                written = await self._whole(reply, spent, max_tokens, budget)
                if written.text:
                    yield Delta(written.text)
                yield written

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text`, as `count` has it."""
        return self._count(text)

    def ready(self) -> bool:
        """Tell whether the server may be asked; one that fails now and then is."""
        return not self._closed

    async def reach(self) -> None:
        """Ask the server for its models, once, at start.

        Raises DependencyUnreachable where nobody answers, SettingsInvalid where it does not accept the key or has
        moved. Any other answer will do.
        """
        await probe(self._caller.client, self._endpoint, self._limits.connect_seconds)

    async def aclose(self) -> None:
        """Close all connections."""
        self._closed = True
        await self._caller.client.aclose()

    def _budget(self) -> Budget:
        return Budget(self._limits, self._timing.clock)

    def _begin(self, prompt: Prompt, max_tokens: int) -> int:
        """Return the prompt's tokens. Raises GenerationFailed where they leave no room for the answer."""
        if self._closed:
            raise GenerationFailed(NAME, "closed")
        used = self._count(prompt.system) + self._count(prompt.user)
        if used + max_tokens > self._limits.context_tokens:
            raise GenerationFailed(NAME, f"{used} + {max_tokens} tokens exceed {self._limits.context_tokens}")
        return used

    async def _whole(self, reply: httpx.Response, spent: int, max_tokens: int, budget: Budget) -> Generation:
        """Read an answer that comes in one piece."""
        if "json" not in reply.headers.get("content-type", ""):
            raise Failed("its answer is no JSON")
        message = parsed(await read_body(reply, budget, _most(max_tokens)))
        if not message.get("choices"):
            raise Failed("its answer is empty" if not message.get("error") else "it reported an error")
        piece = read_piece(message, "message")
        text = whole(piece.text)
        return self._generation(text, piece.finish or "stop", piece.usage, spent)

    async def _pieces(
        self, reply: httpx.Response, spent: int, max_tokens: int, budget: Budget
    ) -> AsyncGenerator[Delta | Generation, None]:
        """Read an answer that comes as events."""
        said: list[str] = []
        finish, usage = "stop", None
        async with aclosing(read_stream(reply, budget, self._limits.idle_seconds, _most(max_tokens))) as pieces:
            async for piece in pieces:
                finish, usage = piece.finish or finish, piece.usage or usage
                if piece.text:
                    said.append(piece.text)
                    yield Delta(piece.text)
        yield self._generation("".join(said), finish, usage, spent)

    def _generation(self, text: str, finish: str, usage: tuple[int, int] | None, spent: int) -> Generation:
        """Put an answer together; where the server sends no bill, the tokens are counted here."""
        asked, written = usage or (spent, self._count(text))
        return Generation(text, asked, written, finish)


def _most(max_tokens: int) -> int:
    return _BASE_BYTES + _TOKEN_BYTES * max_tokens
