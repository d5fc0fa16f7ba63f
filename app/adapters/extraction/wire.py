"""What passes between the service and the process that reads: frames of a length and so many bytes.

A request is two frames: `{"suffix", "mapping", "whole"}` as JSON, and the file. An answer is one, as JSON:
`{"ready": true}` once at the start, then `{"documents": [...]}` (with `"shape"` where the file was asked for as a
whole), `{"refused": [reason, detail]}` or `{"fault": name}` for each request; with `"last": true` the process ends
after it.
"""

import dataclasses
import json
import struct
from typing import IO, Any

from app.domain.extraction import ColumnMapping

_LENGTH = struct.Struct(">Q")


class Broken(Exception):
    """The other side has gone, or says what it should not."""


def write_frame(pipe: IO[bytes], payload: bytes) -> None:
    """Write a frame whole."""
    pipe.write(_LENGTH.pack(len(payload)))
    pipe.write(payload)
    pipe.flush()


def read_frame(pipe: IO[bytes], most: int) -> bytes:
    """Return a frame of at most so many bytes; raises Broken."""
    head = pipe.read(_LENGTH.size)
    if len(head) < _LENGTH.size:
        raise Broken("ended")
    (length,) = _LENGTH.unpack(head)
    if length > most:
        raise Broken("says more than is listened to")
    payload = pipe.read(length)
    if len(payload) < length:
        raise Broken("ended in mid-sentence")
    return payload


def request(suffix: str, mapping: ColumnMapping, *, whole: bool = False) -> bytes:
    """Return the head of a request."""
    told = {"title": mapping.title, "text": mapping.text, "metadata": dict(mapping.metadata)}
    return json.dumps({"suffix": suffix, "mapping": told, "whole": whole}).encode()


def requested(payload: bytes) -> tuple[str, ColumnMapping, bool]:
    """Return what a request's head says."""
    said = json.loads(payload)
    mapping = said["mapping"]
    told = ColumnMapping(mapping["title"], tuple(mapping["text"]), mapping["metadata"])
    return said["suffix"], told, bool(said["whole"])


def answer(said: dict[str, Any]) -> bytes:
    """Return an answer; dataclasses become objects."""
    return json.dumps(said, ensure_ascii=False, default=dataclasses.asdict).encode()
