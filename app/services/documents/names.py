"""Names people gave their files. They are shown, and their ending is looked at; no path is ever made of one."""

import re
import unicodedata

LONGEST = 255
_UNNAMED = "unnamed"
# Control characters, marks that turn the direction of text, halves of characters, what stands for nothing.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})
_ENDING = re.compile(r"\.([A-Za-z0-9]{1,10})\s*$")

_TYPES = {
    "md": "text/markdown",
    "markdown": "text/markdown",
    "html": "text/html",
    "htm": "text/html",
    "txt": "text/plain",
    "log": "text/plain",
    "pdf": "application/pdf",
    "docx": "application/vnd.openxmlformats-officedocument.wordprocessingml.document",
    "csv": "text/csv",
    "tsv": "text/tab-separated-values",
    "json": "application/json",
    "jsonl": "application/x-ndjson",
}


def display_name(given: str) -> str:
    """Return a file's name without folders and without what cannot be seen, at most 255 characters, never empty.

    A name that is too long keeps its ending.
    """
    return shown(re.split(r"[/\\]", given)[-1])


def shown(given: str) -> str:
    """Return a text on one line without what cannot be seen, at most 255 characters, never empty."""
    kept = (char for char in given if unicodedata.category(char) not in _UNSHOWN)
    seen = "".join(" " if unicodedata.category(char) == "Zs" else char for char in kept).strip()
    if seen in {"", ".", ".."}:
        return _UNNAMED
    if len(seen) <= LONGEST:
        return seen
    tail = f".{end}" if (end := ending(seen)) else ""
    return (seen[: LONGEST - len(tail)] + tail).strip()


def ending(name: str) -> str:
    """Return a name's ending, lower case and without the dot; empty where it has none."""
    found = _ENDING.search(name)
    return found[1].lower() if found else ""


def media_type(name: str) -> str:
    """Return the media type a name's ending stands for."""
    return _TYPES.get(ending(name), "application/octet-stream")
