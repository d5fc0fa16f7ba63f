"""OpenAI's chat completions as JSON: what is asked, and what the answers say."""

import json
import logging
from dataclasses import dataclass
from typing import Any, Literal

from app.adapters.remote.failures import Failed, Verdict
from app.domain.chat_marks import without_marks
from app.domain.models import Prompt

log = logging.getLogger(__name__)

_NOT_ILL = Verdict(ill=False)
# How servers say that they do not know a parameter, or do not take it. Looked for at the start of what they say only:
# further on, some quote the question.
_OBJECTIONS = ("support", "unrecognized", "unknown", "extra", "not permitted", "unexpected")
_SIGNS = {"max_tokens": "max_completion_tokens", "stream_options": "stream_options", "temperature": "temperature"}


@dataclass(frozen=True, slots=True)
class Piece:
    """What one message of the server adds; `usage` is (prompt tokens, completion tokens)."""

    text: str = ""
    finish: str = ""
    usage: tuple[int, int] | None = None


class Dialect:
    """How a server wants to be asked: it begins with what all know, and remembers what this one does not take."""

    def __init__(self, model: str | None) -> None:
        self._model = model
        self._not_taken: set[str] = set()

    def body(self, prompt: Prompt, max_tokens: int, *, stream: bool) -> dict[str, Any]:
        """Return the request. Turn marks are taken out: servers with a chat template would obey them."""
        parts = (("system", prompt.system), ("user", prompt.user))
        turns = [{"role": role, "content": _sendable(text)} for role, text in parts if role == "user" or text.strip()]
        body: dict[str, Any] = {"messages": turns, "max_tokens": max_tokens, "temperature": 0, "stream": stream}
        if self._model is not None:
            body["model"] = self._model
        if stream:
            body["stream_options"] = {"include_usage": True}
        if "max_tokens" in self._not_taken:
            body["max_completion_tokens"] = max_tokens
        return {name: value for name, value in body.items() if name not in self._not_taken}

    def learn(self, failed: Failed, sent: dict[str, Any]) -> bool:
        """Tell whether the same request, put otherwise, may do: a parameter that was sent is not taken."""
        said = failed.verdict.complaint
        found = [name for name, sign in _SIGNS.items() if name in sent and sign in said]
        if failed.verdict.ill or not found or not any(word in said for word in _OBJECTIONS):
            return False
        if found[0] not in self._not_taken:
            log.warning("parameter not taken by the language model's server", extra={"parameter": found[0]})
        self._not_taken.add(found[0])
        return True


def _sendable(text: str) -> str:
    """Return the text without turn marks, and without half characters, which no UTF-8 can hold."""
    return without_marks(text).encode("utf-8", "replace").decode("utf-8")


def parsed(payload: bytes) -> dict[str, Any]:
    """Return a JSON object. Raises Failed for anything else."""
    try:
        value = json.loads(payload.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Failed("its answer is no JSON") from error
    if not isinstance(value, dict):
        raise Failed("its answer is no JSON object")
    return value


def read_piece(message: dict[str, Any], part: Literal["delta", "message"]) -> Piece:
    """Return what a message adds: `delta` in a stream, `message` in a whole answer. Raises Failed."""
    if message.get("error"):
        raise Failed("it reported an error instead of an answer")
    usage = _usage(message.get("usage"))
    choices = message.get("choices")
    if not choices:
        return Piece(usage=usage)
    choice = choices[0] if isinstance(choices, list) else None
    said = (choice.get(part) or {}) if isinstance(choice, dict) else None
    if not isinstance(choice, dict) or not isinstance(said, dict):
        raise Failed("its answer has another shape than chat completions have")
    return Piece(_text(said), _finish(choice.get("finish_reason"), said), usage)


def _text(said: dict[str, Any]) -> str:
    content = said.get("content") or ""
    if not isinstance(content, str):
        raise Failed("its answer is no text")
    return content


def _finish(reason: Any, said: dict[str, Any]) -> str:
    if reason == "content_filter":
        raise Failed("its content filter stopped the answer", _NOT_ILL)
    if said.get("refusal"):
        raise Failed("it declined to answer", _NOT_ILL)
    if not reason:
        return ""
    return "length" if reason == "length" else "stop"


def _usage(found: Any) -> tuple[int, int] | None:
    counts = (found.get("prompt_tokens"), found.get("completion_tokens")) if isinstance(found, dict) else ()
    numbers = [count for count in counts if type(count) is int and count >= 0]
    return (numbers[0], numbers[1]) if len(numbers) == len(("prompt", "completion")) else None


class Joiner:
    """Puts characters together that a server has cut in two, as JSON's escapes allow; a lone half becomes U+FFFD."""

    def __init__(self) -> None:
        self._half = ""

    def add(self, text: str) -> str:
        """Return the text that is whole now."""
        text, self._half = self._half + text, ""
        if text and "\ud800" <= text[-1] <= "\udbff":
            text, self._half = text[:-1], text[-1]
        return whole(text)

    def rest(self) -> str:
        """Return what is left at the end."""
        text, self._half = whole(self._half), ""
        return text


def whole(text: str) -> str:
    """Return the text with surrogate pairs joined and lone ones replaced."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
