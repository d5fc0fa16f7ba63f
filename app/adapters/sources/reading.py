"""Reading source files so that every fault is named with its file and line."""

import hashlib
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import yaml
from pydantic import ValidationError

from app.errors import KnowledgeInvalid


def digest(root: Path, files: Iterable[Path]) -> str:
    """Return one SHA-256 over the names (relative to `root`) and contents of files."""
    whole = hashlib.sha256()
    for path in files:
        whole.update(f"{path.relative_to(root)}\0".encode())
        whole.update(hashlib.sha256(path.read_bytes()).digest())
    return whole.hexdigest()


def text_of(path: Path) -> str:
    """Return a file's text with line ends as LF; raises KnowledgeInvalid where it is empty or not UTF-8."""
    raw = path.read_bytes()
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise KnowledgeInvalid(path, line, f"not UTF-8 (byte {error.start})") from error
    if "\0" in text:
        raise KnowledgeInvalid(path, text.count("\n", 0, text.index("\0")) + 1, "holds a NUL character")
    text = text.replace("\r\n", "\n").replace("\r", "\n")
    if not text.strip():
        raise KnowledgeInvalid(path, 1, "is empty")
    return text


def parse_yaml(path: Path, text: str, first_line: int) -> dict[str, Any]:
    """Return a YAML mapping that starts on `first_line` of the file."""
    try:
        value = yaml.safe_load(text)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = first_line + (mark.line if mark is not None else 0)
        problem = getattr(error, "problem", None) or "is not YAML"
        raise KnowledgeInvalid(path, line, f"front matter: {problem}") from error
    if not isinstance(value, dict):
        raise KnowledgeInvalid(path, first_line, "front matter: is not a mapping")
    return {str(key): item for key, item in value.items()}


def explain(error: ValidationError) -> tuple[str, str]:
    """Return the first fault of a failed validation: the field, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"]
