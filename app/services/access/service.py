"""The one authorisation of REST, WebSocket and Socket.IO."""

import secrets
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime

from app.domain.identities import ApiKey, Caller, CallerKind, Credentials, Session, SessionCookie
from app.errors import NotFound, NotIdentified
from app.services.access.keys import Keys, now
from app.services.access.sessions import Sessions
from app.services.access.tokens import PREFIX

_GONE = SessionCookie("", 0)


@dataclass(frozen=True, slots=True)
class AccessRules:
    """`loopback` tells whether only this machine can reach the service, `require_key` whether keys alone open it."""

    loopback: bool
    require_key: bool = False


class AccessService:
    """Says who asks, and whether whoever asked before still may.

    A key's caller is the key's owner; a session's is whoever began it: a key's owner, or nobody known, under a random
    name. Whoever comes with nothing is, on a machine that nobody else reaches, the owner all its programs share; else
    it gets a session of its own, or, where keys are required, a refusal.
    """

    def __init__(self, sessions: Sessions, keys: Keys, rules: AccessRules, clock: Callable[[], datetime] = now) -> None:
        self._sessions = sessions
        self._keys = keys
        self._rules = rules
        self._clock = clock

    async def caller(self, given: Credentials) -> Caller:
        """Return who gave these credentials, with a cookie to be sent where the session is new or has a new id.

        Raises NotIdentified for a key that is wrong, and for none where one is required; StoreFailed where nobody can
        tell. A session that holds no longer counts as none.
        """
        if given.bearer is not None and (self._rules.require_key or given.bearer.startswith(PREFIX)):
            return _of_key(await self._key(given.bearer))
        # OpenAI's clients insist on some key: where none is needed, one that is not of ours says nothing.
        resumed = None if given.session is None else await self._resumed(given.session)
        if resumed is not None:
            return resumed
        if self._rules.require_key:
            raise NotIdentified("no key, and no session that was begun with one")
        if given.session is None and self._rules.loopback and not given.apart:
            return Caller()
        return await self._begun(f"session:{secrets.token_hex(16)}")

    async def check(self, caller: Caller) -> None:
        """Raise NotIdentified where a caller's session or key has ended, at the latest a second after it has.

        Raises StoreFailed where nobody can tell.
        """
        if caller.kind is CallerKind.KEY:
            holds = await self._keys.holding(caller.credential) is not None
        elif caller.kind is CallerKind.SESSION:
            session = await self._sessions.current(caller.credential)
            holds = session is not None and session.owner == caller.owner and await self._admits(session)
        else:
            holds = not self._rules.require_key
        if not holds:
            raise NotIdentified("the session or the key holds no longer")

    async def begin(self, given: Credentials) -> Caller:
        """Begin a session of a key's owner, in the place of the one there is; without a key, see that there is one.

        Raises as `caller` does.
        """
        if given.bearer is None:
            return await self.caller(replace(given, apart=True))
        key = await self._key(given.bearer)
        old = None if given.session is None else await self._sessions.resume(given.session)
        begun = await self._begun(key.owner, key.digest)
        if old is not None:
            # An id that was known before somebody logged in must not be worth anything after.
            await self._sessions.end(old[0].id)
        return begun

    async def end(self, caller: Caller) -> Caller:
        """End a caller's session, and return nobody, with the cookie that says so; raises NotFound, StoreFailed."""
        if caller.kind is not CallerKind.SESSION:
            raise NotFound("session")
        await self._sessions.end(caller.credential)
        return Caller(cookie=_GONE)

    async def end_all(self, caller: Caller) -> Caller:
        """End all sessions of a caller's owner; raises and returns as `end` does, for keys as well."""
        if caller.kind is CallerKind.ANONYMOUS:
            raise NotFound("session")
        await self._sessions.end_all(caller.owner)
        return Caller(cookie=_GONE)

    async def _key(self, token: str) -> ApiKey:
        key = await self._keys.of(token)
        if key is None:
            raise NotIdentified("no such key, or it holds no longer")
        return key

    async def _resumed(self, cookie: str) -> Caller | None:
        found = await self._sessions.resume(cookie)
        if found is None or not await self._admits(found[0]):
            return None
        return self._of_session(*found)

    async def _begun(self, owner: str, key: str = "") -> Caller:
        return self._of_session(*await self._sessions.begin(owner, key))

    async def _admits(self, session: Session) -> bool:
        """Tell whether a session opens anything: one begun with a key does as long as the key holds."""
        if not session.key:
            return not self._rules.require_key
        return await self._keys.holding(session.key) is not None

    def _of_session(self, session: Session, cookie: SessionCookie | None) -> Caller:
        ends = self._sessions.end_of(session)
        return Caller(session.owner, CallerKind.SESSION, session.id, ends, cookie)


def _of_key(key: ApiKey) -> Caller:
    return Caller(key.owner, CallerKind.KEY, key.digest, key.expires_at)
