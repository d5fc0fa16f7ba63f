"""When a line was logged."""

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone

from app.domain.files import Span

_HEAD = 120
_NAMED = "Jan|Feb|Mar|Apr|May|Jun|Jul|Aug|Sep|Oct|Nov|Dec"
_MONTHS = {name: at for at, name in enumerate(_NAMED.split("|"), 1)}
_CLOCK = r"([0-9]{1,2}):([0-9]{2}):([0-9]{2})"
_TIME = re.compile(
    rf"(?<![0-9])([0-9]{{4}})[-/]([0-9]{{2}})[-/]([0-9]{{2}})[T ]{_CLOCK}"
    rf"(?:[.,]([0-9]{{1,9}}))? ?(Z|[+-][0-9]{{2}}:?[0-9]{{2}})?"
    rf"|(?<![0-9])([0-9]{{2}})/({_NAMED})/([0-9]{{4}}):{_CLOCK} ([+-][0-9]{{4}})"
    rf"|\b({_NAMED}) {{1,2}}([0-9]{{1,2}}) {_CLOCK}(?: ([0-9]{{4}}))?"
    rf"|(?<![0-9])([0-9]{{2}})\.([0-9]{{2}})\.([0-9]{{4}})[T ]{_CLOCK}"
    rf"|(?<![0-9])([0-9]{{1,2}})/([0-9]{{1,2}})/([0-9]{{4}}),? {_CLOCK}(?: ([AP]M))?"
)
_ISO, _COMMON, _SYSLOG, _GERMAN, _AMERICAN = 1, 9, 16, 22, 28
"""The first group of each alternative."""

Moment = tuple[datetime, bool]
"""A time without a zone: in UTC where the flag is set, else on the clock of whoever logged."""


class Clock:
    """Reads times; those without a year are taken for the last year they can be of, seen from `today`."""

    def __init__(self, today: Callable[[], datetime]) -> None:
        self._today = today()

    def read(self, text: str) -> tuple[Moment | None, int, int]:
        """Return the first time near the beginning of a line, and where it stands; None where there is none."""
        found = _TIME.search(text, 0, _HEAD)
        if found is None:
            return None, 0, 0
        try:
            moment = self._moment(found)
        except (ValueError, OverflowError):
            # The 30th of February, or an hour 27.
            return None, 0, 0
        return moment, *found.span()

    def _moment(self, found: re.Match[str]) -> Moment:
        first = next(at for at in (_ISO, _COMMON, _SYSLOG, _GERMAN, _AMERICAN) if found[at] is not None)
        part = [found[first + at] for at in range(8) if first + at <= found.re.groups]
        match first:
            case 1:
                micro = int((part[6] or "0").ljust(6, "0")[:6])
                return _in_utc(_at(part[0], part[1], part[2], part[3:6]).replace(microsecond=micro), part[7])
            case 9:
                return _in_utc(_at(part[2], _MONTHS[part[1]], part[0], part[3:6]), part[6])
            case 16:
                return self._of_a_year(_MONTHS[part[0]], part[1], part[2:5], part[5]), False
            case 22:
                return _at(part[2], part[1], part[0], part[3:6]), False
        day = _at(part[2], part[0], part[1], part[3:6])
        return _of_half(day, part[6]), False

    def _of_a_year(self, month: int, day: str, clock: list[str], year: str | None) -> datetime:
        if year is not None:
            return _at(year, month, day, clock)
        guess = _at(self._today.year, month, day, clock)
        if guess > self._today.replace(tzinfo=None) + timedelta(days=2):
            return guess.replace(year=guess.year - 1)
        return guess


def widened(span: Span | None, other: Span | None) -> Span | None:
    """Return the span of both."""
    if span is None or other is None:
        return span or other
    return Span(min(span.first, other.first), max(span.last, other.last), span.zoned and other.zoned)


def _at(year: str | int, month: str | int, day: str | int, clock: list[str]) -> datetime:
    hour, minute, second = map(int, clock)
    return datetime(int(year), int(month), int(day), hour, minute, second)  # noqa: DTZ001 - the flag tells the zone


def _in_utc(moment: datetime, zone: str | None) -> Moment:
    if zone is None or zone == "Z":
        return moment, zone is not None
    hours, minutes = int(zone[1:3]), int(zone[-2:])
    offset = timedelta(hours=hours, minutes=minutes) * (-1 if zone[0] == "-" else 1)
    return moment.replace(tzinfo=timezone(offset)).astimezone(UTC).replace(tzinfo=None), True


def _of_half(moment: datetime, half: str | None) -> datetime:
    if half is None:
        return moment
    return moment.replace(hour=moment.hour % 12 + (12 if half == "PM" else 0))
