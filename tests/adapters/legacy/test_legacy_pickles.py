"""Pickles of plain data are read as what they hold, whatever protocol wrote them."""

import pickle
from typing import Any

import pytest

from app.adapters.legacy import machine
from app.adapters.legacy.opcodes import read_pickle
from app.adapters.legacy.shapes import MAX_CHARS, MAX_DEPTH, measure, plain, rows_of
from app.errors import DocumentRefused

SHARED = {"category": "vpn"}
VALUES: list[Any] = [
    None,
    True,
    False,
    0,
    -7,
    300,
    70_000,
    2**40,
    -(2**63),
    1.5,
    "",
    "Größe \U0001f600",
    "x" * 70_000,
    [],
    (),
    {},
    (1,),
    (1, 2),
    (1, 2, 3),
    (1, 2, 3, 4),
    [1, [2, [3]]],
    {"a": {"b": (1, "c")}, 1: None},
    [{"subject": "VPN", "metadata": SHARED}, {"subject": "Mail", "metadata": SHARED}],
    list(range(2500)),
    {str(number): number for number in range(2500)},
]


@pytest.mark.parametrize("protocol", range(6))
def test_data_of_every_protocol_is_read(protocol: int) -> None:
    for value in VALUES:
        read = read_pickle(pickle.dumps(value, protocol))
        assert (type(read), read) == (type(value), value)


def test_bytes_and_sets_are_data_in_new_protocols() -> None:
    for value in (b"", b"raw" * 100, {1, "a", None}):
        assert read_pickle(pickle.dumps(value, 4)) == value


def test_opcodes_that_only_other_writers_use() -> None:
    assert read_pickle(b"(K\x01K\x02d.") == {1: 2}
    assert read_pickle(b"K\x01(K\x02K\x031.") == 1
    assert read_pickle(b"K\x01(0.") == 1
    assert read_pickle(b"K\x01K\x020.") == 1


def test_texts_of_python_2_are_utf_8_or_latin_1() -> None:
    assert read_pickle(b"U\x04Gr\xc3\xb6.") == "Grö"
    assert read_pickle(b"U\x03Gr\xf6.") == "Grö"
    assert read_pickle(b"S'plain'\n.") == "plain"


REFUSED = {
    b"": "broken",
    b"N": "broken",
    b"N.N.": "broken",
    b"\x80\x06N.": "broken",
    b".": "broken",
    b"NN.": "broken",
    b"(N.": "broken",
    b"0.": "broken",
    b"(\x85.": "broken",
    b"t.": "broken",
    b"h\x05.": "broken",
    b"NNa.": "broken",
    b"N(NNu.": "broken",
    b"}(Nu.": "broken",
    b"}]Ns.": "unsafe_pickle",
    b"\x8f(]\x90.": "unsafe_pickle",
    b"Nr\xff\xff\xff\x7f.": "unsafe_pickle",
    b"\x90.": "broken",
    b"(\x91.": "unsafe_pickle",
    b"cos\nsystem\n.": "unsafe_pickle",
    b"\x8a\x09" + b"\x7f" * 9 + b".": "too_large",
}


@pytest.mark.parametrize("raw", REFUSED)
def test_everything_else_is_refused(raw: bytes) -> None:
    with pytest.raises(DocumentRefused) as caught:
        read_pickle(raw)
    assert caught.value.reason == REFUSED[raw]


def test_a_refusal_names_the_opcode_its_argument_and_the_place() -> None:
    with pytest.raises(DocumentRefused, match=r"byte 2: opcode GLOBAL \('pandas.core.frame DataFrame'\)"):
        read_pickle(b"\x80\x02cpandas.core.frame\nDataFrame\n.")


def test_what_is_built_is_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "MAX_BUILT", 2000)
    for raw in (b"]" * 100, b"N" * 300, b"(" * 300, b"N" + b"q\x00" * 30, b"\x80\x04X\x10'\x00\x00" + b"a" * 10_000):
        with pytest.raises(DocumentRefused, match="builds more than"):
            read_pickle(raw + b".")


def test_more_opcodes_than_texts_need_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(machine, "FREE_STEPS", 10)
    with pytest.raises(DocumentRefused, match="far more than its texts would need"):
        read_pickle(b"N0" * 50 + b"N.")


def nested(depth: int) -> list[Any]:
    value: list[Any] = []
    for _ in range(depth - 1):
        value = [value]
    return value


def test_depth_and_size_are_measured() -> None:
    measure(nested(MAX_DEPTH))
    with pytest.raises(DocumentRefused, match="32 levels"):
        measure(nested(MAX_DEPTH + 1))
    with pytest.raises(DocumentRefused, match="too_large"):
        measure(["x" * (MAX_CHARS // 4)] * 5)
    loop: list[Any] = []
    loop.append(loop)
    with pytest.raises(DocumentRefused, match="too_deep"):
        measure(loop)


ROW = {"subject": "VPN", "answer": "Restart."}
SHAPES: list[tuple[Any, str, list[Any]]] = [
    ([ROW, ROW], "a list of objects", [ROW, ROW]),
    ((ROW, 3), "a list of objects", [ROW, 3]),
    ([], "a list of objects", []),
    (["a", "b"], "a list of texts", [{"text": "a"}, {"text": "b"}]),
    ({"subject": ["VPN"], "answer": ["Restart."]}, "columns", [ROW]),
    ({"subject": {0: "VPN"}, "answer": {0: "Restart."}}, "columns", [ROW]),
    ({"texts": ["a"], "metadatas": [{"b": 1}]}, "columns", [{"texts": "a", "metadatas": {"b": 1}}]),
    ({7: ROW}, "objects under their ids", [{"id": "7", **ROW}]),
    ({"k": {"id": 1}}, "objects under their ids", [{"id": 1}]),
    ({"0": "a"}, "texts under their numbers", [{"id": "0", "text": "a"}]),
    ({"documents": [ROW], "model": "x"}, "a list of objects under 'documents'", [ROW]),
]


@pytest.mark.parametrize(("value", "shape", "rows"), SHAPES)
def test_rows_are_found(value: Any, shape: str, rows: list[Any]) -> None:
    assert rows_of(value) == (shape, rows)


UNKNOWN: list[Any] = [
    None,
    "text",
    {},
    [1, 2],
    {"a": 1},
    {"subject": "a", "answer": "b"},
    {"documents": [ROW], "passages": [ROW]},
    {"text": ["a", "b"], "title": ["b"]},
    {"items": [1, 2]},
]


@pytest.mark.parametrize("value", UNKNOWN)
def test_other_shapes_are_named_and_refused(value: Any) -> None:
    with pytest.raises(DocumentRefused, match="unknown_shape"):
        rows_of(value)


def test_values_become_json() -> None:
    value = {1: {"b", "a"}, None: (b"x\xff", float("nan"), 1.5), "t": float("inf")}
    assert plain(value) == {"1": ["a", "b"], "None": ["x\ufffd", None, 1.5], "t": None}
