"""Asking a server: a place at the gate, the breaker's leave, attempts within the time there is."""

import asyncio
import functools
import json
import logging
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import httpx

from app.adapters.remote.admission import Gate
from app.adapters.remote.completion import Dialect, parsed
from app.adapters.remote.endpoint import Endpoint
from app.adapters.remote.failures import Failed, Verdict, refusal
from app.adapters.remote.limits import NAME, Budget, RemoteLimits, Route, Timing
from app.adapters.remote.reading import read_body
from app.adapters.remote.retries import RetryBudget, asked_pause, pause
from app.domain.breaker import Breaker
from app.errors import GenerationFailed, SettingsInvalid

log = logging.getLogger(__name__)

_OK = 200
_OPEN_SECONDS, _LONGEST_OPEN_SECONDS = 2.0, 30.0
_KEPT_ALIVE_SECONDS = 30.0
_PLAIN = frozenset({"", "identity"})

Ask = Callable[[], dict[str, Any]]
"""Makes the request anew for every attempt: what was learnt from one is heeded by the next."""


class Caller:
    """Calls one server for everyone; what one call meets, the others know of."""

    def __init__(
        self, endpoint: Endpoint, dialect: Dialect, limits: RemoteLimits, timing: Timing, route: Route
    ) -> None:
        self._endpoint = endpoint
        self._dialect = dialect
        self._timing = timing
        self._gate = Gate(limits.concurrency, limits.waiting)
        self._retries = RetryBudget(limits.retry_share, limits.retry_burst)
        self._breaker = Breaker(timing.clock, open_seconds=_OPEN_SECONDS, longest_seconds=_LONGEST_OPEN_SECONDS)
        connections = limits.concurrency
        self.client = httpx.AsyncClient(
            # Compressed replies could be larger than they look; a proxy of the environment's would read the key.
            headers={**endpoint.headers, "Accept-Encoding": "identity"},
            timeout=httpx.Timeout(None, connect=limits.connect_seconds),
            limits=httpx.Limits(
                max_connections=connections,
                max_keepalive_connections=connections,
                keepalive_expiry=_KEPT_ALIVE_SECONDS,
            ),
            follow_redirects=False,
            trust_env=False,
            verify=_trusted(route.ca_file),
            proxy=route.proxy,
        )

    @property
    def inside(self) -> int:
        """How many calls run or wait."""
        return self._gate.inside

    @asynccontextmanager
    async def opened(self, ask: Ask, budget: Budget) -> AsyncIterator[httpx.Response]:
        """Hold a reply of status 200 for the block, which reads it and may raise Failed.

        Raises GenerationFailed, or Overloaded where there is no place, or the server has none.
        """
        async with self._gate.place(budget):
            self._retries.called()
            response, ticket = await self._answered(ask, budget)
            try:
                yield response
                self._worked(ticket)
            except Failed as failed:
                self._settle(ticket, failed)
                raise failed.error(budget.left()) from failed
            except GeneratorExit:
                # Whoever reads has enough.
                self._worked(ticket)
                raise
            except BaseException:
                self._breaker.abandoned(ticket)
                raise
            finally:
                await response.aclose()

    async def _answered(self, ask: Ask, budget: Budget) -> tuple[httpx.Response, int]:
        """Return the first reply of status 200, and the breaker's ticket, still to be settled."""
        attempt = 0
        while True:
            ticket, sent = self._admitted(), ask()
            try:
                return await self._attempt(sent, budget), ticket
            except Failed as failed:
                self._settle(ticket, failed)
                if not self._dialect.learn(failed, sent):
                    await self._wait(failed, attempt, budget)
                    attempt += 1
            except BaseException:
                self._breaker.abandoned(ticket)
                raise

    def _admitted(self) -> int:
        ticket = self._breaker.admit()
        if ticket is None:
            raise GenerationFailed(NAME, "not asked, for it failed several times in a row")
        return ticket

    async def _attempt(self, sent: dict[str, Any], budget: Budget) -> httpx.Response:
        request = self.client.build_request(
            "POST",
            self._endpoint.chat_url,
            content=json.dumps(sent, ensure_ascii=False).encode("utf-8"),
            headers={"Content-Type": "application/json"},
        )
        try:
            async with asyncio.timeout(budget.left()):
                response = await self.client.send(request, stream=True)
        except TimeoutError as error:
            raise Failed("no answer in time") from error
        except httpx.HTTPError as error:
            raise Failed(f"cannot be reached ({type(error).__name__})", Verdict(again=True)) from error
        if response.status_code == _OK and response.headers.get("content-encoding", "").lower() in _PLAIN:
            return response
        try:
            raise await _refused(response, budget)
        finally:
            await response.aclose()

    async def _wait(self, failed: Failed, attempt: int, budget: Budget) -> None:
        """Wait before the next attempt; raises the service's error where there is none to be."""
        verdict, left = failed.verdict, budget.left()
        seconds = pause(attempt, verdict.wait, self._timing.uniform)
        if not verdict.again or seconds >= left or not self._retries.take():
            raise failed.error(left) from failed
        log.info("asking the language model again", extra={"reason": failed.reason, "seconds": round(seconds, 3)})
        await self._timing.sleep(seconds)

    def _worked(self, ticket: int) -> None:
        if self._breaker.succeeded(ticket):
            log.info("language model answers again", extra={"server": self._endpoint.variable})

    def _settle(self, ticket: int, failed: Failed) -> None:
        if not failed.verdict.ill:
            self._worked(ticket)
        elif self._breaker.failed(ticket):
            extra = {"server": self._endpoint.variable, "reason": failed.reason}
            log.warning("language model given up for a while", extra=extra)


@functools.cache
def _trusted(ca_file: Path | None) -> ssl.SSLContext:
    """Return whom to trust: the public authorities, or those in a file. Reading them takes a while."""
    if ca_file is None:
        return httpx.create_ssl_context(trust_env=False)
    try:
        return ssl.create_default_context(cafile=ca_file)
    except (OSError, ssl.SSLError) as error:
        raise SettingsInvalid("LLM_CA_FILE", f"holds no certificates ({type(error).__name__})") from error


async def _refused(response: httpx.Response, budget: Budget) -> Failed:
    """Return what a reply that is no answer comes to."""
    if response.status_code == _OK:
        return Failed("its answer is compressed, which was not asked for")
    try:
        body = parsed(await read_body(response, budget))
    except Failed:
        body = {}
    return refusal(response.status_code, asked_pause(response.headers), body)
