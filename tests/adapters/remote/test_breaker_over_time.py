"""The circuit breaker whose outages grow, against a plainer model of it, under any sequence of events."""

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule, run_state_machine_as_test
from set_clock import Clock

from app.domain.breaker import Breaker

FIRST, LONGEST, LIMIT = 2.0, 30.0, 5
STEPS = 50


def outages(clock: Clock, breaker: Breaker, count: int) -> list[float]:
    """Let every probe fail, and return how long each outage lasted."""
    found = []
    for _ in range(count):
        begun = clock.now
        while (ticket := breaker.admit()) is None:
            clock.now += 0.5
        found.append(clock.now - begun)
        breaker.failed(ticket)
    return found


def test_outages_double_up_to_the_longest_and_begin_anew() -> None:
    clock = Clock()
    breaker = Breaker(clock, open_seconds=FIRST, longest_seconds=LONGEST)
    assert outages(clock, breaker, 12) == [0] * 5 + [2, 4, 8, 16, 30, 30, 30]
    clock.now += 30
    ticket = breaker.admit()
    assert ticket is not None
    assert breaker.succeeded(ticket)
    assert outages(clock, breaker, 7) == [0] * 5 + [2, 4]
    assert breaker.openings == 2


class GrowingBreaker(RuleBasedStateMachine):
    """Calls that begin, end well or badly or are given up, in any order, while time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(self.clock, limit=LIMIT, open_seconds=FIRST, longest_seconds=LONGEST)
        self.running: list[tuple[int, int]] = []
        self.state, self.era, self.failures = "closed", 0, 0
        self.wait, self.opened_at, self.outages = FIRST, 0.0, 0

    def turn_to(self, state: str) -> None:
        self.state, self.failures = state, 0
        self.era += 1

    @rule(seconds=st.sampled_from([0.5, 1.5, 2.0, 7.0, 30.0]))
    def wait_for(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def begin(self) -> None:
        due = self.state == "open" and self.clock.now >= self.opened_at + self.wait
        ticket = self.breaker.admit()
        assert (ticket is not None) == (self.state == "closed" or due)
        if due:
            self.turn_to("probing")
        if ticket is not None:
            self.running.append((ticket, self.era))

    @precondition(lambda self: self.running)
    @rule(data=st.data(), end=st.sampled_from(["succeeded", "failed", "failed", "failed", "abandoned"]))
    def end(self, data: st.DataObject, end: str) -> None:
        ticket, era = self.running.pop(data.draw(st.integers(0, len(self.running) - 1)))
        told = getattr(self.breaker, end)(ticket)
        if era != self.era:
            assert not told
        elif end == "succeeded":
            assert told == (self.state == "probing")
            self.state, self.failures = "closed", 0
        elif end == "failed":
            self.fail(told=told)
        elif self.state == "probing":
            # Still due: whoever comes next is the probe.
            self.turn_to("open")

    def fail(self, *, told: bool) -> None:
        self.failures += 1
        if self.state == "closed" and self.failures < LIMIT:
            assert not told
            return
        assert told == (self.state == "closed")
        self.wait = FIRST if told else min(LONGEST, 2 * self.wait)
        self.outages += told
        self.opened_at = self.clock.now
        self.turn_to("open")

    @invariant()
    def at_most_one_probe(self) -> None:
        current = [era for _, era in self.running if era == self.era]
        assert self.state != "probing" or len(current) == 1
        assert self.state != "open" or not current
        assert self.breaker.openings == self.outages


def runs(steps: int) -> settings:
    return settings(
        max_examples=steps // STEPS, stateful_step_count=STEPS, deadline=None, derandomize=True, database=None
    )


def test_a_thousand_steps() -> None:
    run_state_machine_as_test(GrowingBreaker, settings=runs(1_000))


@pytest.mark.slow
def test_ten_thousand_steps() -> None:
    run_state_machine_as_test(GrowingBreaker, settings=runs(10_000))
