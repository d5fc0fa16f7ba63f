"""What an upload may be called."""

import pytest

from app.errors import DocumentRefused
from app.services.files.names import admitted

EXTENSIONS = frozenset({"log", "txt"})
HOSTILE = [
    "../a.log", "..\\a.log", "a/b.log", "/etc/passwd.log", "\\\\host\\share\\a.log", "//host/a.log", "C:\\a.log",
    "C:a.log", "a.log:stream.txt", "..%2fa.log", "..%5Ca.log", "a%00.log", "%252e%252e/a.log", "a\0.log", "a\n.log",
    "a\u202egol.txt", "a\u200b.log", "\ufeffa.log", "\ud800.log", "con.log", "NUL.txt", "com1.log", "LPT9.txt",
    "aux.tar.log", " a.log", "a.log ", "a.log.", "..", ".", "", "   ", "a" * 4096 + ".log", "é" * 130 + ".log",
    "a*.log", "a?.log", "a|b.log", "<a>.log", "\uff0e\uff0e\uff0fa.log", "a\u2044b\u2215c\uff0f.log", 'a".log',
    "\x1b[31m.log", "\u2028.log",
]  # fmt: skip


@pytest.mark.parametrize("name", HOSTILE, ids=ascii)
def test_hostile_names_are_refused(name: str) -> None:
    with pytest.raises(DocumentRefused) as raised:
        admitted(name, 1, 10, EXTENSIONS)
    assert raised.value.reason == "unsafe_name"


@pytest.mark.parametrize(
    "name", ["a.log", "A.LOG", "Größe 2026 (1).txt", "日本.txt", "a-b_c+d,e;f'g.log", ".env.txt", "console.log"]
)
def test_plain_names_are_shown_as_they_are(name: str) -> None:
    found = admitted(name, 1, 10, EXTENSIONS)
    assert (found.name, len(found.id)) == (name, 36)


@pytest.mark.parametrize(
    ("name", "size", "reason"),
    [("a.log", 11, "too_large"), ("../a.log", 11, "too_large"), ("a.log", 0, "empty"), ("a.exe", 1, "unknown_format"),
     ("a", 1, "unknown_format"), (".log", 1, ""), ("a.log.exe", 1, "unknown_format")],
)  # fmt: skip
def test_size_comes_before_name_and_name_before_ending(name: str, size: int, reason: str) -> None:
    if not reason:
        assert admitted(name, size, 10, EXTENSIONS).name == name
        return
    with pytest.raises(DocumentRefused) as raised:
        admitted(name, size, 10, EXTENSIONS)
    assert raised.value.reason == reason
