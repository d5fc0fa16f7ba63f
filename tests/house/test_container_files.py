"""The Dockerfile and the compose file, as far as they can be checked without Docker."""

import importlib
import json
import os
import secrets
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from repository import ROOT, below, copy, dockerfile, health_command, steps

from app.config import Settings, names
from app.domain.health import Condition

# For pip, the interpreter and the shell; everything else is meant for the service.
_FOREIGN = ("PIP_", "PYTHON")
_PASSWORDS = {"MONGO_PASSWORD": "m0ngo", "REDIS_PASSWORD": "r3dis"}

fakes: Any = importlib.import_module("tests.api.fakes")
compose: dict[str, Any] = yaml.safe_load((ROOT / "docker-compose.yml").read_text("utf-8"))
services: dict[str, dict[str, Any]] = compose["services"]


def test_every_copied_file_is_in_a_clone_and_let_through() -> None:
    let_through = {line.removeprefix("!") for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines()}
    for step in steps("COPY"):
        source, _target = step.words()
        assert below(source), f"{source} is not in the repository"
        assert source in let_through


def test_what_docker_is_sent_is_listed_so_that_secrets_stay() -> None:
    rules = [line for line in (ROOT / ".dockerignore").read_text("utf-8").splitlines() if line and line[0] != "#"]
    assert rules[0] == "*"
    allowed = {rule for rule in rules if rule.startswith("!")}
    assert allowed == {f"!{step.words()[0]}" for step in steps("COPY")}
    assert {"data/index", "data/state", "data/eval"} <= set(rules)


def test_requirements_are_installed_before_the_code_is_copied() -> None:
    order = [f"{step.name} {step.text}" for step in dockerfile()]
    installs = [at for at, line in enumerate(order) if "pip install" in line]
    code = order.index("COPY app app")
    assert len(installs) == 2
    assert (
        max(installs)
        < code
        < order.index("RUN python -m app index")
        < order.index('CMD ["python", "-m", "app", "serve"]')
    )


def test_the_service_runs_as_nobody_special_and_builds_the_index_as_such() -> None:
    order = [f"{step.name} {step.text}" for step in dockerfile()]
    assert order.index("USER app") < order.index("RUN python -m app index")
    assert [step.text for step in steps("USER")] == ["app"]


def test_the_image_sets_nothing_the_service_does_not_know() -> None:
    set_here = [word.split("=")[0] for step in steps("ENV") for word in step.words()]
    ours = [name for name in set_here if not name.startswith(_FOREIGN)]
    assert set(ours) <= set(names())
    # Reachable from other machines is nobody's default: whoever wants that says so.
    assert not {"HOST", "ALLOW_ANONYMOUS"} & set(ours)


def test_copied_files_alone_make_a_healthy_installation(tmp_path: Path) -> None:
    for step in steps("COPY"):
        copy(step, tmp_path)
    environment = {name: value for name, value in os.environ.items() if name not in names()}
    command = steps("CMD")[0].words()
    assert command[0] == "python"
    done = _run([*command, "--help"], tmp_path, environment)
    assert done.returncode == 0, done.stderr
    found = json.loads(
        _run(["python", "-m", "app", "doctor", "--json"], tmp_path, environment | {"PORT": "65535"}).stdout
    )
    assert {item["check"]: item["state"] for item in found["findings"]}["knowledge"] == "ok"
    assert found["healthy"], found


@pytest.mark.parametrize(("condition", "status"), [(Condition.OK, 0), (Condition.DEGRADED, 0), (Condition.LOADING, 1)])
def test_the_health_check_asks_the_service(condition: Condition, status: int) -> None:
    with fakes.listening(fakes.Fakes(health=fakes.FakeHealth(condition))) as port:
        done = _run(health_command(), ROOT, os.environ | {"PORT": str(port), "http_proxy": "http://127.0.0.1:9"})
    assert done.returncode == status, done.stderr


def test_the_health_check_fails_where_nothing_listens() -> None:
    assert _run(health_command(), ROOT, os.environ | {"PORT": "1"}).returncode == 1


def _run(command: list[str], folder: Path, environment: dict[str, str]) -> subprocess.CompletedProcess[str]:
    """Run a command of the image's Python with this one."""
    return subprocess.run(
        [sys.executable, *command[1:]],
        cwd=folder,
        env=environment,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_ports_are_published_on_loopback_alone_and_stores_not_at_all() -> None:
    assert services["app"]["ports"] == ["127.0.0.1:${PORT:-8000}:8000"]
    assert not any("ports" in services[name] for name in ("mongo", "redis"))
    assert services["mongo"]["networks"] == services["redis"]["networks"] == ["stores"]
    assert compose["networks"]["stores"] == {"internal": True}


def test_there_are_no_default_passwords() -> None:
    text = (ROOT / "docker-compose.yml").read_text("utf-8")
    for name in _PASSWORDS:
        uses = text.count(f"${{{name}")
        assert uses >= 2
        assert uses == text.count(f"${{{name}:?set {name}}}")


def test_the_service_waits_for_healthy_stores() -> None:
    waits = services["app"]["depends_on"]
    assert waits == {name: {"condition": "service_healthy"} for name in ("mongo", "redis")}
    for name in waits:
        assert {"test", "interval", "timeout", "retries"} <= services[name]["healthcheck"].keys()
    assert services["app"]["build"] == "."
    assert "healthcheck" not in services["app"], "the image's own is used"


def test_the_environment_is_one_the_service_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {name: str(value) for name, value in services["app"]["environment"].items()}
    assert given.keys() <= names().keys()
    for name, value in given.items():
        monkeypatch.setenv(name, _filled_in(value))
    settings = Settings.load(None)
    assert not settings.service.loopback
    assert settings.service.port == 8000
    uri = settings.stores.mongodb_uri
    assert uri is not None
    assert uri.get_secret_value().startswith("mongodb://it_support:m0ngo@mongo:27017/it_support")


def _filled_in(value: str) -> str:
    for name, password in {**_PASSWORDS, "SECRET_KEY": secrets.token_hex(32)}.items():
        value = value.replace(f"${{{name}:?set {name}}}", password)
    return value


@pytest.mark.parametrize("name", ["app", "mongo", "redis"])
def test_every_service_is_bounded_and_gains_no_privileges(name: str) -> None:
    service = services[name]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert {"cpus", "memory", "pids"} <= service["deploy"]["resources"]["limits"].keys()
    assert service["restart"] == "unless-stopped"
    if name != "mongo":  # its image starts as root and writes beside its data
        assert service["read_only"] is True
        assert service["cap_drop"] == ["ALL"]
        assert "/tmp" in service["tmpfs"]  # noqa: S108 - the container's own


def test_what_is_written_has_a_volume() -> None:
    workdir = steps("WORKDIR")[0].text
    mounts = [mount.split(":") for name in services for mount in services[name].get("volumes", [])]
    assert {volume for volume, _ in mounts} == set(compose["volumes"])
    assert {place for _, place in mounts} == {"/data", "/data/db", f"{workdir}/data/index", f"{workdir}/.cache"}
