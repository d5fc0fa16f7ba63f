"""Server-sent events, however they are cut."""

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.adapters.remote.sse import EventParser


def parsed(*pieces: bytes) -> list[bytes]:
    parser = EventParser()
    return [event for piece in pieces for event in parser.feed(piece)] + parser.close()


@pytest.mark.parametrize(
    ("wire", "expected"),
    [
        (b"data: a\n\ndata: b\n\n", [b"a", b"b"]),
        (b"data: a\r\n\r\ndata: b\r\n\r\n", [b"a", b"b"]),
        (b"data: a\r\rdata: b\r\r", [b"a", b"b"]),
        (b"\xef\xbb\xbfdata: a\n\n", [b"a"]),
        (b": ping\n\n: ping\ndata: a\n: ping\n\n", [b"a"]),
        (b"event: x\nid: 3\nretry: 5\ndata: a\n\n", [b"a"]),
        (b"data:a\n\n", [b"a"]),
        (b"data:  a\n\n", [b" a"]),
        (b"data: a\ndata: b\n\n", [b"a\nb"]),
        (b"data\n\n", [b""]),
        (b"datax: a\nxdata: b\n\n", []),
        (b"data: a\xe2\x80\xa8b\x0bc\x85\n\n", [b"a\xe2\x80\xa8b\x0bc\x85"]),
        (b"data: the end is missing", [b"the end is missing"]),
        (b"\n\n\n", []),
        (b"", []),
    ],
)
def test_what_counts_is_the_data(wire: bytes, expected: list[bytes]) -> None:
    assert parsed(wire) == expected
    assert parsed(*(wire[at : at + 1] for at in range(len(wire)))) == expected


_LINES = st.sampled_from(["data: ä🙂", "data:", ": note", "event: x", "", "", "data: [DONE]", "data: {}"])


@given(
    lines=st.lists(_LINES, max_size=12),
    end=st.sampled_from(["\n", "\r\n", "\r"]),
    cuts=st.lists(st.integers(0, 200), max_size=12),
)
def test_where_it_is_cut_changes_nothing(lines: list[str], end: str, cuts: list[int]) -> None:
    wire = "".join(line + end for line in lines).encode()
    marks = [0, *sorted(min(cut, len(wire)) for cut in cuts), len(wire)]
    pieces = [wire[low:high] for low, high in itertools.pairwise(marks)]
    assert parsed(*pieces) == parsed(wire)
