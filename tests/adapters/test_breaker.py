"""The circuit breaker: its rules one by one, then against a plainer model of them under any sequence of events."""

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule
from set_clock import Clock

from app.domain.breaker import Breaker


def opened(clock: Clock) -> Breaker:
    breaker = Breaker(clock)
    tickets = [breaker.admit() for _ in range(5)]
    assert [breaker.failed(ticket) for ticket in tickets if ticket is not None] == [False] * 4 + [True]
    return breaker


def admitted(breaker: Breaker) -> int:
    ticket = breaker.admit()
    assert ticket is not None
    return ticket


def test_a_success_among_failures_keeps_it_closed() -> None:
    breaker = Breaker(Clock())
    for _ in range(10):
        for _ in range(4):
            assert not breaker.failed(admitted(breaker))
        assert not breaker.succeeded(admitted(breaker))
    assert breaker.openings == 0


def test_five_failures_in_a_row_open_it_for_two_seconds() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 1.99
    assert breaker.admit() is None
    clock.now = 2.0
    assert breaker.admit() is not None


def test_one_probe_is_let_through_and_its_success_closes_it() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 2.0
    probe = admitted(breaker)
    assert breaker.admit() is None
    assert breaker.succeeded(probe)
    for _ in range(4):
        assert not breaker.failed(admitted(breaker))
    assert breaker.admit() is not None


def test_a_probe_that_fails_prolongs_the_outage() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 2.0
    assert not breaker.failed(admitted(breaker))
    clock.now = 3.9
    assert breaker.admit() is None
    clock.now = 4.0
    assert breaker.admit() is not None
    assert breaker.openings == 1


def test_a_probe_given_up_leaves_its_place_to_the_next_call() -> None:
    clock = Clock()
    breaker = opened(clock)
    clock.now = 2.0
    breaker.abandoned(admitted(breaker))
    assert breaker.succeeded(admitted(breaker))


def test_late_results_change_nothing() -> None:
    clock = Clock()
    breaker = Breaker(clock)
    late = admitted(breaker)
    for _ in range(5):
        breaker.failed(admitted(breaker))
    assert not breaker.succeeded(late)
    assert breaker.admit() is None
    clock.now = 2.0
    probe = admitted(breaker)
    assert not breaker.failed(late)
    breaker.abandoned(late)
    assert breaker.admit() is None
    assert breaker.succeeded(probe)


class BreakerMachine(RuleBasedStateMachine):
    """Calls that begin, end well or badly or are given up, in any order, while time goes by."""

    def __init__(self) -> None:
        super().__init__()
        self.clock = Clock()
        self.breaker = Breaker(self.clock)
        self.running: list[tuple[int, int]] = []
        self.state, self.era, self.failures, self.opened_at = "closed", 0, 0, 0.0

    def turn_to(self, state: str) -> None:
        """Enter a state; calls admitted before belong to an era that is over."""
        self.state, self.failures = state, 0
        self.era += 1

    @rule(seconds=st.sampled_from([0.1, 0.7, 1.9, 2.0, 5.0]))
    def wait(self, seconds: float) -> None:
        self.clock.now += seconds

    @rule()
    def begin(self) -> None:
        due = self.state == "open" and self.clock.now >= self.opened_at + 2.0
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
            self.failures = 0
            self.state = "closed"
        elif end == "failed":
            self.failures += 1
            if self.state == "probing" or self.failures == 5:
                assert told == (self.state == "closed")
                self.turn_to("open")
                self.opened_at = self.clock.now
        elif self.state == "probing":
            self.turn_to("open")

    @invariant()
    def at_most_one_probe(self) -> None:
        probes = [era for _, era in self.running if era == self.era]
        assert self.state != "probing" or len(probes) == 1
        assert self.state != "open" or not probes


TestAnySequence = BreakerMachine.TestCase
TestAnySequence.settings = settings(max_examples=60, stateful_step_count=60, deadline=None, derandomize=True)
