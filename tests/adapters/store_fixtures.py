"""Every conversation store as a fixture, for the tests of what all of them promise.

A test module uses it by `pytest_plugins = ["live_servers", "store_fixtures"]`.
"""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any
from uuid import uuid4

import pytest
from store_builders import Clock, NewStore, Store

from app.adapters.stores.memory_store import MemoryStore
from app.adapters.stores.mongo_store import MongoStore
from app.adapters.stores.sqlite_store import SqliteStore


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture(params=["memory", "sqlite", "mongo"])
async def new_store(request: pytest.FixtureRequest, tmp_path: Path, clock: Clock) -> AsyncIterator[NewStore]:
    """Return what opens a new, empty store; it takes the bounds a store takes, and closes by itself."""
    async with AsyncExitStack() as stack:

        async def opened(**bounds: int) -> Any:
            bounds_and_clock: dict[str, Any] = {**bounds, "clock": clock}
            if request.param == "memory":
                return MemoryStore(**bounds_and_clock)
            if request.param == "sqlite":
                path = tmp_path / uuid4().hex / "conversations.db"
                return await stack.enter_async_context(SqliteStore(path, **bounds_and_clock))
            uri = request.getfixturevalue("mongo_uri")
            return await stack.enter_async_context(MongoStore(uri, **bounds_and_clock))

        yield opened


@pytest.fixture
async def store(new_store: NewStore) -> Store:
    return await new_store()


@pytest.fixture
def conversation() -> str:
    return str(uuid4())
