"""Where the Hugging Face libraries keep what they fetched, so that a model already here needs no network."""

import os
import re
from pathlib import Path

_REPOSITORY = re.compile(r"[A-Za-z0-9][\w.-]*(/[A-Za-z0-9][\w.-]*)?")
_YES = {"1", "true", "yes", "on"}


def is_repository(model_id: str) -> bool:
    """Tell whether a model's name has the form of a hub id, `name` or `owner/name`."""
    return _REPOSITORY.fullmatch(model_id) is not None and ".." not in model_id


def offline() -> bool:
    """Tell whether the hub must not be asked."""
    return os.environ.get("HF_HUB_OFFLINE", "").lower() in _YES


def cached_snapshot(model_id: str) -> Path | None:
    """Return the folder of a model in the local hub cache, its main revision, or None."""
    place = _cache() / ("models--" + model_id.replace("/", "--"))
    main = place / "refs" / "main"
    if not main.is_file():
        return None
    snapshot = place / "snapshots" / main.read_text("ascii").strip()
    return snapshot if snapshot.is_dir() else None


def _cache() -> Path:
    named = os.environ.get("HF_HUB_CACHE")
    if named:
        return Path(named).expanduser()
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    home = os.environ.get("HF_HOME") or str(Path(base) / "huggingface")
    return Path(home).expanduser() / "hub"
