"""Cursors: places in lists, as texts that only this service needs to understand. They grant nothing."""

import base64
import binascii
from datetime import UTC, datetime, timedelta
from uuid import UUID

from app.domain.conversations import Position
from app.errors import InvalidInput

LONGEST = 120

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_LATEST = (datetime(9999, 1, 1, tzinfo=UTC) - _EPOCH) // _MICROSECOND
_MOST_TURNS = 2**31


def of_position(position: Position) -> str:
    """Return the cursor of a place in a list of conversations."""
    return _packed(f"{(position.created_at - _EPOCH) // _MICROSECOND}.{position.id}")


def position(cursor: str, field: str) -> Position:
    """Return the place a cursor stands for; raises InvalidInput, naming the field, for what is no cursor of ours."""
    moment, _, conversation_id = _unpacked(cursor, field).partition(".")
    if not _is_id(conversation_id):
        raise _refused(field)
    return Position(_EPOCH + _number(moment, _LATEST, field) * _MICROSECOND, conversation_id)


def of_count(count: int) -> str:
    """Return the cursor of what lies before the `count`-th message."""
    return _packed(str(count))


def count(cursor: str, field: str) -> int:
    """Return how many messages a cursor means; raises InvalidInput, naming the field, for what is no cursor of ours."""
    return _number(_unpacked(cursor, field), _MOST_TURNS, field)


def _packed(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode("ascii")).decode("ascii").rstrip("=")


def _unpacked(cursor: str, field: str) -> str:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), b"-_", validate=True).decode("ascii")
    except (ValueError, binascii.Error) as error:
        raise _refused(field) from error
    if _packed(text) != cursor:
        raise _refused(field)
    return text


def _number(text: str, most: int, field: str) -> int:
    if not (text.isascii() and text.isdecimal() and len(text) <= len(str(most)) and 0 <= int(text) <= most):
        raise _refused(field)
    return int(text)


def _is_id(text: str) -> bool:
    try:
        return str(UUID(text)) == text
    except ValueError:
        return False


def _refused(field: str) -> InvalidInput:
    return InvalidInput(field, "must be a cursor as this service gave it")
