"""Fetching a model from the hub, without a hub."""

from pathlib import Path
from typing import Any

import pytest

from app.adapters import model_hub
from app.errors import ModelMissing

huggingface_hub = pytest.importorskip("huggingface_hub")
hub_errors = pytest.importorskip("huggingface_hub.errors")


def test_only_safe_weights_and_what_describes_them_are_fetched(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[str, Any] = {}

    def fetch(model_id: str, **options: Any) -> str:
        asked.update(options, model_id=model_id)
        return "somewhere"

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fetch)
    assert model_hub.download("owner/name") == Path("somewhere")
    assert asked["model_id"] == "owner/name"
    assert "*.safetensors" in asked["allow_patterns"]
    assert not {"*", "*.bin", "*.pt", "*.py"} & set(asked["allow_patterns"])


@pytest.mark.parametrize("error", [OSError("no route to 10.0.0.1"), hub_errors.HFValidationError("bad name: a b")])
def test_a_hub_that_gives_nothing_is_a_missing_model(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: Any, **__: Any) -> str:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fail)
    with pytest.raises(ModelMissing, match="could not be fetched") as caught:
        model_hub.download("owner/name")
    assert str(error) not in str(caught.value)
    assert caught.value.__cause__ is error
