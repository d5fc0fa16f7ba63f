"""API keys: who holds one, and their making and revoking."""

import logging
import re
import secrets
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from app.domain.identities import ApiKey
from app.errors import InvalidInput, NotFound, StoreFailed
from app.ports.access import KeyStore, KeyUse
from app.services.access.guarding import Guard
from app.services.access.memory import Memory
from app.services.access.tokens import digest, equal, looks_like_key, new_key

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._@-]{0,99}")
_NAMED = "must be 1 to 100 letters, digits and . _ @ - and begin with a letter or a digit"
_LONGEST_DAYS = 3650
_USED_EVERY = timedelta(hours=1)

logger = logging.getLogger(__name__)


def now() -> datetime:
    """Return the present time in UTC."""
    return datetime.now(UTC)


class Keys:
    """Finds who holds a key. A key revoked in the store is refused everywhere within a second.

    While the store cannot be asked, keys that it vouched for in the last five minutes are accepted.
    """

    def __init__(
        self,
        store: KeyStore,
        use: KeyUse,
        guard: Guard,
        memory: Memory[str, ApiKey],
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._use = use
        self._guard = guard
        self._memory = memory
        self._clock = clock

    async def of(self, token: str) -> ApiKey | None:
        """Return the key that was sent, where it holds; raises StoreFailed where nobody can tell."""
        if not looks_like_key(token):
            return None
        key = await self.holding(digest(token))
        if key is not None:
            await self._note_use(key)
        return key

    async def holding(self, digested: str) -> ApiKey | None:
        """Return the key of this digest, where it holds; raises StoreFailed where nobody can tell."""
        key = self._memory.fresh(digested) or await self._asked(digested)
        return key if key is not None and equal(key.digest, digested) and key.holds(self._clock()) else None

    async def _asked(self, digested: str) -> ApiKey | None:
        at = self._memory.now()
        try:
            key = await self._guard.call(lambda: self._store.find(digested))
        except StoreFailed:
            known = self._memory.recent(digested)
            if known is None:
                raise
            return known
        if key is None:
            self._memory.forget(digested)
        else:
            self._memory.keep(digested, key, at)
        return key

    async def _note_use(self, key: ApiKey) -> None:
        moment = self._clock()
        if key.used_at is not None and moment - key.used_at < _USED_EVERY:
            return
        # First: others who use it at the same moment need not note it, too.
        self._memory.amend(key.digest, replace(key, used_at=moment))
        try:
            await self._guard.call(lambda: self._use.used(key.id, moment))
        except StoreFailed as error:
            logger.warning("key_use_not_noted", extra={"key": key.id, "error": str(error)})


class KeyDesk:
    """Makes, lists and revokes keys, for the operator."""

    def __init__(self, store: KeyStore, clock: Callable[[], datetime] = now) -> None:
        self._store = store
        self._clock = clock

    async def issue(self, name: str, owner: str | None = None, days: int | None = None) -> tuple[str, ApiKey]:
        """Make a key, and return it with what is kept of it: this is the only time it is told.

        Raises InvalidInput for a name, an owner (by default the name) or a lifetime that cannot be; Conflict where a
        key of this name is in use; StoreFailed.
        """
        _check_name("name", name)
        owner = name if owner is None else owner
        _check_name("owner", owner)
        if days is not None and not 1 <= days <= _LONGEST_DAYS:
            raise InvalidInput("expires", f"must be 1 to {_LONGEST_DAYS} days")
        token, moment = new_key(), self._clock()
        ends = None if days is None else moment + timedelta(days=days)
        key = ApiKey(secrets.token_hex(6), name, owner, digest(token), moment, ends)
        await self._store.add(key)
        return token, key

    async def every(self) -> tuple[ApiKey, ...]:
        """Return all keys, oldest first; raises StoreFailed."""
        return await self._store.every()

    async def revoke(self, name: str) -> ApiKey:
        """Revoke a key by id or name; raises NotFound, StoreFailed."""
        if _NAME.fullmatch(name) is None:
            raise NotFound("key")
        return await self._store.revoke(name, self._clock())


def _check_name(field: str, text: str) -> None:
    # Names of sessions' owners have a colon in them: no key can be made in the name of one.
    if _NAME.fullmatch(text) is None:
        raise InvalidInput(field, _NAMED)
