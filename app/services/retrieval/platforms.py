"""Which platform a question is about, and which documents are for another one."""

import re
from collections.abc import Sequence
from functools import lru_cache
from typing import Final

from app.domain.conversations import Device
from app.domain.knowledge import Document

_CUES: Final = {
    "windows": re.compile(r"\bwin(?:dows)?(?: ?1[01])?\b", re.IGNORECASE),
    "macos": re.compile(r"\b(?:i?mac(?:book|os)?|macbook)\b", re.IGNORECASE),
    "ios": re.compile(r"\b(?:iphone|ipad|ios)\b", re.IGNORECASE),
    "android": re.compile(r"\b(?:android|pixel|samsung|galaxy)\b", re.IGNORECASE),
    "linux": re.compile(r"\b(?:linux|ubuntu|fedora|debian|rhel|red hat)\b", re.IGNORECASE),
}
_NETWORK_ADDRESS: Final = re.compile(r"\bmac[- ]?(?:add?r|filter)|(?:adresse|dirección) mac\b", re.IGNORECASE)
_DEVICE: Final = {"osx": "macos", "os": "macos", "darwin": "macos", "ipados": "ios"}
"""Devices' own names that no question uses; `os` begins `OS X`."""

_EVERYWHERE: Final = frozenset({"any", "all"})


def platforms_of(text: str, device: Device) -> frozenset[str]:
    """Return the platforms a question names, else the one the caller's device says; empty when unknown."""
    return _named(_NETWORK_ADDRESS.sub(" ", text)) or _named(device.os) or _own_name(device.os)


def _named(text: str) -> frozenset[str]:
    return frozenset(name for name, cue in _CUES.items() if cue.search(text))


def _own_name(system: str) -> frozenset[str]:
    first = next(iter(system.lower().split()), "")
    return frozenset({_DEVICE[first]}) if first in _DEVICE else frozenset()


def is_for_another(document: Document, platforms: frozenset[str]) -> bool:
    """Tell whether a document names platforms, and none of these is among them."""
    own = frozenset().union(*map(_listed, values_of(document, "platform")))
    return bool(platforms and own) and not own & (_EVERYWHERE | platforms)


def values_of(document: Document, name: str) -> Sequence[str]:
    """Return what a document's metadata says under a name, as a list of texts."""
    value = document.metadata.get(name, ())
    return (value,) if isinstance(value, str) else tuple(map(str, value))


@lru_cache(maxsize=1024)
def _listed(value: str) -> frozenset[str]:
    """Return the platforms one value of a document's metadata stands for: authors write `macOS 15` and `Windows`."""
    return _named(value) or _own_name(value) or frozenset({value.casefold()})
