"""What is found in lines: levels, times, codes, traces, messages that are one, credentials."""

import time
from collections import Counter
from datetime import UTC, datetime

import pytest

from app.domain.files import CodeFamily, FileKind, Piece, Severity
from app.services.files import levels
from app.services.files.chunking import Chunk, chunks
from app.services.files.chunking import rows as rows_of
from app.services.files.describing import kind_of, layout_of
from app.services.files.masking import masked
from app.services.files.scanning import Scanner, looks_like_log
from app.services.files.tally import Tally
from app.services.files.templates import template_of, words_of
from app.services.files.times import Clock
from tests.file_builders import NOW


def _at(*parts: int) -> datetime:
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001 - as it was logged


def _scanner(*, logs: bool = True) -> Scanner:
    return Scanner(logs=logs, today=lambda: NOW, redact=masked)


def _chunk(*lines: str) -> Chunk:
    return Chunk(1, tuple(enumerate(lines, 1)), 10, 1.0)


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("2026-11-21 09:30:00,123 ERROR [x] no ERROR", Severity.ERROR),
        ("2026-11-21 09:30:00 INFO retry after ERROR", Severity.INFO),
        ("[Fri Nov 21 09:30:00 2026] [core:error] [pid 1] AH00037: denied", Severity.ERROR),
        ('time=x level=warn msg="disk"', Severity.WARNING),
        ('{"level": "critical", "msg": "x"}', Severity.FATAL),
        ("2026-11-21 09:30:00, Error                 CBS    Failed", Severity.ERROR),
        ("11-21 09:30:00.123  1234  5678 E Tag: text", Severity.ERROR),
        ("Warning: deprecated", Severity.WARNING),
        ("Error,21/11/2026 09:00:00,Service Control Manager,7000", Severity.ERROR),
        ("nothing to say", Severity.NONE),
    ],
)
def test_levels_are_read_where_they_are_stated(line: str, severity: Severity) -> None:
    assert levels.stated(line) is severity


@pytest.mark.parametrize(
    ("line", "severity"),
    [
        ("connection refused by host", Severity.ERROR),
        ("finished with 0 errors", Severity.NONE),
        ("errors: 0, but one thing failed", Severity.ERROR),
        ("no errors", Severity.NONE),
        ("certificate has expired", Severity.WARNING),
        ("all well", Severity.NONE),
    ],
)
def test_words_count_where_nothing_is_stated(line: str, severity: Severity) -> None:
    assert levels.of_words(line) is severity


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ('1.2.3.4 - - [21/Nov/2026:09:30:00 +0000] "GET / HTTP/1.1" 503 12 "-"', 503),
        ("2026-11-21 09:30:00 10.0.0.1 GET /x - 443 - 10.0.0.2 curl - 404 0 2 15", 404),
        ("text 503", 0),
    ],
)
def test_statuses_of_web_servers(line: str, status: int) -> None:
    assert levels.status_of(line) == status
    found = _scanner().scan(_chunk(line))
    worst = {503: Severity.ERROR, 404: Severity.WARNING, 0: Severity.NONE}[status]
    assert found.levels == Counter({worst: 1})
    assert [code.family for message in found.messages for code in message.codes] == [CodeFamily.HTTP] * bool(status)


