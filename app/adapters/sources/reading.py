"""Reading source files so that every fault is named with its file and line."""

import hashlib
import os
from collections.abc import Hashable, Iterable
from pathlib import Path
from typing import Annotated, Any

import yaml
from pydantic import AfterValidator, StringConstraints, ValidationError

from app.errors import KnowledgeInvalid


def _without_nul(text: str) -> str:
    """Refuse what an escape can smuggle past the check of the raw text."""
    if "\0" in text:
        raise ValueError("holds a NUL character")
    return text


Line = Annotated[
    str, StringConstraints(min_length=1, max_length=300, strip_whitespace=True), AfterValidator(_without_nul)
]
"""A title, a name, a fact."""

Prose = Annotated[
    str, StringConstraints(min_length=1, max_length=8000, strip_whitespace=True), AfterValidator(_without_nul)
]
"""Text of several sentences."""


class _TextLoader(yaml.BaseLoader):
    """Leaves every scalar as it is written, so that version 10.10 stays itself, and refuses a key given twice."""

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Hashable, Any]:  # noqa: FBT001, FBT002 - the library's signature
        """Build a mapping; raises ConstructorError for a key given twice."""
        seen: set[str] = set()
        for key, _ in node.value:
            if isinstance(key, yaml.ScalarNode):
                if key.value in seen:
                    raise yaml.constructor.ConstructorError(None, None, f"'{key.value}' is given twice", key.start_mark)
                seen.add(key.value)
        return super().construct_mapping(node, deep=deep)


def digest(root: Path, files: Iterable[Path]) -> str:
    """Return one SHA-256 over the names (relative to `root`) and contents of files."""
    whole = hashlib.sha256()
    for path in files:
        whole.update(os.fsencode(path.relative_to(root)) + b"\0")
        whole.update(hashlib.sha256(_bytes_of(path)).digest())
    return whole.hexdigest()


def text_of(path: Path) -> str:
    """Return a file's text with line ends as LF; raises KnowledgeInvalid where it is empty, not UTF-8 or unreadable."""
    raw = _bytes_of(path)
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


def _bytes_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise KnowledgeInvalid(path, 1, f"cannot be read: {error.strerror}") from error


def parse_yaml(path: Path, text: str, first_line: int) -> dict[str, Any]:
    """Return a YAML mapping that starts on `first_line` of the file; its scalars are text as it is written."""
    try:
        value = yaml.load(text, _TextLoader)  # noqa: S506 - it makes text, lists and mappings alone
    except yaml.reader.ReaderError as error:
        line = first_line + text.count("\n", 0, error.position)
        raise KnowledgeInvalid(path, line, f"front matter: {error.reason}") from error
    except yaml.MarkedYAMLError as error:
        line = first_line + (error.problem_mark.line if error.problem_mark is not None else 0)
        raise KnowledgeInvalid(path, line, f"front matter: {error.problem}") from error
    except RecursionError as error:
        raise KnowledgeInvalid(path, first_line, "front matter: is nested too deeply") from error
    if not isinstance(value, dict):
        raise KnowledgeInvalid(path, first_line, "front matter: is not a mapping")
    return value


def explain(error: ValidationError) -> tuple[str, str]:
    """Return the first fault of a failed validation: the field, and what is wrong with it."""
    first = error.errors(include_url=False, include_input=False)[0]
    return ".".join(str(part) for part in first["loc"]), first["msg"]
