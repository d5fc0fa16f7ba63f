"""Tiny models as fixtures; a test module uses them by `pytest_plugins = ["tiny_models"]`."""

from pathlib import Path

import pytest
from model_makers import make_embedder, make_language_model

from app.modelfiles.locate import ModelFiles, embedding_model, language_model


@pytest.fixture(scope="session")
def digests(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a cache folder that all tests share."""
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="session")
def tiny_embedder(tmp_path_factory: pytest.TempPathFactory, digests: Path) -> ModelFiles:
    """Return an embedding model that is pooled by the mean."""
    return embedding_model(str(make_embedder(tmp_path_factory.mktemp("mean"))), digests)


@pytest.fixture(scope="session")
def tiny_chat_model(tmp_path_factory: pytest.TempPathFactory, digests: Path) -> ModelFiles:
    """Return a language model with a chat template."""
    return language_model(str(make_language_model(tmp_path_factory.mktemp("chat"))), digests)


@pytest.fixture(scope="session")
def kept_models(pytestconfig: pytest.Config) -> Path:
    """Return the cache folder of the service itself: converting the packaged models takes a while, once."""
    return pytestconfig.rootpath / ".cache" / "models"
