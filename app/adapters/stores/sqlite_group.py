"""Group commit: writes that wait at the same time share one transaction, and with it one wait for the disk."""

import sqlite3
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

from app.sqlite_files import writing

MOST = 64
"""How many writes a transaction takes at most: the first of them waits for the last."""

Write = Callable[[sqlite3.Connection], Any]
Result = TypeVar("Result")
Settle = Callable[[], None]


class GroupCommit:
    """Writes that wait for the next transaction. `add` may be called from any thread, `commit` from the worker's."""

    def __init__(self) -> None:
        self._waiting: deque[tuple[Write, Future[Any]]] = deque()

    def add(self, write: Callable[[sqlite3.Connection], Result]) -> Future[Result]:
        """Let a write wait; the future ends with its result once that is on the disk, or with what went wrong."""
        job: Future[Result] = Future()
        self._waiting.append((write, job))
        return job

    def commit(self, connection: sqlite3.Connection) -> None:
        """Write what waits, in one transaction; one that fails is undone alone, a failing commit fails all."""
        group = self._taken()
        if not group:
            return
        try:
            with writing(connection):
                settled = [_apart(connection, write, job) for write, job in group]
        except BaseException as error:  # noqa: BLE001 - those who wait must hear of it, whatever it is
            for _, job in group:
                job.set_exception(error)
        else:
            for settle in settled:
                settle()

    def _taken(self) -> list[tuple[Write, Future[Any]]]:
        taken: list[tuple[Write, Future[Any]]] = []
        while self._waiting and len(taken) < MOST:
            write, job = self._waiting.popleft()
            # Who stopped waiting before it began gets nothing written.
            if job.set_running_or_notify_cancel():
                taken.append((write, job))
        return taken


def _apart(connection: sqlite3.Connection, write: Write, job: "Future[Any]") -> Settle:
    """Run one write of a group; return what tells its caller, to be called once the group is committed."""
    connection.execute("SAVEPOINT one")
    try:
        result = write(connection)
    except Exception as error:
        if not connection.in_transaction:
            # A full disk ends the whole transaction: what the others wrote is undone, too.
            raise
        connection.execute("ROLLBACK TO one")
        connection.execute("RELEASE one")
        return lambda failed=error: job.set_exception(failed)  # type: ignore[misc]
    connection.execute("RELEASE one")
    return lambda: job.set_result(result)
