"""What is said between the service and the reading process."""

import io
from typing import Any

import pytest
from file_makers import NO_MAPPING

from app.adapters.extraction import child, wire
from app.adapters.extraction.answers import parsed
from app.adapters.extraction.limits import Limits

_TEXT = b"# Name\n\ntext"


def _served(suffix: str, content: bytes) -> tuple[bool, dict[str, Any]]:
    said, last = child._said(wire.request(suffix, NO_MAPPING), content, Limits())
    return last, parsed(wire.answer(said)).model_dump(exclude_defaults=True)


def test_what_the_process_says_of_a_file(monkeypatch: pytest.MonkeyPatch) -> None:
    last, said = _served("md", _TEXT)
    assert (last, [*said]) == (False, ["documents"])
    assert _served("md", b"") == (False, {"refused": ("empty", "holds nothing")})
    for error, told in ((MemoryError, "too_large_inside"), (RecursionError, "too_deep")):
        monkeypatch.setattr(
            "app.adapters.extraction.formats.read", lambda *_, error=error: (_ for _ in ()).throw(error)
        )
        last, said = _served("md", _TEXT)
        assert (last, said["refused"][0]) == (error is MemoryError, told)
    monkeypatch.setattr("app.adapters.extraction.formats.read", lambda *_: dict[str, str]()["missing"])
    assert _served("md", _TEXT) == (False, {"fault": "builtins.KeyError"})


@pytest.mark.parametrize(
    "said",
    [
        b"",
        b"{}x",
        b'{"other": 1}',
        b'{"refused": ["Not A Word", "x"]}',
        b'{"documents": [{"key": "", "title": "", "sections": [], "language": "", "aliases": {}, "metadata": {}}]}',
        '{"fault": "\u200b"}'.encode(),
    ],
)
def test_an_answer_that_is_none_is_not_believed(said: bytes) -> None:
    with pytest.raises(wire.Broken):
        parsed(said)


def test_an_answer_without_documents_or_with_too_many_is_not_believed() -> None:
    with pytest.raises(wire.Broken):
        parsed(b"{}").extracted(Limits())


@pytest.mark.parametrize("frame", [b"", b"\0" * 7, b"\0" * 7 + b"\x05abc", b"\0" * 7 + b"\xffabc"])
def test_a_frame_that_is_cut_or_too_long_is_not_read(frame: bytes) -> None:
    with pytest.raises(wire.Broken):
        wire.read_frame(io.BytesIO(frame), 100)
