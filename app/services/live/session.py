"""One connection: what it asked, what it listens to, and what it is told."""

import asyncio
import contextlib
import json
from collections import deque
from collections.abc import AsyncGenerator
from functools import partial

from app.domain.conversations import Question
from app.domain.identities import Caller
from app.domain.live import CANCELLED, ERROR, FINAL, QUESTION, LiveEvent
from app.errors import NotFound, Overloaded, ServiceError
from app.ports.live import Leave
from app.services.live.answers import LiveAnswers
from app.services.live.asking import Asked, asked_by
from app.services.live.inbox import Inbox

_AGAIN_SECONDS = 1.0
"""How often it is asked whether whoever answers on another instance still does."""


class LiveSession:
    """Questions of one connection, answered one after the other; use `open` and `close` around it.

    `events` gives what the client is told, until the connection is ended by `end`.
    """

    def __init__(self, answers: LiveAnswers, caller: Caller) -> None:
        self.caller = caller
        self.ended: ServiceError | None = None
        """Why the connection is to be closed, where it is."""
        self._answers = answers
        self._inbox = Inbox(answers.bus, answers.rules.waiting)
        self._queue: deque[tuple[Asked, bool]] = deque()
        self._arrived = asyncio.Event()
        self._current: Asked | None = None
        self._changed = asyncio.Event()
        self._own: dict[str, bool] = {}
        self._joined: dict[str, Leave] = {}
        self._worker: asyncio.Task[None] | None = None

    @property
    def busy(self) -> bool:
        """Tell whether a question is being answered, or waits to be."""
        return self._current is not None or bool(self._queue)

    def open(self) -> None:
        """Begin to work on what is asked."""
        self._worker = asyncio.create_task(self._work())

    async def close(self) -> None:
        """Leave everything; what nobody else listens to is given up soon."""
        if self._worker is not None:
            self._worker.cancel()
            await asyncio.wait({self._worker})
        for leave in self._joined.values():
            leave()
        self._joined.clear()

    def end(self, error: ServiceError) -> None:
        """Have the connection closed, after what waits to be sent; the first reason counts."""
        self.ended = self.ended or error
        self._inbox.put_last(None)

    def say(self, name: str, data: str, message_id: str = "") -> None:
        """Tell the client something that is in no log."""
        self._inbox.put(LiveEvent("", message_id, 0, 0, name, data))

    async def ask(self, question: Question, message_id: str | None = None, after: int = 0) -> Asked:
        """Have a question answered when its turn comes, and say that it was accepted.

        The same id again is the same question: what is known of it is told, after the sequence number the client has.
        Raises Overloaded where too many wait, Conflict where the id is another question's.
        """
        asked = asked_by(self.caller.owner, question, message_id)
        self._room()
        last = await self._answers.last_of(asked)
        # One that failed is asked anew; what was told of its failure is of no use any longer.
        failed = last is not None and last.ends and last.name != FINAL
        self._accept(asked, last.sequence if last is not None and failed else after, again=True)
        return asked

    async def resume(self, message_id: str, after: int) -> Asked:
        """Tell what was missed of a question and go on with it; raises NotFound, Overloaded."""
        asked, last = await self._answers.find(self.caller.owner, message_id)
        self._room()
        given_up = last.name == CANCELLED or (last.name == ERROR and (last.resumable or last.sequence <= after))
        self._accept(asked, last.sequence if given_up else after, again=given_up)
        return asked

    async def join(self, conversation_id: str) -> None:
        """Hear from now on what is answered in a conversation; raises NotFound, StoreFailed, Overloaded."""
        if len(self._joined) >= self._answers.rules.joined:
            raise Overloaded("connection")
        channel = await self._answers.join(self.caller.owner, conversation_id)
        if channel not in self._joined:
            self._joined[channel] = lambda: None
            self._joined[channel] = await self._answers.listen(channel, partial(self._hear, joined=True))
        self.say("joined", json.dumps({"conversation_id": conversation_id}))

    async def cancel(self, message_id: str) -> None:
        """Give a question up, whether it waits, is answered here or elsewhere; raises NotFound."""
        for waiting in tuple(self._queue):
            if waiting[0].id == message_id:
                self._queue.remove(waiting)
                self._own.pop(waiting[0].run, None)
                self.say(CANCELLED, '{"reason":"asked"}', message_id)
                return
        if self._current is not None and self._current.id == message_id:
            await self._answers.cancel(self._current)
            return
        asked, last = await self._answers.find(self.caller.owner, message_id)
        if last.ends and not last.resumable:
            raise NotFound("question")
        await self._answers.cancel(asked)

    async def events(self) -> AsyncGenerator[LiveEvent, None]:
        """Yield what the client is told, in order."""
        async for event in self._inbox.events():
            if event.name == QUESTION and event.run in self._own:
                continue
            if event.ends and event.resumable and not self._answers.stopping:
                # Whoever still waits has it answered anew, and then the client is told to begin again.
                self._changed.set()
                continue
            yield event
            if event.ends and event.run in self._own:
                self._own[event.run] = True
                self._changed.set()

    def _room(self) -> None:
        if len(self._queue) >= self._answers.rules.queued:
            raise Overloaded("connection")

    def _accept(self, asked: Asked, after: int, *, again: bool) -> None:
        self.say("accepted", json.dumps({"conversation_id": asked.conversation_id}), asked.id)
        if self._own.get(asked.run) is False:
            # It is being told already, or will be when its turn comes.
            return
        self._own.pop(asked.run, None)
        self._own[asked.run] = False
        while len(self._own) > self._answers.rules.waiting:
            del self._own[next(iter(self._own))]
        self._inbox.expect(asked.run, after)
        self._queue.append((asked, again))
        self._arrived.set()

    async def _work(self) -> None:
        while True:
            self._arrived.clear()
            while self._queue:
                self._current, again = self._queue.popleft()
                try:
                    await self._follow(self._current, again=again)
                except ServiceError as error:
                    self.end(error)
                finally:
                    self._current = None
            await self._arrived.wait()

    async def _follow(self, asked: Asked, *, again: bool) -> None:
        """Hear of a question until it is over, and see to it that somebody answers it; raises Restarting."""
        leave = await self._answers.listen(asked.channel, partial(self._hear, joined=False))
        try:
            self._inbox.look_up(asked.run)
            while self._own.get(asked.run) is False:
                self._changed.clear()
                await self._answers.begin(asked, again=again)
                again = False
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(_AGAIN_SECONDS):
                        await self._changed.wait()
        finally:
            leave()

    def _hear(self, event: LiveEvent | None, *, joined: bool) -> None:
        current = self._current.run if self._current is not None else ""
        if event is None:
            self._inbox.look_up(current)
        elif event.sequence and (joined or event.run == current):
            self._inbox.put(event)
