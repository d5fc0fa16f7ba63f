"""Sessions in Redis, shared by all instances of the service. How long a call may take is its caller's affair."""

import asyncio
import hashlib
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from types import TracebackType
from typing import Self

from redis.exceptions import AuthenticationError, AuthorizationError, RedisError

from app.domain.identities import Session
from app.errors import DependencyUnreachable, StoreFailed
from app.redis_clients import close_redis, redis_client

_VARIABLE = "REDIS_URL"
_CONNECTIONS = 16
_CONNECT_SECONDS = 0.05
_REACH_SECONDS = 3.0
_NONSENSE = (ValueError, OverflowError, KeyError, TypeError, AttributeError)
_TEXTS = ("owner", "digest", "previous", "key")
_TIMES = ("began_at", "seen_at", "rotated_at")

# Compared and written in one step: between two, the session could be given a new id, or be ended. The owner's list
# keeps the names of its sessions by when they end.
_PUT = """
local there = redis.call("HGET", KEYS[1], "digest")
if ARGV[1] ~= "" and (not there or "=" .. there ~= ARGV[1]) then return 0 end
redis.call("HSET", KEYS[1], unpack(ARGV, 5))
redis.call("PEXPIREAT", KEYS[1], ARGV[2])
redis.call("ZREMRANGEBYSCORE", KEYS[2], "-inf", ARGV[4])
redis.call("ZADD", KEYS[2], ARGV[2], ARGV[3])
local last = redis.call("ZRANGE", KEYS[2], -1, -1, "WITHSCORES")
redis.call("PEXPIREAT", KEYS[2], last[2])
return 1
"""


class RedisSessions:
    """A SessionStore. Use it as a context manager, which raises DependencyUnreachable within 3 s where Redis is not."""

    def __init__(self, url: str, prefix: str = "itsupport:") -> None:
        self._prefix = prefix
        self._url = url
        self._client = redis_client(url, _CONNECT_SECONDS, _CONNECTIONS)
        self._free = asyncio.Semaphore(_CONNECTIONS)

    async def __aenter__(self) -> Self:
        patient = redis_client(self._url, _REACH_SECONDS, _CONNECTIONS)
        try:
            async with asyncio.timeout(_REACH_SECONDS):
                await patient.ping()
        except (AuthenticationError, AuthorizationError) as error:
            raise DependencyUnreachable(_VARIABLE, "the server refuses these credentials") from error
        except (RedisError, OSError, ValueError, EOFError) as error:
            raise DependencyUnreachable(_VARIABLE, f"no answer ({type(error).__name__})") from error
        finally:
            await close_redis(patient)
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await close_redis(self._client)

    async def get(self, session_id: str) -> Session | None:
        """Return a session; raises StoreFailed for a reply that is none."""
        async with self._request():
            fields = await self._client.hgetall(self._name(session_id))
            return _session(session_id, fields) if fields else None

    async def put(self, session: Session, until: datetime, over: str | None = None) -> bool:
        """Keep a session; with `over`, only in the place of one that has this digest. Tell whether it is kept."""
        ends, moment = _milliseconds(until), _milliseconds(datetime.now(UTC))
        pairs = [piece for pair in _fields(session).items() for piece in pair]
        names = (self._name(session.id), self._list(session.owner))
        async with self._request():
            expected = "" if over is None else f"={over}"
            reply = await self._client.eval(_PUT, 2, *names, expected, ends, session.id, moment, *pairs)
            if reply not in {0, 1}:
                raise ValueError("neither kept nor refused")
            return bool(reply)

    async def remove(self, session_id: str) -> None:
        """Take a session away; in its owner's list the name stays until it would have ended."""
        async with self._request():
            await self._client.delete(self._name(session_id))

    async def remove_owner(self, owner: str) -> None:
        """Take all sessions of an owner away."""
        listed = self._list(owner)
        async with self._request():
            names = await self._client.zrange(listed, 0, -1)
            await self._client.delete(*(self._name(name.decode()) for name in names), listed)

    @asynccontextmanager
    async def _request(self) -> AsyncIterator[None]:
        """Wait for a connection that is free; what the driver raises, or makes of nonsense, becomes StoreFailed."""
        async with self._free:
            try:
                yield
            except (RedisError, OSError, EOFError, *_NONSENSE) as error:
                raise StoreFailed("redis", type(error).__name__) from error

    def _name(self, session_id: str) -> str:
        return f"{self._prefix}session:{session_id}"

    def _list(self, owner: str) -> str:
        # Hashed: an owner's name may hold anything, and be long.
        return f"{self._prefix}sessions:{hashlib.sha256(owner.encode()).hexdigest()[:32]}"


def _fields(session: Session) -> dict[str, str]:
    texts = {name: getattr(session, name) for name in _TEXTS}
    return texts | {name: repr(getattr(session, name).timestamp()) for name in _TIMES}


def _session(name: str, fields: dict[bytes, bytes]) -> Session:
    """Return what `_fields` wrote; raises ValueError, KeyError or TypeError for anything else."""
    owner, digest, previous, key = (fields[each.encode()].decode() for each in _TEXTS)
    began, seen, rotated = (datetime.fromtimestamp(float(fields[each.encode()]), UTC) for each in _TIMES)
    return Session(name, owner, digest, began, seen, rotated, previous, key)


def _milliseconds(moment: datetime) -> int:
    return int(moment.timestamp() * 1000)
