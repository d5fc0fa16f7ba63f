"""Sessions and keys in this process's memory, gone when it ends: the smallest stores there can be, for tests."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from app.domain.identities import ApiKey, Session
from app.errors import Conflict, NotFound


def _now() -> datetime:
    return datetime.now(UTC)


class MemorySessions:
    """A SessionStore over a dictionary. It never fails."""

    def __init__(self, clock: Callable[[], datetime] = _now) -> None:
        self._kept: dict[str, tuple[Session, datetime]] = {}
        self._clock = clock

    async def get(self, session_id: str) -> Session | None:
        """Return a session that has not ended."""
        session, until = self._kept.get(session_id, (None, self._clock()))
        return session if self._clock() < until else None

    async def put(self, session: Session, until: datetime, over: str | None = None) -> bool:
        """Keep a session; with `over`, only in the place of one that has this digest."""
        there = await self.get(session.id)
        if over is not None and (there is None or there.digest != over):
            return False
        self._kept[session.id] = (session, until)
        return True

    async def remove(self, session_id: str) -> None:
        """Take a session away."""
        self._kept.pop(session_id, None)

    async def remove_owner(self, owner: str) -> None:
        """Take all sessions of an owner away."""
        self._kept = {name: kept for name, kept in self._kept.items() if kept[0].owner != owner}


class MemoryKeys:
    """A KeyStore over a dictionary, which takes notes of use as well. It never fails."""

    def __init__(self) -> None:
        self._kept: dict[str, ApiKey] = {}

    async def add(self, key: ApiKey) -> None:
        """Keep a new key; raises Conflict."""
        if key.id in self._kept or any(self._same_name(each, key.name) for each in self._kept.values()):
            raise Conflict("key", key.name)
        self._kept[key.id] = key

    async def find(self, digest: str) -> ApiKey | None:
        """Return the key that has this digest."""
        return next((key for key in self._kept.values() if key.digest == digest), None)

    async def every(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first."""
        return tuple(sorted(self._kept.values(), key=lambda key: (key.created_at, key.id)))

    async def revoke(self, name: str, moment: datetime) -> ApiKey:
        """Revoke a key by id or name; raises NotFound."""
        key = self._kept.get(name) or next((each for each in self._kept.values() if self._same_name(each, name)), None)
        if key is None:
            raise NotFound("key")
        self._kept[key.id] = key if key.revoked_at else replace(key, revoked_at=moment)
        return self._kept[key.id]

    async def used(self, key_id: str, moment: datetime) -> None:
        """Note that a key was used."""
        self._kept[key_id] = replace(self._kept[key_id], used_at=moment)

    @staticmethod
    def _same_name(key: ApiKey, name: str) -> bool:
        return key.name == name and key.revoked_at is None
