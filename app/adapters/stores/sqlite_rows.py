"""How conversations stand in the tables, and what all that is asked of them has in common.

A conversation has a number; the place of its n-th turn is that number times 2^18, plus n. So the turns of a
conversation lie side by side in their order, and the last place tells how many there are.
"""

import sqlite3
from datetime import datetime
from typing import NamedTuple

from app.adapters.stores.turns import TITLE, title_from, to_utc
from app.domain.conversations import Overview
from app.errors import NotFound

BITS = 18
MOST_PLACES = (1 << BITS) - 1
"""How many turns a conversation can have at all."""

# A question's beginning is read as bytes: as text SQLite would end it at a NUL, and a character is four at most.
OVERVIEW = f"""
SELECT conversation_id, title, created_at, updated_at,
    coalesce((
        SELECT place & {MOST_PLACES} FROM turns
        WHERE place BETWEEN no << {BITS} AND no << {BITS} | {MOST_PLACES} ORDER BY place DESC LIMIT 1
    ), 0),
    CASE WHEN title = '' THEN (
        SELECT substr(CAST(content AS BLOB), 1, {8 * TITLE}) FROM turns
        WHERE place BETWEEN no << {BITS} AND no << {BITS} | {MOST_PLACES} AND role = 'user' ORDER BY place LIMIT 1
    ) END
FROM conversations
"""  # noqa: S608 - numbers of ours

_BEGIN = """
INSERT INTO conversations (conversation_id, user_id, created_at, updated_at)
VALUES (:conversation, :owner, :now, :now) ON CONFLICT (conversation_id, user_id) DO NOTHING
"""
_NUMBER = "SELECT no FROM conversations WHERE conversation_id = :conversation AND user_id = :owner"


class Key(NamedTuple):
    """One conversation of one owner; another owner's may have the same id, and is another one."""

    owner: str
    conversation: str


def number(connection: sqlite3.Connection, key: Key) -> int:
    """Return a conversation's number; raises NotFound where there is none of this owner."""
    row = connection.execute(_NUMBER, key._asdict()).fetchone()
    if row is None:
        raise NotFound("conversation")
    return int(row[0])


def begin(connection: sqlite3.Connection, key: Key, now: str) -> bool:
    """Make a conversation unless it is there; tell whether it was made."""
    return connection.execute(_BEGIN, {**key._asdict(), "now": now}).rowcount == 1


def begun(connection: sqlite3.Connection, key: Key, now: str) -> int:
    """Return the number of a conversation, made if need be."""
    begin(connection, key, now)
    return number(connection, key)


def places(no: int, first: int = 1, last: int = MOST_PLACES) -> tuple[int, int]:
    """Return the places of a conversation's turns from one to another, both counted from 1."""
    return no << BITS | max(0, first), no << BITS | min(last, MOST_PLACES)


def overview(connection: sqlite3.Connection, key: Key) -> Overview:
    """Return what a list shows of a conversation; raises NotFound."""
    row = connection.execute(
        f"{OVERVIEW} WHERE conversation_id = :conversation AND user_id = :owner", key._asdict()
    ).fetchone()
    if row is None:
        raise NotFound("conversation")
    return overview_of(row)


def overview_of(row: tuple[str, str, str, str, int, bytes | None]) -> Overview:
    """Return a row of OVERVIEW as what it stands for."""
    name, title, created_at, updated_at, turns, question = row
    shown = title or title_from((question or b"").decode(errors="ignore"))
    return Overview(name, shown, moment(created_at), moment(updated_at), turns)


def stamp(value: datetime) -> str:
    """Return a time as text of one width, so that texts sort as times do."""
    return to_utc(value).isoformat(timespec="milliseconds")


def moment(text: str) -> datetime:
    """Return the time that `stamp` made a text of."""
    return datetime.fromisoformat(text)
