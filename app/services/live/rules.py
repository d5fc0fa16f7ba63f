"""The bounds of real time, and what goes wrong there alone."""

from dataclasses import dataclass

from app.errors import Overloaded


@dataclass(frozen=True, slots=True)
class LiveRules:
    """How much a connection may ask for, and how long things last, in seconds.

    `events_per_second` and `burst` bound what a connection sends, `strikes` how often in a row it may be refused for
    that; `queued` questions wait while one is answered; `waiting` events wait for a reader that is slow.
    """

    sockets: int = 1000
    queued: int = 8
    joined: int = 16
    waiting: int = 256
    events_per_second: float = 20.0
    burst: int = 40
    strikes: int = 100
    frame_bytes: int = 64 * 1024
    sign_in_seconds: float = 5.0
    idle_seconds: float = 1800.0
    ping_seconds: float = 15.0
    send_seconds: float = 10.0
    check_seconds: float = 0.5
    abandoned_seconds: float = 0.4
    lease_seconds: float = 3.0
    request_seconds: float = 20.0
    answer_seconds: float = 120.0
    partial_seconds: float = 30.0
    most_partials: int = 1000
    answer_events: int = 3000
    answer_bytes: int = 2 * 1024 * 1024


class TooManyEvents(Overloaded):
    """A connection sends more than it may; it is told so, and after too much of it closed."""

    code = "too_many_events"


class Restarting(Overloaded):
    """The service is about to stop; the same question may be asked again, of whatever takes its place."""

    code = "server_restarting"
