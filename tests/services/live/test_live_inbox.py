"""What waits for one connection, and what a connection may send."""

import pytest
from set_clock import Clock

from app.adapters.bus.memory_bus import MemoryBus
from app.domain.live import LiveEvent
from app.services.live.gate import Gate
from app.services.live.inbox import Inbox
from app.services.live.rules import LiveRules, TooManyEvents


async def test_a_slow_reader_is_told_everything_in_order_from_a_bounded_memory() -> None:
    bus = MemoryBus()
    inbox = Inbox(bus, 3)
    events = [LiveEvent("run", "id", 1, number, "message", "{}") for number in range(1, 50)]
    for event in events:
        bus.keep(event)
        inbox.put(event)
    for _ in range(10):
        inbox.put(LiveEvent("", "", 0, 0, "pong", "{}"))
    assert len(inbox._waiting) == 3
    inbox.put_last(LiveEvent("", "", 0, 0, "bye", "{}"))
    got = [event async for event in inbox.events()]
    assert [event.sequence for event in got if event.sequence] == list(range(1, 50))
    assert [event.name for event in got if not event.sequence] == ["bye"]


async def test_gaps_are_filled_and_nothing_is_told_twice_or_of_an_older_attempt() -> None:
    bus = MemoryBus()
    inbox = Inbox(bus, 10)
    events = [LiveEvent("run", "id", 1 + (number > 3), number, "message", "{}") for number in range(1, 7)]
    for event in events:
        bus.keep(event)
    for event in (events[2], events[2], events[0], events[4], LiveEvent("run", "id", 1, 6, "message", "{}")):
        inbox.put(event)
    # One the log has lost is told all the same.
    inbox.put(LiveEvent("lost", "id", 1, 4, "message", "{}"))
    inbox.put_last(None)
    got = [(event.run, event.attempt, event.sequence) async for event in inbox.events()]
    assert got[:5] == [("run", 1, 1), ("run", 1, 2), ("run", 1, 3), ("run", 2, 4), ("run", 2, 5)]
    assert got[-1] == ("lost", 1, 4)
    assert ("run", 1, 6) not in got


def test_events_are_let_in_at_a_rate_and_patience_ends() -> None:
    gate = Gate(LiveRules(events_per_second=10, burst=2, strikes=3), clock := Clock())
    gate.knock()
    gate.knock()
    _refused(gate)
    _refused(gate)
    assert gate.exhausted is False
    clock.now += 0.1
    gate.knock()
    refusals = [_refused(gate) for _ in range(3)]
    assert bool(gate.exhausted)
    assert {refusal.retry_after for refusal in refusals} == {1}


def _refused(gate: Gate) -> TooManyEvents:
    with pytest.raises(TooManyEvents) as refused:
        gate.knock()
    return refused.value
