"""All questions this instance answers in real time, each of them once."""

import asyncio
import logging
import uuid
from collections import Counter
from collections.abc import Callable

from app.domain.live import CANCEL, QUESTION, LiveEvent
from app.errors import Conflict, NotFound
from app.ports import ConversationStore, Leases
from app.ports.live import EventBus, Hear, Leave
from app.services.admission import Admission
from app.services.live.asking import Asked, asked_again, channel_of, describe, run_of
from app.services.live.partials import Partials
from app.services.live.rules import LiveRules, Restarting
from app.services.live.run import LEFT, STOPPING, Encoder, Means, Run
from app.services.seams import Chat

logger = logging.getLogger(__name__)

_STOP_SECONDS = 3.0


class LiveAnswers:
    """Begins, joins, resumes and cancels answers; both real-time channels work with it.

    With leases and a bus between instances they are one service: a question is answered on one of them, and heard on
    all. Without, this process is all there is.
    """

    def __init__(
        self,
        *,
        chat: Chat,
        store: ConversationStore,
        bus: EventBus,
        admission: Admission,
        encoder: Encoder,
        leases: Leases | None = None,
        rules: LiveRules | None = None,
    ) -> None:
        self.rules = rules or LiveRules()
        self.bus = bus
        self._store = store
        self._means = Means(chat, bus, admission, encoder, leases, self.rules, uuid.uuid4().hex)
        self._partials = Partials(store, bus, self.rules)
        self._runs: dict[str, Run] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._listeners: Counter[str] = Counter()
        self.stopping = False
        """Whether nothing is begun any longer."""

    @property
    def running(self) -> int:
        """How many questions are being answered here."""
        return len(self._runs)

    async def begin(self, asked: Asked, *, again: bool = False) -> None:
        """See to it that somebody answers a question, here or elsewhere; raises Restarting.

        An answer that is there already is not made a second time. `again`: one that failed, or was cancelled, is.
        """
        if self.stopping:
            raise Restarting("service")
        if asked.run in self._runs:
            return
        run = Run(asked, self._means, self._listened(asked.channel), again=again)
        self._runs[asked.run] = run
        task = asyncio.create_task(self._go(run))
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def last_of(self, asked: Asked) -> LiveEvent | None:
        """Return the last event told of a question; raises Conflict where its id was another question's."""
        events = await self.bus.read(asked.run, 0)
        if events and events[0].name == QUESTION:
            first = asked_again(asked.owner, events[0])
            one, other = describe(first), describe(asked)
            if (one["message"], one["conversation_id"]) != (other["message"], other["conversation_id"]):
                raise Conflict("another question has this id", asked.id)
        return events[-1] if events else None

    async def find(self, owner: str, message_id: str) -> tuple[Asked, LiveEvent]:
        """Return a question asked before and the last event told of it; raises NotFound."""
        events = await self.bus.read(run_of(owner, message_id), 0)
        if not events or events[0].name != QUESTION:
            raise NotFound("question")
        return asked_again(owner, events[0]), events[-1]

    async def cancel(self, asked: Asked) -> None:
        """Have a question given up, wherever it is being answered."""
        await self.bus.tell(asked.channel, LiveEvent(asked.run, asked.id, 0, 0, CANCEL, "{}"))

    async def listen(self, channel: str, hear: Hear) -> Leave:
        """Hear what is told to a channel; as long as somebody does, answers told there are not given up."""
        self._listeners[channel] += 1
        leave = await self.bus.subscribe(channel, hear)
        left = False

        def leave_once() -> None:
            nonlocal left
            if not left:
                left = True
                leave()
                self._listeners[channel] -= 1
                if not self._listeners[channel]:
                    del self._listeners[channel]

        return leave_once

    async def join(self, owner: str, conversation_id: str) -> str:
        """Return the channel of a conversation; raises NotFound where the owner has no such one, StoreFailed."""
        await self._store.history(owner, conversation_id, 1)
        return channel_of(owner, conversation_id)

    async def close(self) -> None:
        """Give everything up, so that other instances go on with it, and keep what is still held."""
        self.stopping = True
        for run in tuple(self._runs.values()):
            run.stop(STOPPING)
        if self._tasks:
            _done, late = await asyncio.wait(tuple(self._tasks), timeout=_STOP_SECONDS)
            for task in late:
                task.cancel()
        await self._partials.flush()

    def _listened(self, channel: str) -> Callable[[], bool]:
        return lambda: bool(self._listeners.get(channel))

    async def _go(self, run: Run) -> None:
        self._partials.drop(run.asked.run)
        try:
            await run.go()
        finally:
            del self._runs[run.asked.run]
        if run.why == LEFT:
            self._partials.hold(run.asked, "".join(run.said))
