"""What was said of answers nobody waited for: kept as cancelled turns, once it is sure that nobody comes back."""

import asyncio
import logging
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from app.domain.conversations import CANCELLED, Role, Turn
from app.domain.live import CANCELLED as GIVEN_UP
from app.errors import ConversationFull, NotFound, StoreFailed
from app.ports import ConversationStore
from app.ports.live import EventLog
from app.services.live.asking import Asked
from app.services.live.rules import LiveRules

logger = logging.getLogger(__name__)

_FLUSH_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class _Held:
    asked: Asked
    turns: tuple[Turn, ...]
    timer: asyncio.TimerHandle


class Partials:
    """Holds partial answers for a while; a bounded number of them, the oldest are kept early."""

    def __init__(self, store: ConversationStore, log: EventLog, rules: LiveRules) -> None:
        self._store = store
        self._log = log
        self._rules = rules
        self._held: OrderedDict[str, _Held] = OrderedDict()
        self._keeping: set[asyncio.Task[None]] = set()

    def hold(self, asked: Asked, said: str) -> None:
        """Keep what was said after a while, unless the question is answered after all."""
        if not said:
            return
        now, kept = datetime.now(UTC), asked.as_kept()
        question = Turn(kept.question_id or "", Role.USER, kept.text, now)
        partial = Turn(asked.partial_id, Role.ASSISTANT, said, now, CANCELLED)
        timer = asyncio.get_running_loop().call_later(self._rules.partial_seconds, self._due, asked.run)
        self.drop(asked.run)
        self._held[asked.run] = _Held(asked, (question, partial), timer)
        while len(self._held) > self._rules.most_partials:
            self._due(next(iter(self._held)))

    def drop(self, run: str) -> None:
        """Forget a partial answer: its question is being answered."""
        held = self._held.pop(run, None)
        if held is not None:
            held.timer.cancel()

    async def flush(self) -> None:
        """Keep everything that is held, now."""
        for run in tuple(self._held):
            self._due(run)
        if self._keeping:
            await asyncio.wait(tuple(self._keeping), timeout=_FLUSH_SECONDS)

    def _due(self, run: str) -> None:
        held = self._held.pop(run, None)
        if held is None:
            return
        held.timer.cancel()
        task = asyncio.create_task(self._keep(held.asked, held.turns))
        self._keeping.add(task)
        task.add_done_callback(self._keeping.discard)

    async def _keep(self, asked: Asked, turns: Sequence[Turn]) -> None:
        events = await self._log.read(asked.run, 0)
        if events and events[-1].name != GIVEN_UP:
            # Somebody has come back, here or on another instance.
            return
        try:
            await self._store.append(asked.owner, asked.conversation_id, turns)
        except (StoreFailed, NotFound, ConversationFull) as error:
            logger.warning("partial_answer_not_kept", extra={"code": error.code})
