"""What all parts of the MongoDB store share."""

from collections.abc import Callable
from datetime import datetime

from app.adapters.stores.mongo_connection import MongoConnection


class MongoPart:
    """A part of the store: one port over the connection all of them use; `clock` tells the time in UTC."""

    def __init__(self, connection: MongoConnection, clock: Callable[[], datetime]) -> None:
        self._connection = connection
        self._clock = clock
