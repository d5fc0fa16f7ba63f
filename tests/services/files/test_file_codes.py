"""Error codes and stack traces in files."""

import pytest

from app.domain.files import CodeFamily
from app.services.files.chunking import Chunk
from app.services.files.codes import codes_in
from app.services.files.masking import masked
from app.services.files.scanning import Scanner
from app.services.files.tally import Tally
from app.services.files.traces import traces_in
from tests.file_builders import NOW


def _scanner() -> Scanner:
    return Scanner(logs=True, today=lambda: NOW, redact=masked)


def _chunk(*lines: str) -> Chunk:
    return Chunk(1, tuple(enumerate(lines, 1)), 10, 1.0)


@pytest.mark.parametrize(
    ("text", "code", "family"),
    [
        ("failed (0x80070005)", "0x80070005", CodeFamily.HRESULT),
        ("hr = -2147024891", "0x80070005", CodeFamily.HRESULT),
        ("status 0xC0000022", "0xC0000022", CodeFamily.NTSTATUS),
        ("at 0x1234", "0x1234", CodeFamily.NUMBER),
        ("ORA-00060: deadlock", "ORA-00060", CodeFamily.VENDOR),
        ("AADSTS50058: silent", "AADSTS50058", CodeFamily.VENDOR),
        ("connect ECONNREFUSED 10.0.0.1", "ECONNREFUSED", CodeFamily.ERRNO),
        ("[Errno 13] denied", "Errno 13", CodeFamily.ERRNO),
        ("Event ID: 7031", "7031", CodeFamily.EVENT_ID),
        ("HTTP/1.1 502 Bad", "502", CodeFamily.HTTP),
        ("net::ERR_CERT_DATE_INVALID", "ERR_CERT_DATE_INVALID", CodeFamily.SYMBOL),
        ("VPN error 809", "809", CodeFamily.NUMBER),
        ("550 5.7.1 relaying", "5.7.1", CodeFamily.NUMBER),
    ],
)
def test_codes_and_whose_they_are(text: str, code: str, family: CodeFamily) -> None:
    assert [(found.code, found.family) for found in codes_in(text)] == [(code, family)]


PYTHON = ["Traceback (most recent call last):", '  File "/srv/mail.py", line 42, in send', "    send(x)",
          "mail.errors.SendError: password=hunter22 refused"]  # fmt: skip
JAVA = ["java.sql.SQLException: broken", "\tat com.acme.Mail.send(Mail.java:42)", "Caused by: java.io.IOException: x",
        "\tat java.base/java.lang.Thread.run(Unknown Source)", "\t... 12 more"]  # fmt: skip
NET = ["Unhandled exception. System.InvalidOperationException: broken",
       "   at Acme.Mail.Send(String to) in C:\\a.cs:line 42", "   at Acme.Program.Main()"]  # fmt: skip
SCRIPT = ["TypeError: x is undefined", "    at send (/srv/mail.js:42:7)", "    at <anonymous>:1:1"]


@pytest.mark.parametrize(
    ("lines", "language", "exception", "frames"),
    [
        (PYTHON, "python", "mail.errors.SendError", 1),
        (JAVA, "java", "java.sql.SQLException", 2),
        (NET, "dotnet", "System.InvalidOperationException", 2),
        (SCRIPT, "javascript", "TypeError", 2),
    ],
)
def test_stack_traces_of_four_languages(lines: list[str], language: str, exception: str, frames: int) -> None:
    rows = list(enumerate(["before", *lines, "after"], 1))
    traces, inside = traces_in(rows)
    assert [(one.language, one.exception, len(one.frames)) for one in traces] == [(language, exception, frames)]
    assert (traces[0].line, traces[0].last_line) == (2, len(lines) + 1)
    assert len(rows) - 1 not in inside
    tally = Tally(masked)
    tally.add(_scanner().scan(_chunk("x", *lines, *lines)))
    assert [(one.exception, one.count) for one in tally.findings().traces] == [(exception, 2)]
    assert "hunter22" not in repr(tally.findings())


def test_frames_that_nobody_raised_and_a_trace_that_is_cut() -> None:
    traces, _ = traces_in([(1, "    at once it went dark"), (2, "x")])
    assert [one.exception for one in traces] == [""]
    assert traces_in([(1, PYTHON[0])]) == ([], set())
