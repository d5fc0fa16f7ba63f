"""What is configured and not there when the service starts: it says so by name, at once, and does not begin."""

import re
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest
from fakes import until
from server_processes import mongo, redis, running

from tests.fault_processes import Service, free_port, service_in

pytest_plugins = ["tests.fault_installation"]
pytestmark = pytest.mark.models

SECONDS = 5.0
"""How soon it gives up once it runs; what it is made of is imported before."""
IMPORT_SECONDS = 20.0
BEGINS = "Waiting for application startup"


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


def test_a_state_folder_that_cannot_be_written_to(installation: Path) -> None:
    with service_in(installation, {"STATE_DIR": "/proc/no-folder"}) as service:
        gives_up(service, ["STATE_DIR"])


def gives_up(service: Service, named: Sequence[str]) -> None:
    """See that a service ends in time, and says why."""
    until(lambda: BEGINS in service.output, IMPORT_SECONDS)
    assert service.ended(SECONDS) != 0
    until(lambda: re.search(rf"\b({'|'.join(named)})\b", service.output) is not None, 1.0)
    assert "Traceback" not in service.output
