"""Folders people add: which files are in them, and what is left out."""

import hashlib
import os
from collections.abc import Iterator
from dataclasses import dataclass, field
from io import BufferedReader
from pathlib import Path

from app.errors import DocumentRefused, StartRefused


@dataclass(frozen=True, slots=True)
class FileState:
    """When a file was last changed (nanoseconds) and its size (bytes): what can be told without reading it."""

    changed: int
    size: int


@dataclass(slots=True)
class Found:
    """Files below a folder by their absolute path, and why others were left out."""

    files: dict[str, FileState] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)


def scan(root: Path, suffixes: frozenset[str]) -> Found:
    """Return the files below a folder, or the file itself, by path. No link is followed, nothing hidden is entered.

    In a folder, what is no document is left out; a file that is named is taken as it is. Raises StartRefused where
    there is nothing of this name.
    """
    found = Found()
    place = Path(os.path.abspath(root))  # noqa: PTH100 - resolve() would follow links
    if place.is_symlink():
        found.skipped[str(place)] = "is a link"
    elif place.is_file():
        found.files[str(place)] = _state(place.stat())
    elif place.is_dir():
        for entry in _entries(place, found):
            if entry.name.rpartition(".")[2].lower() in suffixes and "." in entry.name:
                found.files[entry.path] = _state(entry.stat(follow_symlinks=False))
            else:
                found.skipped[entry.path] = "is of a type that is not read"
    else:
        raise StartRefused(f"{root}: there is no such file or folder", "name a file or a folder")
    return found


def digest(path: str) -> str:
    """Return a file's SHA-256; raises DocumentRefused where it cannot be read."""
    try:
        with opened(path) as file:
            return hashlib.file_digest(file, "sha256").hexdigest()
    except OSError as error:
        raise DocumentRefused("unreadable", f"cannot be read ({error.strerror})") from error


def opened(path: str) -> BufferedReader:
    """Open a file that is no link."""
    return os.fdopen(os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC), "rb")


def _entries(folder: Path, found: Found) -> Iterator["os.DirEntry[str]"]:
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        found.skipped[str(folder)] = f"cannot be read ({error.strerror})"
        return
    for entry in entries:
        if reason := _left_out(entry):
            found.skipped[entry.path] = reason
        elif entry.is_dir(follow_symlinks=False):
            yield from _entries(Path(entry.path), found)
        else:
            yield entry


def _left_out(entry: "os.DirEntry[str]") -> str:
    if entry.is_symlink():
        return "is a link"
    if entry.name.startswith("."):
        return "is hidden"
    if any("\ud800" <= char <= "\udfff" for char in entry.name):
        return "has a name that is no UTF-8"
    plain = entry.is_dir(follow_symlinks=False) or entry.is_file(follow_symlinks=False)
    return "" if plain else "is no file"


def _state(status: os.stat_result) -> FileState:
    return FileState(status.st_mtime_ns, status.st_size)
