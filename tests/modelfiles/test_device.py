"""A GPU is found where there is one, and not looked for with heavy tools where there is none."""

import importlib
import importlib.util
from pathlib import Path
from types import SimpleNamespace

import pytest

from app.modelfiles import device


@pytest.fixture
def driver(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(device, "_DRIVERS", (tmp_path / "driver",))
    return tmp_path / "driver"


@pytest.fixture
def imported(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the modules that were imported; torch among them would have a GPU."""
    found: list[str] = []

    def load(name: str) -> SimpleNamespace:
        found.append(name)
        return SimpleNamespace(cuda=SimpleNamespace(is_available=lambda: True))

    monkeypatch.setattr(importlib, "import_module", load)
    return found


def test_without_a_driver_torch_is_not_imported(driver: Path, imported: list[str]) -> None:
    assert not device.has_gpu()
    assert imported == []


def test_with_a_driver_torch_is_asked(driver: Path, imported: list[str]) -> None:
    driver.touch()
    assert device.has_gpu()
    assert imported == ["torch"]


def test_a_driver_without_torch_is_no_use(driver: Path, imported: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    driver.touch()
    monkeypatch.setattr(importlib.util, "find_spec", lambda _: None)
    assert not device.has_gpu()
    assert imported == []