@pytest.mark.parametrize(
    ("line", "moment", "zoned"),
    [
        ("2026-11-21T09:30:00.5Z x", _at(2026, 11, 21, 9, 30, 0, 500_000), True),
        ("2026-11-21 09:30:00,123+02:00 x", _at(2026, 11, 21, 7, 30, 0, 123_000), True),
        ("2026/11/21 09:30:00 x", _at(2026, 11, 21, 9, 30), False),
        ("[21/Nov/2026:09:30:00 -0500] x", _at(2026, 11, 21, 14, 30), True),
        ("Nov 21 09:30:00 host x", _at(2026, 11, 21, 9, 30), False),
        ("Dec 31 09:30:00 host x", _at(2025, 12, 31, 9, 30), False),
        ("Fri Nov 21 09:30:00 2025 x", _at(2025, 11, 21, 9, 30), False),
        ("21.11.2026 09:30:00 x", _at(2026, 11, 21, 9, 30), False),
        ("11/21/2026 9:30:00 PM x", _at(2026, 11, 21, 21, 30), False),
        ("11/21/2026, 12:30:00 AM x", _at(2026, 11, 21, 0, 30), False),
        ("11/21/2026 09:30:00 x", _at(2026, 11, 21, 9, 30), False),
    ],
)  # fmt: skip
def test_times_in_many_forms(line: str, moment: datetime, *, zoned: bool) -> None:
    assert Clock(lambda: NOW).read(line)[0] == (moment, zoned)


@pytest.mark.parametrize(
    "line", ["2026-02-30 09:30:00", "2026-11-21 27:30:00", "no time", "0000-01-01 00:00:00 x", "Feb 29 10:00:00"]
)
def test_what_is_no_time(line: str) -> None:
    assert Clock(lambda: NOW).read(line)[0] is None


def test_messages_that_differ_in_numbers_and_names_are_one() -> None:
    one = template_of('Mail 17 from a@b.example to 10.0.0.4 at C:\\x\\y "subject" failed: 0x80040115')
    two = template_of('Mail 4 from c@d.example to 10.1.0.9 at C:\\z "other" failed: 0x80040115')
    assert one == two == "Mail <n> from <mail> to <ip> at <path> <text> failed: 0x80040115"
    assert words_of(one) == "Mail from to at failed: 0x80040115"
    tally = Tally(masked)
    tally.add(
        _scanner().scan(_chunk(*(f"2026-11-21 09:00:0{n} ERROR job {n} AADSTS5005{n % 2} failed" for n in range(6))))
    )
    assert [(group.count, group.lines[0]) for group in tally.findings().groups] == [(3, 1), (3, 2)]


def test_many_different_messages_are_held_in_bounded_memory() -> None:
    tally = Tally(masked)
    words = [
        f"ERROR w{chr(97 + n % 26)}{chr(97 + n // 26 % 26)}{chr(97 + n // 676)} ERR_{'X' * (n % 50 + 2)}"
        for n in range(6000)
    ]
    for start in range(0, 6000, 1000):
        tally.add(_scanner().scan(_chunk(*words[start : start + 1000])))
    found = tally.findings()
    assert (len(found.groups), found.ungrouped) == (50, 2000)
    assert found.levels == ((Severity.ERROR, 6000),)


def test_a_text_is_no_log_and_its_codes_are_its_errors() -> None:
    prose = ["My VPN says error 809 since Monday.", "No errors elsewhere; the client failed once.", ""]
    assert not looks_like_log(list(enumerate(prose, 1)), lambda: NOW)
    assert _scanner(logs=False).scan(_chunk(*prose)).levels == Counter({Severity.ERROR: 1, Severity.NONE: 1})


@pytest.mark.parametrize(
    "text",
    ["password=hunter22", 'pwd: "hunter22"', "Authorization: Bearer hunter22hunter22", "https://bob:hunter22@host/x",
     "api_key=hunter22,x", "eyJhbunter22.hunter22hunter22.x"],
)  # fmt: skip
def test_credentials_are_removed(text: str) -> None:
    assert "hunter22" not in masked(f"a {text} b")
    assert masked("the password was wrong") == "the password was wrong"


