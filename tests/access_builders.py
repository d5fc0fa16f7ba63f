"""The one authorisation over stores in memory, with clocks that a test sets and stores that fail when told to."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from app.adapters.access.memory import MemoryKeys, MemorySessions
from app.adapters.access.signing import HmacSigner
from app.domain.identities import Credentials
from app.errors import StoreFailed
from app.services.access.guarding import Guard
from app.services.access.keys import KeyDesk, Keys
from app.services.access.memory import Memory
from app.services.access.service import AccessRules, AccessService
from app.services.access.sessions import SessionRules, Sessions

SECRET = "0b8f2a6c9d4e7153" * 2 + "a-good-one"


@dataclass
class Time:
    """Wall clock and monotonic clock, moved together."""

    moment: datetime = datetime(2026, 11, 21, 9, 0, tzinfo=UTC)
    seconds: float = 1000.0

    def now(self) -> datetime:
        return self.moment

    def monotonic(self) -> float:
        return self.seconds

    def passes(self, **span: float) -> None:
        self.moment += timedelta(**span)
        self.seconds += timedelta(**span).total_seconds()


@dataclass
class Failing:
    """A store that raises StoreFailed while it is `down`, and counts what it is asked."""

    store: Any
    down: bool = False
    asked: list[str] = field(default_factory=list)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        method = getattr(self.store, name)

        async def call(*arguments: Any) -> Any:
            self.asked.append(name)
            if self.down:
                raise StoreFailed("store", "down")
            return await method(*arguments)

        return call


class World:
    """Everything there is to one authorisation; `process` makes another one over the same stores."""

    def __init__(self, *, loopback: bool = True, require_key: bool = False, rules: SessionRules | None = None) -> None:
        self.time = Time()
        self.session_store = Failing(MemorySessions(self.time.now))
        self.key_store = Failing(MemoryKeys())
        self.desk = KeyDesk(self.key_store, self.time.now)
        self.rules = rules or SessionRules()
        self.access_rules = AccessRules(loopback, require_key)
        self.access, self.sessions, self.keys = self.process()

    def process(self, secret: str = SECRET, previous: str | None = None) -> tuple[AccessService, Sessions, Keys]:
        def guard(name: str) -> Guard:
            return Guard(name, 0.2, self.time.monotonic)

        signer, clock = HmacSigner(secret, previous), self.time.now
        sessions = Sessions(
            self.session_store, signer, guard("sessions"), Memory(self.time.monotonic), self.rules, clock
        )
        keys = Keys(self.key_store, self.key_store, guard("keys"), Memory(self.time.monotonic), clock)
        return AccessService(sessions, keys, self.access_rules, clock), sessions, keys


def with_cookie(value: str) -> Credentials:
    return Credentials(session=value)


def with_key(token: str) -> Credentials:
    return Credentials(bearer=token)
