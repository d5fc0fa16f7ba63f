"""Stack traces of Python, Java, .NET and JavaScript."""

import re
from collections.abc import Sequence

from app.domain.files import StackTrace
from app.services.files.chunking import Row

_PYTHON = "Traceback (most recent call last):"
_PYTHON_FRAME = re.compile(r"\s*File \"[^\"]{1,500}\", line [0-9]+")
_FRAME = re.compile(r"\s+at [^\s]")
_BETWEEN = re.compile(r"\s*\.\.\. [0-9]+ (?:more|common frames)|\s*---|Caused by: |\s+Suppressed: ")
_NAME = re.compile(r"(?<![\w$.])[A-Za-z_$][\w$.]*+")
_RAISED = ("Exception", "Error", "Throwable", "Failure", "Fault", "Interrupt", "Exit", "Warning")
_JAVA = re.compile(r"\((?:[\w$]+\.(?:java|kt|scala|groovy)(?::[0-9]+)?|Native Method|Unknown Source)\)\s*$")
_SCRIPT = re.compile(r":[0-9]+:[0-9]+\)?\s*$|\(<anonymous>\)\s*$|\(native\)\s*$")
_MOST_FRAMES = 8
_CHARS = 300


def traces_in(rows: Sequence[Row]) -> tuple[list[StackTrace], set[int]]:
    """Return the stack traces in some rows, and which rows (by position) are theirs, but for the one that begins it."""
    found: list[StackTrace] = []
    taken: set[int] = set()
    at = 0
    while at < len(rows):
        text = rows[at][1]
        end = _python_end(rows, at) if _PYTHON in text else _frames_end(rows, at) if _FRAME.match(text) else at
        if end == at:
            at += 1
            continue
        trace = _python(rows, at, end) if _PYTHON in text else _with_frames(rows, at, end)
        found.append(trace)
        taken.update(range(at, end))
        at = end
    return found, taken


def _python_end(rows: Sequence[Row], at: int) -> int:
    end = at + 1
    while end < len(rows) and (rows[end][1][:1] in {" ", "\t"} or _PYTHON_FRAME.match(rows[end][1])):
        end += 1
    # The line that is not indented says what was raised.
    return min(end + 1, len(rows)) if end > at + 1 else at


def _frames_end(rows: Sequence[Row], at: int) -> int:
    end = at
    while end < len(rows) and (_FRAME.match(rows[end][1]) or _BETWEEN.match(rows[end][1])):
        end += 1
    return end


def _python(rows: Sequence[Row], at: int, end: int) -> StackTrace:
    frames = tuple(text.strip()[:_CHARS] for _, text in rows[at + 1 : end] if _PYTHON_FRAME.match(text))
    exception, message = _raised(rows[end - 1][1])
    return StackTrace("python", exception, message, frames[-_MOST_FRAMES:], rows[at][0], rows[end - 1][0])


def _with_frames(rows: Sequence[Row], at: int, end: int) -> StackTrace:
    frames = [text.strip()[:_CHARS] for _, text in rows[at:end] if _FRAME.match(text)]
    # A message may go on for a line or two before the frames begin.
    heads = [_raised(rows[before][1]) for before in range(at - 1, max(-1, at - 4), -1)]
    back, (exception, message) = next(((n, head) for n, head in enumerate(heads, 1) if head[0]), (0, ("", "")))
    language = _language(frames, exception)
    return StackTrace(language, exception, message, tuple(frames[:_MOST_FRAMES]), rows[at - back][0], rows[end - 1][0])


def _language(frames: Sequence[str], exception: str) -> str:
    if any(_JAVA.search(frame) for frame in frames):
        return "java"
    if any(_SCRIPT.search(frame) for frame in frames):
        return "javascript"
    return "dotnet" if exception.count(".") or any(frame.endswith(")") for frame in frames) else "javascript"


def _raised(text: str) -> tuple[str, str]:
    """Return the exception a line names, and what it says; empty where it names none."""
    for name in _NAME.finditer(text[:_CHARS]):
        word = name[0].rstrip(".")
        if word.endswith(_RAISED):
            return word, text[name.end() :].lstrip(" :")[:_CHARS]
    return "", ""
