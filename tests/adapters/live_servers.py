"""Real servers as fixtures: Redis' protocol by Valkey, MongoDB's by SecantusDB and NX-27017.

A test module uses them by `pytest_plugins = ["live_servers"]`.
"""

from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from server_processes import Server, mongo, nx, redis, running


@pytest.fixture(scope="session")
def redis_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a Redis that all tests share; it is not to be hurt."""
    with running(redis, "redis", tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def own_redis(tmp_path: Path) -> Iterator[Server]:
    """Return a Redis of the test's own, to be frozen, filled or killed."""
    with running(redis, "redis", tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def mongo_server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a MongoDB that all tests share; it has validators, but no text index."""
    with running(mongo, "mongodb", tmp_path_factory.mktemp("mongo")) as server:
        yield server


@pytest.fixture
def own_mongo(tmp_path: Path) -> Iterator[Server]:
    """Return a MongoDB of the test's own, to be frozen or killed."""
    with running(mongo, "mongodb", tmp_path) as server:
        yield server


@pytest.fixture
def locked_mongo(tmp_path: Path) -> Iterator[Server]:
    """Return a MongoDB that wants credentials and knows none."""
    with running(lambda port: mongo(port, "--auth"), "mongodb", tmp_path) as server:
        yield server


@pytest.fixture(scope="session")
def text_mongo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Return a MongoDB that has a text index, but neither validators nor updates by pipeline."""
    with running(nx, "mongodb", tmp_path_factory.mktemp("nx")) as server:
        yield server


@pytest.fixture
def mongo_uri(mongo_server: Server) -> str:
    """Return the URI of a new database on the shared MongoDB."""
    return f"{mongo_server.address}/t{uuid4().hex}"
