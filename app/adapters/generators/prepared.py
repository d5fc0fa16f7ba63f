"""What is made of a language model's files once, and kept: weights OpenVINO reads faithfully, and a quick tokenizer."""

import logging
import re
from pathlib import Path

from app.adapters.generators.gguf_header import read_header
from app.adapters.generators.requantise import needs_requantising
from app.adapters.generators.tokens import JsonTokens, OpenVinoTokens, Tokens
from app.errors import ModelAltered
from app.modelfiles.apart import ApartFailed, run_apart
from app.modelfiles.digests import file_digest
from app.modelfiles.locate import ModelFiles

_REQUANTISE = "app.adapters.generators.requantise"
_EXPORT = "app.adapters.generators.tokenizer_export"
_SECONDS = 1800.0
# Raised whenever the same file would be converted differently.
_FORMAT = 1
_log = logging.getLogger(__name__)


def readable_model(files: ModelFiles, cache_dir: Path) -> Path:
    """Return a model OpenVINO reads faithfully: the file itself, or its copy in Q8_0, made first if need be.

    Raises ModelAltered where it cannot be rewritten.
    """
    if files.path.is_dir() or not needs_requantising(read_header(files.path)):
        return files.path
    try:
        return _kept(files, "q8_0.gguf", _REQUANTISE, cache_dir)
    except ApartFailed as error:
        raise ModelAltered(f"{files.model_id} was not requantised: {error}", "name another GGUF file") from error


def open_tokens(files: ModelFiles, cache_dir: Path) -> Tokens:
    """Open the model's tokenizer. Raises RuntimeError, or another of the vendor's, where there is none."""
    if files.path.is_dir():
        path = files.path / "tokenizer.json"
        return JsonTokens(path) if path.is_file() else OpenVinoTokens(files.path)
    try:
        return JsonTokens(_kept(files, "tokenizer.json", _EXPORT, cache_dir))
    except ApartFailed as error:
        _log.warning("tokenizer not exported", extra={"model": files.model_id, "reason": str(error)})
        return OpenVinoTokens(files.path)


def _kept(files: ModelFiles, kind: str, module: str, cache_dir: Path) -> Path:
    """Return what a module makes of the model's file, made first where it is not there or not as it was written."""
    name = re.sub(r"[^\w.-]", "-", files.model_id)
    kept = cache_dir / "generators" / f"{name}-{files.digest[:16]}-v{_FORMAT}.{kind}"
    note = kept.with_name(f"{kept.name}.sha256")
    if not (kept.is_file() and note.is_file() and note.read_text("ascii") == file_digest(kept, cache_dir)):
        run_apart(module, str(files.path), str(kept), seconds=_SECONDS)
        note.write_text(file_digest(kept, cache_dir), "ascii")
    return kept
