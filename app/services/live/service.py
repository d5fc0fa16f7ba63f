"""Real time as a whole: the connections there are, who they belong to, and how they end."""

import asyncio
import contextlib
import logging
import random
from collections import defaultdict
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from app.domain.identities import Caller, CallerKind
from app.errors import NotIdentified, Overloaded, ServiceError
from app.services.live.answers import LiveAnswers
from app.services.live.rules import LiveRules, Restarting
from app.services.live.session import LiveSession
from app.services.seams import Access

logger = logging.getLogger(__name__)

_AT_ONCE = 16
_GONE_SECONDS = 3.0
_GREETING = "Hello, this is {name}, the IT support assistant. What can I help you with?"


@dataclass
class Live:
    """What both real-time channels share; use `running` around it.

    `names` are those a connection's supporter may have; `farewell` ends everything in good time before the process
    does.
    """

    answers: LiveAnswers
    access: Access
    names: tuple[str, ...]
    connections: int = 0
    sessions: set[LiveSession] = field(default_factory=set)
    _empty: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def rules(self) -> LiveRules:
        """Return the bounds."""
        return self.answers.rules

    def supporter(self) -> tuple[str, str]:
        """Return a supporter's name and its greeting."""
        name = random.choice(self.names)  # noqa: S311 - a name to be greeted by, nothing secret
        return name, _GREETING.format(name=name)

    def enter(self) -> None:
        """Count a connection in; raises Overloaded where there are as many as there may be, Restarting."""
        if self.answers.stopping:
            raise Restarting("service")
        if self.connections >= self.rules.sockets:
            raise Overloaded("connections")
        self.connections += 1

    def leave(self) -> None:
        """Count a connection out."""
        self.connections -= 1

    def open(self, caller: Caller) -> LiveSession:
        """Return a session of a caller, which is ended where its authorisation is; to be closed by `close`."""
        session = LiveSession(self.answers, caller)
        session.open()
        self.sessions.add(session)
        self._empty.clear()
        return session

    async def close(self, session: LiveSession) -> None:
        """Close a session."""
        await session.close()
        self.sessions.discard(session)
        if not self.sessions:
            self._empty.set()

    @asynccontextmanager
    async def running(self) -> AsyncIterator["Live"]:
        """Watch over the callers while the block runs; give everything up after it."""
        watching = asyncio.create_task(self._watch())
        try:
            yield self
        finally:
            watching.cancel()
            await asyncio.wait({watching})
            await self.farewell()

    async def farewell(self) -> None:
        """Tell every question's listeners that the service restarts, then end every connection; within some seconds."""
        if not self.answers.stopping:
            logger.info("live_farewell", extra={"sessions": len(self.sessions), "answers": self.answers.running})
        await self.answers.close()
        for session in tuple(self.sessions):
            session.end(Restarting("service"))
        if self.sessions:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(_GONE_SECONDS):
                    await self._empty.wait()

    async def _watch(self) -> None:
        """End the sessions of callers whose authorisation has ended, soon after it has."""
        room = asyncio.Semaphore(_AT_ONCE)

        async def check(caller: Caller, sessions: list[LiveSession]) -> None:
            async with room:
                error = await self._refusal(caller)
            for session in sessions if error else ():
                session.end(error or NotIdentified("revoked"))

        while True:
            await asyncio.sleep(self.rules.check_seconds)
            callers: dict[Caller, list[LiveSession]] = defaultdict(list)
            for session in self.sessions:
                if session.caller.kind is not CallerKind.ANONYMOUS:
                    callers[session.caller].append(session)
            await asyncio.gather(*(check(caller, held) for caller, held in callers.items()))

    async def _refusal(self, caller: Caller) -> NotIdentified | None:
        try:
            await self.access.check(caller)
        except NotIdentified as error:
            return error
        except ServiceError as error:
            # Whoever keeps sessions cannot tell at the moment: every event is refused, the connection may stay.
            logger.warning("live_callers_not_checked", extra={"code": error.code})
        return None
