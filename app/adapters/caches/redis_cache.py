"""Answers in Redis, shared by all instances. Whatever Redis does, nobody waits for it or fails because of it."""

import asyncio
import hashlib
import logging
import time
from collections.abc import Awaitable, Callable
from types import TracebackType
from typing import Self, TypeVar

from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from app.adapters.caches.limits import MAX_VALUE_BYTES, lifetime
from app.domain.breaker import Breaker
from app.errors import DependencyUnreachable
from app.redis_clients import close_redis, redis_client

Result = TypeVar("Result")

_VARIABLE = "REDIS_URL"
_CALL_SECONDS = 0.05
_REACH_SECONDS = 3.0
_CONNECTIONS = 16
_SEAL_BYTES = 16
_LEASE = ":lease"

# Compared and changed in one step: between two, the lease could run out and become another's.
_RENEW = """
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("PEXPIRE", KEYS[1], ARGV[2])
"""
_RELEASE = """
if redis.call("GET", KEYS[1]) ~= ARGV[1] then return 0 end
return redis.call("DEL", KEYS[1])
"""

logger = logging.getLogger(__name__)


class RedisCache:
    """A ResponseCache, and Leases, that forget everything while Redis is unreachable, frozen, full or talking nonsense.

    Reading, writing and leases have a breaker each: a full or read-only Redis still serves what it holds. Use it as a
    context manager, or call `open` before and `close` after.
    """

    def __init__(
        self,
        url: str,
        ttl_seconds: float,
        *,
        prefix: str = "itsupport:",
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._ttl_seconds = ttl_seconds
        self._prefix = prefix
        self._reading = Breaker(clock)
        self._writing = Breaker(clock)
        self._leasing = Breaker(clock)
        self._url = url
        self._client = redis_client(url, _CALL_SECONDS, _CONNECTIONS)
        self._connections = asyncio.Semaphore(_CONNECTIONS)
        self.failures = 0
        """How many calls failed; those that were not made do not count."""

    @property
    def openings(self) -> int:
        """How often Redis was given up for a while, for reading, writing or leases."""
        return self._reading.openings + self._writing.openings + self._leasing.openings

    async def open(self) -> None:
        """Raise DependencyUnreachable unless Redis answers, within 3 s."""
        patient = redis_client(self._url, _REACH_SECONDS, 1)
        try:
            async with asyncio.timeout(_REACH_SECONDS):
                answered = await patient.ping()
        except (AuthenticationError, AuthorizationError) as error:
            raise DependencyUnreachable(_VARIABLE, "the server refuses these credentials") from error
        except (RedisError, OSError, ValueError, EOFError) as error:
            # ValueError and EOFError: something else than Redis may be listening there.
            raise DependencyUnreachable(_VARIABLE, f"no answer ({type(error).__name__})") from error
        finally:
            await close_redis(patient)
        if not answered:
            raise DependencyUnreachable(_VARIABLE, "what answers there is no Redis")

    async def close(self) -> None:
        """Close all connections; whatever Redis does, this raises nothing."""
        await close_redis(self._client)

    async def __aenter__(self) -> Self:
        await self.open()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def get(self, key: str) -> bytes | None:
        """Return what was put under this key and has not expired; None, within some 50 ms, where Redis fails."""
        return await self._forgiving(self._reading, "get", lambda: self._get(key))

    async def put(self, key: str, value: bytes) -> None:
        """Keep a value for the cache's time to live; one over 256 KiB is not kept, nor is any where Redis fails."""
        if len(value) <= MAX_VALUE_BYTES and self._ttl_seconds > 0:
            await self._forgiving(self._writing, "put", lambda: self._put(key, value))

    async def take(self, key: str, owner: str, seconds: float) -> bool:
        """Take a lease; True as well where Redis fails, so that each process works for itself."""
        return await self._forgiving(self._leasing, "take", lambda: self._take(key, owner, seconds)) is not False

    async def renew(self, key: str, owner: str, seconds: float) -> bool:
        """Keep a lease; True as well where Redis fails, since it may be back the next time."""
        call = self._by_owner(_RENEW, key, owner, str(_milliseconds(seconds)))
        return await self._forgiving(self._leasing, "renew", call) is not False

    async def release(self, key: str, owner: str) -> None:
        """Give a lease back; where Redis fails, it runs out."""
        await self._forgiving(self._leasing, "release", self._by_owner(_RELEASE, key, owner))

    async def _take(self, key: str, owner: str, seconds: float) -> bool:
        name = self._prefix + key + _LEASE
        reply = await self._client.set(name, owner, nx=True, px=_milliseconds(seconds))
        if reply not in {None, True}:
            raise ValueError("neither taken nor refused")
        return reply is True

    def _by_owner(self, script: str, key: str, *arguments: str) -> Callable[[], Awaitable[bool]]:
        async def call() -> bool:
            reply = await self._client.eval(script, 1, self._prefix + key + _LEASE, *arguments)
            if reply not in {0, 1}:
                raise ValueError("neither done nor refused")
            return bool(reply)

        return call

    async def _get(self, key: str) -> bytes | None:
        # One byte more than a value may have: what is too large fails its seal, and is not read to its end.
        raw = await self._client.getrange(self._prefix + key, 0, _SEAL_BYTES + MAX_VALUE_BYTES)
        return _unsealed(key, raw) if raw else None

    async def _put(self, key: str, value: bytes) -> None:
        milliseconds = _milliseconds(lifetime(self._ttl_seconds, key))
        if not await self._client.set(self._prefix + key, _seal(key, value) + value, px=milliseconds):
            raise ValueError("no acknowledgement")

    async def _forgiving(
        self, breaker: Breaker, operation: str, call: Callable[[], Awaitable[Result]]
    ) -> Result | None:
        """Return what the call returns; None where it fails, is not made, or finds no free connection in 50 ms."""
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                await self._connections.acquire()
        except TimeoutError:
            # It is this process that is busy: that says nothing about Redis.
            return None
        try:
            ticket = breaker.admit()
            return None if ticket is None else await self._attempt(breaker, ticket, operation, call)
        finally:
            self._connections.release()

    async def _attempt(
        self, breaker: Breaker, ticket: int, operation: str, call: Callable[[], Awaitable[Result]]
    ) -> Result | None:
        """Make a call that has been admitted, and tell the breaker how it went."""
        try:
            async with asyncio.timeout(_CALL_SECONDS):
                result = await call()
        except asyncio.CancelledError:
            breaker.abandoned(ticket)
            raise
        except Exception as error:  # noqa: BLE001 no reply, however broken, may fail a request; it is counted and told
            self.failures += 1
            if breaker.failed(ticket):
                fields = {"operation": operation, "error": type(error).__name__}
                logger.warning("cache given up for a while", extra=fields)
            return None
        if breaker.succeeded(ticket):
            logger.info("cache in use again", extra={"operation": operation})
        return result


def _milliseconds(seconds: float) -> int:
    return max(1, int(seconds * 1000))


def _seal(key: str, value: bytes) -> bytes:
    """Return a digest over key and value: it tells a reply to this question from any other bytes."""
    return hashlib.blake2b(key.encode() + b"\0" + value, digest_size=_SEAL_BYTES).digest()


def _unsealed(key: str, raw: bytes) -> bytes:
    """Return the value in what `_put` wrote; raises ValueError for anything else."""
    value = raw[_SEAL_BYTES:]
    if raw[:_SEAL_BYTES] != _seal(key, value) or len(value) > MAX_VALUE_BYTES:
        raise ValueError("not what was put")
    return value
