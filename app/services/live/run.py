"""One question being answered on this instance: begun where nobody else answers it, given up where nobody listens."""

import asyncio
import json
import logging
import time
from collections.abc import Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import Protocol

from app.domain import deadline
from app.domain.events import AnswerFinished, ChatEvent, TextSaid
from app.domain.live import CANCEL, CANCELLED, ERROR, FINAL, QUESTION, RESTART, LiveEvent
from app.errors import DeadlineExceeded, GenerationFailed
from app.ports import Leases
from app.ports.live import EventBus
from app.services.admission import Admission
from app.services.live.asking import Asked, asked_again, describe
from app.services.live.rules import LiveRules, Restarting
from app.services.seams import Chat

logger = logging.getLogger(__name__)

_LOOK_SECONDS = 0.2

ASKED = "asked"
LEFT = "left"
STOPPING = "stopping"
LOST = "lost"


class Encoder(Protocol):
    """Says what happened as clients are told."""

    def event(self, event: ChatEvent) -> tuple[str, str]:
        """Return an event's name and its data, a JSON object."""
        ...

    def problem(self, error: Exception) -> str:
        """Return what a client is told of an error, a JSON object; logs what is ours to mend."""
        ...


@dataclass(frozen=True)
class Means:
    """What questions are answered with."""

    chat: Chat
    bus: EventBus
    admission: Admission
    encoder: Encoder
    leases: Leases | None
    rules: LiveRules
    instance: str


class Run:
    """Answers one question; `said` is the text told until now, `why` says what it was stopped for.

    `again` has it answered anew although it ended; an answer that is there is never made a second time.
    """

    def __init__(self, asked: Asked, means: Means, listened: Callable[[], bool], *, again: bool) -> None:
        self.asked = asked
        self.said: list[str] = []
        self.why = ""
        self._means = means
        self._listened = listened
        self._again = again
        self._stopped: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._renewed = 0.0
        self._attempt = 1
        self._sequence = 0
        self._size = 0
        self._alone_since: float | None = None

    def stop(self, why: str) -> None:
        """Have it given up, at once; the first reason counts."""
        if not self._stopped.done():
            self.why = why
            self._stopped.set_result(None)

    async def go(self) -> None:
        """Answer, unless the answer is there or another instance makes it."""
        events = await self._means.bus.read(self.asked.run, 0)
        last = events[-1] if events else None
        if last is not None and last.ends and not last.resumable and (last.name == FINAL or not self._again):
            return
        if not await self._take_lease():
            return
        leave = await self._means.bus.subscribe(self.asked.channel, self._hear)
        try:
            if last is not None:
                self._attempt, self._sequence = last.attempt + 1, last.sequence
                if events[0].name == QUESTION:
                    self.asked = asked_again(self.asked.owner, events[0])
                await self._tell(RESTART, "{}")
            else:
                await self._tell(QUESTION, json.dumps(describe(self.asked)))
            await self._answer_while_wanted()
        finally:
            leave()
            if self._means.leases is not None and self.why != LOST:
                await self._means.leases.release(self.asked.run, self._means.instance)

    async def _answer_while_wanted(self) -> None:
        answering = asyncio.create_task(self._answer())
        try:
            while not answering.done() and not self._stopped.done():
                either = {answering, self._stopped}
                await asyncio.wait(either, timeout=_LOOK_SECONDS, return_when=asyncio.FIRST_COMPLETED)
                await self._look()
        finally:
            # What is finished stays finished: cancelling it does nothing.
            answering.cancel()
            await asyncio.wait({answering})
        await self._tell_end(answering)

    async def _look(self) -> None:
        """Stop where nobody listens any longer, here or elsewhere, or where the lease is another's."""
        rules, now = self._means.rules, time.monotonic()
        if self._means.leases is not None and now - self._renewed > rules.lease_seconds / 3:
            self._renewed = now
            if not await self._means.leases.renew(self.asked.run, self._means.instance, rules.lease_seconds):
                self.stop(LOST)
        if self._listened():
            self._alone_since = None
            return
        self._alone_since = self._alone_since or now
        if now - self._alone_since >= rules.abandoned_seconds:
            if await self._means.bus.audience(self.asked.channel):
                self._alone_since = None
            else:
                self.stop(LEFT)

    async def _take_lease(self) -> bool:
        self._renewed = time.monotonic()
        leases, rules = self._means.leases, self._means.rules
        return leases is None or await leases.take(self.asked.run, self._means.instance, rules.lease_seconds)

    async def _answer(self) -> None:
        """Tell the answer step by step; raises what the chat raises, Overloaded, DeadlineExceeded."""
        rules, admission = self._means.rules, self._means.admission
        await admission.enter()
        try:
            with deadline.within(rules.request_seconds):
                async with asyncio.timeout(rules.answer_seconds):
                    await self._tell_all()
        except TimeoutError as error:
            raise DeadlineExceeded(f"no answer within {rules.answer_seconds} s") from error
        finally:
            admission.leave()

    async def _tell_all(self) -> None:
        async with aclosing(self._means.chat.stream(self.asked.as_kept())) as events:
            async for event in events:
                if isinstance(event, TextSaid):
                    self.said.append(event.text)
                if isinstance(event, AnswerFinished):
                    self.said.clear()
                await self._tell(*self._means.encoder.event(event))

    async def _tell_end(self, answering: "asyncio.Task[None]") -> None:
        failure = None if answering.cancelled() else answering.exception()
        if isinstance(failure, Exception):
            await self._tell(ERROR, self._means.encoder.problem(failure))
        elif not answering.cancelled() or self.why == LOST:
            return
        elif self.why == STOPPING:
            problem = self._means.encoder.problem(Restarting("service"))
            await self._tell(ERROR, problem, resumable=True)
        else:
            await self._tell(CANCELLED, json.dumps({"reason": self.why}), resumable=self.why == LEFT)

    async def _tell(self, name: str, data: str, *, resumable: bool = False) -> None:
        rules = self._means.rules
        self._sequence += 1
        self._size += len(data)
        event = LiveEvent(self.asked.run, self.asked.id, self._attempt, self._sequence, name, data, resumable)
        if not event.ends and (self._sequence > rules.answer_events or self._size > rules.answer_bytes):
            raise GenerationFailed("answer", "longer than what is kept of one")
        await self._means.bus.append(self.asked.channel, event)

    def _hear(self, event: LiveEvent | None) -> None:
        if event is not None and event.name == CANCEL and event.run == self.asked.run:
            self.stop(ASKED)
