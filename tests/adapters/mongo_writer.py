"""A process to be killed: appends to a MongoDB store and says on stdout what was acknowledged, until it dies.

Arguments: the URI, and a number that sets this run's conversations apart.
"""

import asyncio
import os
import sys
from datetime import UTC, datetime
from itertools import count
from uuid import NAMESPACE_OID, uuid5

from app.adapters.stores.mongo_store import MongoStore
from app.domain.conversations import Role, Turn


def pair(conversation: str, number: int) -> tuple[Turn, Turn]:
    """Return the question and the answer of one append; the two stand or fall together."""
    moment = datetime(2026, 3, 1, tzinfo=UTC)
    question = Turn(f"{conversation} {number} q", Role.USER, f"question {number} " * 20, moment)
    answer = Turn(f"{conversation} {number} a", Role.ASSISTANT, f"answer {number} " * 20, moment, "answered")
    return question, answer


async def write(store: MongoStore, conversation: str) -> None:
    """Append for ever, and tell of every append once it was acknowledged."""
    for number in count():
        await store.append("ann", conversation, pair(conversation, number))
        os.write(1, f"{conversation} {number}\n".encode())


async def main(uri: str, run: str) -> None:
    """Write to three conversations at once."""
    async with MongoStore(uri) as store:
        os.write(1, b"open\n")
        names = (str(uuid5(NAMESPACE_OID, f"{run} {number}")) for number in range(3))
        await asyncio.gather(*(write(store, name) for name in names))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2]))
