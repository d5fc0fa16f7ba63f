"""Sessions: begun, found again by their cookie, given new ids, ended.

A cookie holds a session's name and a secret, signed. Kept is the name with the secret's digest. Once a day, and when a
key logs in, the secret is replaced; the one before is accepted for 60 s more, for requests that are under way.
"""

import logging
import math
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from app.domain.identities import Session, SessionCookie
from app.errors import StoreFailed
from app.ports.access import CookieSigner, SessionStore
from app.services.access.guarding import Guard
from app.services.access.keys import now
from app.services.access.memory import Memory
from app.services.access.tokens import digest, equal, following, new_secret, new_session_id

_SEEN_EVERY = timedelta(minutes=5)

logger = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SessionRules:
    """How long sessions last: `idle` without a request, `longest` whatever happens.

    `unreturned` is for those whose cookie never came back, as with programs that keep none. `overlap` is how long the
    id before the last one is accepted.
    """

    idle: timedelta = timedelta(days=7)
    longest: timedelta = timedelta(days=30)
    unreturned: timedelta = timedelta(days=1)
    rotated_every: timedelta = timedelta(days=1)
    overlap: timedelta = timedelta(seconds=60)

    def end_of(self, session: Session) -> datetime:
        """Return when a session ends if nothing more is heard of it."""
        idle = self.idle if session.seen_at > session.began_at else min(self.idle, self.unreturned)
        return min(session.seen_at + idle, session.began_at + self.longest)


@dataclass(frozen=True, slots=True)
class Known:
    """A session as this process knows it; one that could not be stored yet is not `stored`."""

    session: Session
    stored: bool = True


class Sessions:
    """All sessions. What was ended in the store is refused everywhere within a second.

    While the store cannot be asked, sessions that it vouched for in the last five minutes are accepted, and new ones
    are known to this process alone until it can be asked again; for all others StoreFailed is raised.
    """

    def __init__(
        self,
        store: SessionStore,
        signer: CookieSigner,
        guard: Guard,
        memory: Memory[str, Known],
        rules: SessionRules,
        clock: Callable[[], datetime] = now,
    ) -> None:
        self._store = store
        self._signer = signer
        self._guard = guard
        self._memory = memory
        self._rules = rules
        self._clock = clock

    async def begin(self, owner: str, key: str = "") -> tuple[Session, SessionCookie]:
        """Begin a session; `key` is the digest of the API key it is begun with."""
        secret, moment = new_secret(), self._clock()
        session = Session(new_session_id(), owner, digest(secret), moment, moment, moment, key=key)
        try:
            await self._put(session)
            self._memory.keep(session.id, Known(session))
        except StoreFailed as error:
            logger.warning("session_not_stored", extra={"error": str(error)})
            self._memory.keep(session.id, Known(session, stored=False))
        return session, self._cookie(session, secret)

    async def resume(self, cookie: str) -> tuple[Session, SessionCookie | None] | None:
        """Return the session of a cookie, and the cookie that is to take its place; None where it holds no longer.

        Raises StoreFailed where nobody can tell.
        """
        name, _, secret = (self._signer.unsign(cookie) or "").partition(".")
        if not name or not secret:
            return None
        session = await self.current(name)
        if session is not None and not self._opens(session, secret):
            # Another process may have given it a new id since.
            session = await self.current(name, anew=True)
        if session is None or not self._opens(session, secret):
            return None
        return await self._renewed(session, secret)

    async def current(self, name: str, *, anew: bool = False) -> Session | None:
        """Return a session by its name, as it was a second ago at most; None where it holds no longer.

        Raises StoreFailed where nobody can tell.
        """
        known = None if anew else self._memory.fresh(name)
        session = known.session if known else await self._asked(name)
        return session if session is not None and self._clock() < self._rules.end_of(session) else None

    async def end(self, name: str) -> None:
        """End a session; raises StoreFailed where it goes on."""
        await self._guard.call(lambda: self._store.remove(name))
        self._memory.forget(name)

    async def end_all(self, owner: str) -> None:
        """End all sessions of an owner; raises StoreFailed where they go on."""
        await self._guard.call(lambda: self._store.remove_owner(owner))
        self._memory.forget_where(lambda known: known.session.owner == owner)

    def end_of(self, session: Session) -> datetime:
        """Return when a session ends if nothing more is heard of it."""
        return self._rules.end_of(session)

    async def _asked(self, name: str) -> Session | None:
        known, at = self._memory.recent(name), self._memory.now()
        try:
            if known is not None and not known.stored:
                await self._put(known.session)
            session = await self._guard.call(lambda: self._store.get(name))
        except StoreFailed:
            if known is None:
                raise
            return known.session
        if session is None:
            self._memory.forget(name)
        else:
            self._memory.keep(name, Known(session), at)
        return session

    async def _renewed(self, session: Session, secret: str) -> tuple[Session, SessionCookie | None] | None:
        """Note that a session was seen, and give it a new id where it is time to."""
        moment = self._clock()
        after = self._after(session.id, secret)
        if equal(session.digest, digest(after)):
            # It came with the id before: the answer that brought the new one may have been lost.
            return session, self._cookie(session, after)
        changed = replace(session, seen_at=moment)
        due = moment - session.rotated_at >= self._rules.rotated_every
        if due:
            changed = replace(changed, digest=digest(after), previous=session.digest, rotated_at=moment)
        elif session.seen_at > session.began_at and moment - session.seen_at < _SEEN_EVERY:
            return session, None
        try:
            kept = await self._put(changed, over=session.digest)
        except StoreFailed as error:
            logger.warning("session_not_renewed", extra={"error": str(error)})
            return session, None
        if not kept:
            return await self._as_it_is(session.id, secret)
        self._memory.keep(session.id, Known(changed))
        return changed, self._cookie(changed, after) if due else None

    async def _as_it_is(self, name: str, secret: str) -> tuple[Session, SessionCookie | None] | None:
        """Return a session that somebody else has changed meanwhile, or ended."""
        session = await self.current(name, anew=True)
        if session is None or not self._opens(session, secret):
            return None
        after = self._after(name, secret)
        return session, self._cookie(session, after) if equal(session.digest, digest(after)) else None

    def _after(self, name: str, secret: str) -> str:
        return following(secret, self._signer.sign(f"{name}.{secret}.next"))

    async def _put(self, session: Session, over: str | None = None) -> bool:
        until = self._rules.end_of(session)
        return await self._guard.call(lambda: self._store.put(session, until, over))

    def _opens(self, session: Session, secret: str) -> bool:
        given = digest(secret)
        if equal(session.digest, given):
            return True
        late = self._clock() - session.rotated_at > self._rules.overlap
        return bool(session.previous) and equal(session.previous, given) and not late

    def _cookie(self, session: Session, secret: str) -> SessionCookie:
        left = session.began_at + self._rules.longest - self._clock()
        return SessionCookie(self._signer.sign(f"{session.id}.{secret}"), max(1, math.ceil(left.total_seconds())))
