"""What is told of questions that are answered in real time, numbered, so that a client that was away misses nothing."""

from dataclasses import dataclass

QUESTION = "question"
RESTART = "restart"
FINAL = "final_answer"
ERROR = "error"
CANCELLED = "cancelled"
CANCEL = "cancel"
"""A request to stop, told to whoever answers; it is in no log."""

_ENDS = frozenset({FINAL, ERROR, CANCELLED})


@dataclass(frozen=True, slots=True)
class LiveEvent:
    """Something that happened to a question.

    `run` is the question's name in logs, `id` the one its asker knows. `sequence` counts a question's events from 1
    and goes on over its attempts, which count from 1 as well; 0 stands for what is in no log. `data` is a JSON object
    as clients are told. `resumable` says of an end that whoever still waits gets an answer by asking on.
    """

    run: str
    id: str
    attempt: int
    sequence: int
    name: str
    data: str
    resumable: bool = False

    @property
    def ends(self) -> bool:
        """Tell whether nothing follows in this attempt."""
        return self.name in _ENDS


def in_order(events: list[LiveEvent], after: int = 0) -> tuple[LiveEvent, ...]:
    """Return each event after a sequence number once, in order; those of an attempt that was given up are left out.

    An instance that was believed dead may still have told something after another one had begun anew.
    """
    newest: dict[int, LiveEvent] = {}
    for event in events:
        known = newest.get(event.sequence)
        if known is None or known.attempt < event.attempt:
            newest[event.sequence] = event
    kept: list[LiveEvent] = []
    attempt = 0
    for sequence in sorted(newest):
        event = newest[sequence]
        if event.attempt >= attempt:
            attempt = event.attempt
            kept.append(event)
    return tuple(event for event in kept if event.sequence > after)
