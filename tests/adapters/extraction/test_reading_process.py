"""The process apart: kept, limited, replaced, ended."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

import psutil
import pytest
from file_makers import NO_MAPPING

from app.adapters.extraction import wire
from app.adapters.extraction.confinement import Refused, _Watch
from app.adapters.extraction.extractor import ConfinedExtractor
from app.adapters.extraction.limits import Limits
from app.adapters.extraction.process import ReadingProcess
from app.domain.extraction import ColumnMapping
from app.errors import DependencyFailed, DocumentRefused

_TEXT = b"# Name\n\ntext"
# A million cells inside one another keep the reader busy for long.
_SLOW = b"<ul><li>" * 200_000


@pytest.fixture
async def extractor() -> AsyncIterator[ConfinedExtractor]:
    made = ConfinedExtractor(Limits(seconds=5), processes=1)
    yield made
    made.close()


def _children() -> set[int]:
    return {one.pid for one in psutil.Process().children(recursive=True)}


def _pid(extractor: ConfinedExtractor) -> int:
    (process,) = extractor._all
    return process.pid


async def test_one_process_reads_many_files_and_starts_quickly(extractor: ConfinedExtractor) -> None:
    begun = time.monotonic()
    (found,) = await extractor.extract("a.md", _TEXT, NO_MAPPING)
    assert time.monotonic() - begun < 3.0
    assert (found.title, found.sections[0].text) == ("Name", "text")
    first = _pid(extractor)
    both = await asyncio.gather(*(extractor.extract(f"{at}.md", _TEXT, NO_MAPPING) for at in range(50)))
    assert {entry.title for (entry,) in both} == {"Name"}
    assert _pid(extractor) == first
    assert "md" in extractor.suffixes()


async def test_the_mapping_reaches_the_other_side(extractor: ConfinedExtractor) -> None:
    mapping = ColumnMapping("a", ("b",), {"team": "c"})
    (found,) = await extractor.extract("x.CSV", b"a,b,c\n1,2,3\n", mapping)
    assert (found.title, found.metadata) == ("1", {"team": "3"})


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [("a.exe", b"x", "unknown_format"), ("a.md", b"", "empty"), ("a.md", b"x" * 20_000_001, "too_large")],
)
async def test_what_can_be_told_at_once_starts_nothing(name: str, content: bytes, reason: str) -> None:
    made = ConfinedExtractor()
    with pytest.raises(DocumentRefused) as refused:
        await made.extract(name, content, NO_MAPPING)
    assert refused.value.reason == reason
    assert not made._all
    made.close()


async def test_a_slow_file_is_refused_in_time_and_the_next_is_read() -> None:
    made = ConfinedExtractor(Limits(seconds=0.5), processes=1)
    await made.extract("a.md", _TEXT, NO_MAPPING)
    first, begun = _pid(made), time.monotonic()
    with pytest.raises(DocumentRefused, match=r"0\.5 seconds") as refused:
        await made.extract("a.html", _SLOW, NO_MAPPING)
    assert (refused.value.reason, time.monotonic() - begun < 3.0) == ("too_slow", True)
    assert not psutil.pid_exists(first)
    assert await made.extract("a.md", _TEXT, NO_MAPPING)
    made.close()


async def test_a_file_that_takes_too_much_memory_is_refused_and_the_next_is_read() -> None:
    made = ConfinedExtractor(Limits(memory_bytes=120_000_000), processes=1)
    with pytest.raises(DocumentRefused) as refused:
        await made.extract("a.json", b"[" + b"[]," * 5_000_000 + b"[]]", NO_MAPPING)
    assert refused.value.reason == "too_large_inside"
    assert await made.extract("a.md", _TEXT, NO_MAPPING)
    made.close()


async def test_whoever_is_cancelled_ends_what_read_for_them_alone(extractor: ConfinedExtractor) -> None:
    await extractor.extract("a.md", _TEXT, NO_MAPPING)
    first = _pid(extractor)
    slow = asyncio.create_task(extractor.extract("a.html", _SLOW, NO_MAPPING))
    waiting = asyncio.create_task(extractor.extract("a.md", _TEXT, NO_MAPPING))
    given_up = asyncio.create_task(extractor.extract("b.md", _TEXT, NO_MAPPING))
    await asyncio.sleep(0.2)
    given_up.cancel()
    slow.cancel()
    begun = time.monotonic()
    assert (await waiting)[0].title == "Name"
    assert time.monotonic() - begun < 3.0
    assert slow.cancelled()
    assert given_up.cancelled()
    assert not psutil.pid_exists(first)
    assert len(extractor._all) == 1


async def test_a_process_that_was_ended_from_outside_is_replaced(extractor: ConfinedExtractor) -> None:
    await extractor.extract("a.md", _TEXT, NO_MAPPING)
    os.kill(_pid(extractor), signal.SIGKILL)
    assert await extractor.extract("a.md", _TEXT, NO_MAPPING)


@pytest.mark.parametrize(("number", "reason"), [(signal.SIGSEGV, "unreadable"), (signal.SIGXCPU, "too_slow")])
async def test_how_a_process_ended_tells_why(number: signal.Signals, reason: str) -> None:
    process = ReadingProcess(Limits())
    os.kill(process.pid, number)
    with pytest.raises(DocumentRefused) as refused:
        process.ask(wire.request("md", NO_MAPPING), _TEXT)
    assert refused.value.reason == reason
    assert process.worn


async def test_closing_leaves_nothing_and_refuses_what_comes_after() -> None:
    before, files = _children(), psutil.Process().num_fds()
    made = ConfinedExtractor(processes=2)
    await asyncio.gather(*(made.extract("a.md", _TEXT, NO_MAPPING) for _ in range(4)))
    names = ["a.html"] * 2 + ["a.md"] * 4
    inside = [asyncio.create_task(made.extract(name, _SLOW, NO_MAPPING)) for name in names]
    await asyncio.sleep(0.2)
    await asyncio.to_thread(made.close)
    ended = await asyncio.gather(*inside, return_exceptions=True)
    assert {type(end) for end in ended} == {DependencyFailed}
    with pytest.raises(DependencyFailed, match="closed"):
        await made.extract("a.md", _TEXT, NO_MAPPING)
    assert _children() == before
    assert psutil.Process().num_fds() <= files + 1


async def test_a_process_that_cannot_start_is_no_fault_of_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    made = ConfinedExtractor()
    monkeypatch.setattr("app.adapters.extraction.process._MODULE", "app.errors")
    with pytest.raises(DependencyFailed, match="does not start"):
        await made.extract("a.md", _TEXT, NO_MAPPING)
    monkeypatch.setattr("app.adapters.extraction.process.module_command", lambda *_: ["/nonexistent"])
    with pytest.raises(DependencyFailed, match="does not start"):
        await made.extract("a.md", _TEXT, NO_MAPPING)
    made.close()


_DEEDS = {
    "socket": "import socket; socket.socket()",
    "resolve": "import socket; socket.getaddrinfo('localhost', 80)",
    "program": "import subprocess; subprocess.run(['true'])",
    "system": "import os; os.system('true')",
    "fork": "import os; os.fork()",
    "exec": "import os; os.execv('/bin/true', ['true'])",
    "write": "open({path!r}, 'w')",
    "create": "import os; os.open({path!r}, os.O_CREAT | os.O_WRONLY)",
    "remove": "import os; os.remove({path!r})",
    "read": "open('/etc/passwd')",
    "secrets": "open('.env.example')",
}


@pytest.mark.parametrize("deed", _DEEDS)
async def test_the_confined_process_can_do_none_of_this(deed: str, tmp_path: Path) -> None:
    path = str(tmp_path / "file")
    code = (
        "from app.adapters.extraction.confinement import confine, Refused\nimport sys\nconfine(512 << 20)\n"
        f"try:\n    {_DEEDS[deed].format(path=path)}\nexcept Refused:\n    sys.exit(7)\n"
    )
    command = [sys.executable, "-c", code]
    done = await asyncio.to_thread(subprocess.run, command, check=False, capture_output=True, timeout=30)
    assert done.returncode == 7
    assert not await asyncio.to_thread(Path(path).exists)


def test_the_process_has_its_limits_and_none_of_our_secrets(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET_KEY", "hush")
    process = ReadingProcess(Limits(memory_bytes=300_000_000))
    limits = Path(f"/proc/{process.pid}/limits").read_text()
    environment = Path(f"/proc/{process.pid}/environ").read_bytes()
    process.close()
    told = {line[:26].strip(): line[26:].split()[0] for line in limits.splitlines()}
    assert told["Max address space"] == "300000000"
    assert (told["Max file size"], told["Max core file size"], told["Max open files"]) == ("0", "0", "32")
    assert b"hush" not in environment


def test_only_modules_may_be_opened() -> None:
    watch = _Watch(("/usr/lib",))
    watch("open", ("/usr/lib/a.py", "rb", 0))
    watch("import", ("a",))
    for path, mode, flags in (("/usr/lib/a.txt", "r", 0), ("/x/a.py", "r", 0), ("/usr/lib/a.py", "w", 0), (3, None, 1)):
        with pytest.raises(Refused):
            watch("open", (path, mode, flags))
