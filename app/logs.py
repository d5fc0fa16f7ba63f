"""Logging: events with fields, as readable lines or JSON, on stderr and, by setting, in a rotating file.

The id of the request at hand is added to every record, control characters are escaped, so that no input can forge a
line.
"""

import json
import logging
import logging.handlers
import sys
import time
from contextvars import ContextVar
from dataclasses import dataclass
from pathlib import Path
from typing import Any

request_id: ContextVar[str] = ContextVar("request_id", default="-")

_STANDARD = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime", "color_message", "taskName"}


@dataclass(frozen=True, slots=True)
class LogPlan:
    """Where log records go and how they look; `file` is None for stderr alone."""

    level: str = "INFO"
    json_lines: bool = False
    file: Path | None = None
    file_bytes: int = 10_000_000
    file_backups: int = 5


def _fields(record: logging.LogRecord) -> dict[str, Any]:
    """Return what the caller passed as `extra`."""
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


def _printable(text: str) -> str:
    """Escape control and separator characters: one record stays one line."""
    return "".join(char if char.isprintable() else char.encode("unicode_escape").decode() for char in text)


class _Base(logging.Formatter):
    """UTC time stamps, and one line per record whatever it holds."""

    converter = staticmethod(time.gmtime)

    def _time(self, record: logging.LogRecord) -> str:
        return f"{self.formatTime(record, '%Y-%m-%dT%H:%M:%S')}.{int(record.msecs):03d}Z"


class LineFormatter(_Base):
    """`time LEVEL logger message key=value ... [request id]`, for people."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record; a traceback follows on lines of its own, indented."""
        extra = "".join(f" {key}={value}" for key, value in _fields(record).items())
        head = f"{self._time(record)} {record.levelname:<7} {record.name} {record.getMessage()}{extra}"
        line = _printable(f"{head} [{request_id.get()}]")
        if record.exc_info:
            trace = self.formatException(record.exc_info).splitlines()
            line += "".join(f"\n    {_printable(part)}" for part in trace)
        return line


def _json(row: dict[str, Any]) -> str:
    """Return one line of JSON; fields that JSON has no form for (NaN, tuples as keys, loops) are said as text."""
    try:
        return json.dumps(row, ensure_ascii=True, default=str, allow_nan=False)
    except (TypeError, ValueError):
        return json.dumps({key: str(value) for key, value in row.items()}, ensure_ascii=True)


class JsonFormatter(_Base):
    """One JSON object a line, for machines."""

    def format(self, record: logging.LogRecord) -> str:
        """Format one record; a traceback is a field."""
        row: dict[str, Any] = {
            "time": self._time(record),
            "level": record.levelname,
            "logger": record.name,
            "event": record.getMessage(),
            "request_id": request_id.get(),
            **_fields(record),
        }
        if record.exc_info:
            row["traceback"] = self.formatException(record.exc_info)
        return _json(row)


def _is_no_address(record: logging.LogRecord) -> bool:
    return '"WebSocket ' not in str(record.msg)


def configure(plan: LogPlan) -> None:
    """Point the root logger and uvicorn's loggers at stderr (and the file), replacing what was there."""
    formatter = JsonFormatter() if plan.json_lines else LineFormatter()
    handlers: list[logging.Handler] = [logging.StreamHandler(sys.stderr)]
    if plan.file is not None:
        plan.file.parent.mkdir(parents=True, exist_ok=True)
        handlers.append(
            logging.handlers.RotatingFileHandler(
                plan.file, maxBytes=plan.file_bytes, backupCount=plan.file_backups, encoding="utf-8"
            )
        )
    root = logging.getLogger()
    for old in root.handlers[:]:
        root.removeHandler(old)
        old.close()
    for handler in handlers:
        handler.setFormatter(formatter)
        root.addHandler(handler)
    root.setLevel(plan.level)
    for name in ("uvicorn", "uvicorn.error", "uvicorn.access"):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
    # Our own access log carries the request id; uvicorn's would be a second line for every request.
    logging.getLogger("uvicorn.access").disabled = True
    # A Socket.IO id in an address is as good as a password; our channels log who comes and goes.
    logging.getLogger("uvicorn.error").addFilter(_is_no_address)
    logging.getLogger("httpx").setLevel(logging.WARNING)
    # At DEBUG it prints what servers answer, headers and all.
    logging.getLogger("httpcore").setLevel(logging.WARNING)