def test_chunks_keep_records_together_and_their_bounds() -> None:
    lines = [f"line {n} of the log" if n % 5 else f"Head {n}\n  inside\n  inside" for n in range(200)]
    whole = "\n".join([*lines, "x" * 9_000, "end\r", ""])
    found = list(
        chunks([Piece(whole[:777], 0.5), Piece(whole[777:], 1.0)], lambda text: len(text.split()) + len(text) // 50, 60)
    )
    rows = [row for chunk in found for row in chunk.rows]
    assert [chunk.number for chunk in found] == list(range(1, len(found) + 1))
    assert all(chunk.tokens <= 60 for chunk in found)
    joined: dict[int, str] = {}
    for number, text in rows:
        joined[number] = joined.get(number, "") + text
    assert "\n".join(joined.values()) == whole.replace("\r", "").rstrip("\n")
    assert sum(chunk.rows[0][1].startswith(" ") for chunk in found) == 0
    assert (list(chunks([], len, 10)), found[-1].share) == ([], 1.0)


def test_a_record_that_fills_a_chunk_is_cut_all_the_same() -> None:
    text = "head\n" + "  inside " * 3 + "\n" + "\n".join(["last"] + [f"  row {n}" for n in range(40)])
    found = list(chunks([Piece(text, 1.0)], lambda part: len(part.split()), 9))
    assert [number for chunk in found for number, _ in chunk.rows] == list(range(1, 44))
    assert all(chunk.tokens <= 9 for chunk in found)
    wide = [Piece("\n".join(["a", "b", "c", "d", "e f g h", "  " + "i " * 9]), 1.0)]
    assert [len(chunk.rows) for chunk in chunks(wide, lambda part: len(part.split()), 13)] == [4, 1, 1]
    cut = chunks([Piece("a b c d e f", 1.0)], lambda part: len(part.split()), 3)
    halves = [row for chunk in cut for row in chunk.rows]
    assert (len(halves), "".join(text for _, text in halves)) == (4, "a b c d e f")
    begun = [row for row, _ in rows_of([Piece("x" * 5_000, 0.5), Piece("y\n\n\nz", 1.0)])]
    assert [(number, len(text)) for number, text in begun] == [(1, 2000), (1, 2000), (1, 1001), (2, 0), (4, 1)]


@pytest.mark.parametrize(
    ("format_", "line", "kind", "layout"),
    [
        ("pdf", "text", FileKind.DOCUMENT, ""),
        ("csv", "a,b", FileKind.TABLE, ""),
        ("json", "{", FileKind.DATA, ""),
        ("md", "text", FileKind.TEXT, ""),
        ("log", "", FileKind.LOG, ""),
        ("txt", '{"level": "info"}', FileKind.LOG, "json_lines"),
        ("log", "Nov 21 09:30:00 host sshd[7]: x", FileKind.LOG, "syslog"),
        ("log", '1.2.3.4 - - [21/Nov/2026:09:30:00 +0000] "GET / HTTP/1.1" 200 1', FileKind.LOG, "access"),
        ("log", "2026-11-21 09:30:00, Error                 CBS    x", FileKind.LOG, "servicing"),
    ],
)
def test_what_a_file_is(format_: str, line: str, kind: FileKind, layout: str) -> None:
    rows = [(1, line), (2, "")]
    logs = looks_like_log(rows, lambda: NOW)
    assert (kind_of(format_, logs=logs), layout_of(rows)) == (kind, layout)


HOSTILE = [
    piece * (2000 // len(piece))
    for piece in (
        *"(\"'/-[\\ e", "a.", "0x", "/a", "1.1", "1:", "at ", "ERR_", "A_", "a@", "pwd=", "x://", "error ",
        "no errors ", "2026-11-21 ", "Nov ", "level=", "a1", "token: ",
    )
]  # fmt: skip


@pytest.mark.parametrize("line", HOSTILE, ids=lambda line: ascii(line[:8]))
def test_no_line_takes_long(line: str) -> None:
    began = time.perf_counter()
    tally = Tally(masked)
    tally.add(_scanner().scan(_chunk(*[line, "ERROR " + line, "x\tat " + line] * 10)))
    tally.findings()
    # A file of 10 MB holds some 170 times as much.
    assert time.perf_counter() - began < 0.3
    assert NOW.tzinfo is UTC
