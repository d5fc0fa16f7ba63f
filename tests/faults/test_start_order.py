"""What is configured and not there when the service starts: it says so by name, at once, and does not begin."""

import os
import re
import socket
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import until
from server_processes import mongo, redis, running

from tests.fault_processes import Service, free_port, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

SECONDS = 5.0
"""How soon the process is over, all that is imported included."""


@dataclass(frozen=True)
class Servers:
    """Where a Redis and a MongoDB are; where none is, nobody listens."""

    redis: str
    mongo: str
    no_redis: str
    no_mongo: str


@pytest.fixture(scope="module")
def servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Servers]:
    with ExitStack() as stack:
        cache = stack.enter_context(running(redis, "redis", tmp_path_factory.mktemp("redis")))
        store = stack.enter_context(running(mongo, "mongodb", tmp_path_factory.mktemp("mongo")))
        yield Servers(
            cache.address,
            f"{store.address}/start?directConnection=true",
            f"redis://ann:hunter2@127.0.0.1:{free_port()}",
            f"mongodb://ann:hunter2@127.0.0.1:{free_port()}/start",
        )


@pytest.mark.parametrize(("redis_there", "mongo_there"), [(False, True), (True, False), (False, False), (True, True)])
def test_every_combination(
    servers: Servers, installation: Path, tmp_path: Path, *, redis_there: bool, mongo_there: bool
) -> None:
    settings = {
        "REDIS_URL": servers.redis if redis_there else servers.no_redis,
        "MONGODB_URI": servers.mongo if mongo_there else servers.no_mongo,
    }
    absent = [name for name, there in (("REDIS_URL", redis_there), ("MONGODB_URI", mongo_there)) if not there]
    with service_in(installation, {"STATE_DIR": tmp_path, **settings}) as service:
        if absent:
            gives_up(service, absent)
        else:
            service.wait_ready()
    assert "hunter2" not in service.output


def test_a_store_on_a_host_that_answers_nothing(installation: Path, tmp_path: Path) -> None:
    with swallowing() as port:
        settings = {"STATE_DIR": tmp_path, "MONGODB_URI": f"mongodb://ann:hunter2@127.0.0.1:{port}/start"}
        with service_in(installation, settings) as service:
            gives_up(service, ["MONGODB_URI"])
    assert "hunter2" not in service.output


def test_a_state_folder_that_cannot_be_written_to(installation: Path) -> None:
    with service_in(installation, {"STATE_DIR": "/proc/no-folder"}) as service:
        gives_up(service, ["STATE_DIR"])


@contextmanager
def swallowing() -> Iterator[int]:
    """Yield a port from which nothing comes back, not even a refusal: whoever connects there waits."""
    with ExitStack() as stack:
        server = stack.enter_context(socket.socket())
        server.bind(("127.0.0.1", 0))
        server.listen(0)
        # With its queue full, the system drops whoever comes.
        for _ in range(4):
            waiting = stack.enter_context(socket.socket())
            waiting.setblocking(False)
            waiting.connect_ex(server.getsockname())
        yield server.getsockname()[1]


def gives_up(service: Service, named: Sequence[str]) -> None:
    """See that a service that was just started ends in time, and says why."""
    # On a machine that is busy with other things everything takes as much longer.
    busy = max(1.0, os.getloadavg()[0] / (os.cpu_count() or 1))
    assert service.ended(SECONDS * busy) != 0
    until(lambda: re.search(rf"\b({'|'.join(named)})\b", service.output) is not None, 1.0)
    assert "Traceback" not in service.output
