"""Logs: one record, one line, whatever it holds."""

import json
import logging
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from app.logs import JsonFormatter, LineFormatter, LogPlan, configure, request_id

HOSTILE = {
    "carriage return": "a\rb",
    "line feed": "a\n2026-01-01T00:00:00.000Z ERROR app forged",
    "escape": "a\x1b[2Kb",
    "line separator": "a\u2028b",
    "paragraph separator": "a\u2029b",
    "next line": "a\x85b",
    "NUL": "a\0b",
    "right-to-left override": "a\u202eb",
    "half a character": "a\ud800b",
}


def record(message: str = "asked", **extra: object) -> logging.LogRecord:
    made = logging.makeLogRecord({"name": "app.chat", "levelname": "INFO", "levelno": logging.INFO, "msg": message})
    made.created, made.msecs = 1_772_366_400.5, 500.0
    vars(made).update(extra)
    return made


@pytest.fixture
def request_at_hand() -> Iterator[str]:
    token = request_id.set("req-42")
    yield "req-42"
    request_id.reset(token)


@pytest.fixture
def written(capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[[], str]]:
    """Return what was written to stderr, and put the loggers back as they were afterwards."""
    root = logging.getLogger()
    others = [logging.getLogger(name) for name in ("uvicorn", "uvicorn.error", "uvicorn.access", "httpx")]
    before = [(item, item.handlers[:], item.level, item.propagate, item.disabled) for item in (root, *others)]
    root.handlers.clear()
    yield lambda: capsys.readouterr().err
    for handler in root.handlers[:]:
        handler.close()
    for item, handlers, level, propagate, disabled in before:
        item.handlers[:] = handlers
        item.setLevel(level)
        item.propagate, item.disabled = propagate, disabled


@pytest.mark.usefixtures("request_at_hand")
def test_a_line_tells_when_who_what_and_for_which_request() -> None:
    line = LineFormatter().format(record(outcome="answered", seconds=0.2))
    assert line == "2026-03-01T12:00:00.500Z INFO    app.chat asked outcome=answered seconds=0.2 [req-42]"


@pytest.mark.usefixtures("request_at_hand")
def test_a_json_line_tells_the_same() -> None:
    assert json.loads(JsonFormatter().format(record(outcome="answered", seconds=0.2))) == {
        "time": "2026-03-01T12:00:00.500Z",
        "level": "INFO",
        "logger": "app.chat",
        "event": "asked",
        "request_id": "req-42",
        "outcome": "answered",
        "seconds": 0.2,
    }


def test_outside_a_request_the_id_is_a_dash() -> None:
    assert LineFormatter().format(record()).endswith("asked [-]")


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
@pytest.mark.parametrize("formatter", [LineFormatter(), JsonFormatter()], ids=["text", "json"])
def test_nothing_in_a_message_or_a_field_makes_a_second_line(formatter: logging.Formatter, text: str) -> None:
    for made in (record(text), record(query=text), record(**{text: "value"}), record(query={"nested": [text]})):
        line = formatter.format(made)
        assert len(line.splitlines()) == 1
        assert line.isprintable()


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_json_line_gives_the_text_back(text: str) -> None:
    row = json.loads(JsonFormatter().format(record(text, query=text)))
    assert (row["event"], row["query"]) == (text, text)


@pytest.mark.parametrize("text", HOSTILE.values(), ids=HOSTILE)
def test_a_request_id_makes_no_second_line(text: str) -> None:
    token = request_id.set(text)
    try:
        assert LineFormatter().format(record()).isprintable()
    finally:
        request_id.reset(token)


def looped() -> list[object]:
    held: list[object] = []
    held.append(held)
    return held


ODD = {"not a number": float("nan"), "a tuple as key": {(1, 2): 3}, "a loop": looped(), "a path": Path("a/b")}


def only_json(name: str) -> None:
    raise AssertionError(f"{name} is no JSON")


@pytest.mark.parametrize("value", ODD.values(), ids=ODD)
def test_a_value_without_a_form_in_json_still_gives_json(value: object) -> None:
    row = json.loads(JsonFormatter().format(record(odd=value)), parse_constant=only_json)
    assert row["event"] == "asked"
    assert row["odd"] == str(value)


def int_of(message: str) -> None:
    raise ValueError(message)


def failed(message: str) -> logging.LogRecord:
    with pytest.raises(ValueError, match="x") as caught:
        int_of(message)
    made = record("failed")
    made.exc_info = (caught.type, caught.value, caught.tb)
    return made


def test_a_traceback_is_indented_so_that_it_forges_no_line() -> None:
    first, *rest = LineFormatter().format(failed("x\n2026-01-01 INFO app forged\x1b[2K")).splitlines()
    assert first.endswith("failed [-]")
    assert rest[0] == "    Traceback (most recent call last):"
    assert all(line.startswith("    ") and line.isprintable() for line in rest)
    assert "    2026-01-01 INFO app forged\\x1b[2K" in rest


def test_a_traceback_is_a_field_of_json() -> None:
    line = JsonFormatter().format(failed("x\ny"))
    assert len(line.splitlines()) == 1
    assert json.loads(line)["traceback"].endswith("ValueError: x\ny")


def test_events_go_to_stderr_from_the_level_asked_for(written: Callable[[], str]) -> None:
    configure(LogPlan(level="WARNING"))
    logging.getLogger("app.x").info("quiet")
    logging.getLogger("app.x").warning("loud", extra={"part": "cache"})
    assert re.fullmatch(r"\S+Z WARNING app\.x loud part=cache \[-]\n", written())


def test_json_lines_by_setting(written: Callable[[], str]) -> None:
    configure(LogPlan(json_lines=True))
    logging.getLogger("app.x").info("one %s", "thing")
    assert json.loads(written())["event"] == "one thing"


def test_configuring_twice_logs_once_and_closes_what_was_open(written: Callable[[], str], tmp_path: Path) -> None:
    configure(LogPlan(file=tmp_path / "first.log"))
    first = next(item for item in logging.getLogger().handlers if isinstance(item, logging.FileHandler))
    configure(LogPlan())
    logging.getLogger("app.x").info("once")
    assert written().count("once") == 1
    assert first.stream is None


def test_the_servers_loggers_write_through_ours_and_its_access_log_is_off(written: Callable[[], str]) -> None:
    logging.getLogger("uvicorn").addHandler(logging.StreamHandler())
    configure(LogPlan())
    logging.getLogger("uvicorn.error").info("started")
    logging.getLogger("uvicorn.access").info("GET /")
    logging.getLogger("httpx").info("HTTP Request")
    assert re.fullmatch(r".* uvicorn\.error started .*\n", written())


@pytest.mark.usefixtures("written")
def test_the_file_is_rotated_and_so_many_are_kept(tmp_path: Path) -> None:
    file = tmp_path / "new" / "service.log"
    configure(LogPlan(file=file, file_bytes=500, file_backups=2))
    for number in range(40):
        logging.getLogger("app.x").info("event %d", number)
    kept = sorted(path.name for path in file.parent.iterdir())
    assert kept == ["service.log", "service.log.1", "service.log.2"]
    assert all(path.stat().st_size <= 500 for path in file.parent.iterdir())
    assert "event 39 " in file.read_text(encoding="utf-8")
