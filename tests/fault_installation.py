"""A built installation, made once for all tests that start services over it.

A test module uses it by `pytest_plugins = ["tests.fault_installation"]`.
"""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.knowledge_folder import built


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """Return the installation; a service over it is given a state folder of its own."""
    with built(tmp_path_factory.mktemp("faults")) as root:
        yield root
