"""What can go wrong between us and a server, before it becomes one of the service's errors."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from app.adapters.remote.limits import NAME
from app.errors import GenerationFailed, Overloaded

TOO_MANY = 429
_AGAIN = frozenset({408, 409, TOO_MANY})
_SERVER_ERRORS = range(500, 600)
# Nothing is wrong with the server: it does not want this one request.
_THIS_REQUEST = frozenset({400, 413, 422})
_NO_QUOTA = "insufficient_quota"
# Codes that may be told to operators. Others are not: a server may quote the key, or the question.
_CODES = frozenset(
    {
        "content_filter",
        "context_length_exceeded",
        "DeploymentNotFound",
        "invalid_api_key",
        "model_not_found",
        "rate_limit_exceeded",
        _NO_QUOTA,
    }
)
_MOST_COMPLAINT = 300


@dataclass(frozen=True, slots=True)
class Verdict:
    """What follows from a failure: whether to try again, not before when, and whether the server is at fault.

    `busy` says that it has too much to do, `complaint` what it said, lower-case; never to be logged.
    """

    again: bool = False
    wait: float | None = None
    ill: bool = True
    busy: bool = False
    complaint: str = ""


class Failed(Exception):
    """An attempt that came to nothing; `reason` holds no word of the server's."""

    def __init__(self, reason: str, verdict: Verdict | None = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.verdict = verdict or Verdict()

    def error(self, left: float) -> GenerationFailed | Overloaded:
        """Return what the service calls it: Overloaded where the server has too much to do for the `left` seconds."""
        wait = self.verdict.wait
        if self.verdict.busy and wait is not None and wait >= left:
            return Overloaded(NAME, wait)
        return GenerationFailed(NAME, self.reason)


def refusal(status: int, wait: float | None, body: Mapping[str, Any]) -> Failed:
    """Return the failure that a status other than 200 stands for; `body` is the reply's JSON, if it was any."""
    found = body.get("error")
    error: Mapping[str, Any] = found if isinstance(found, dict) else body
    code = str(error.get("code") or error.get("type") or "")
    known = code if code in _CODES else ""
    busy = status == TOO_MANY and code != _NO_QUOTA
    verdict = Verdict(
        again=busy or (status in _AGAIN and status != TOO_MANY) or status in _SERVER_ERRORS,
        wait=wait,
        ill=status not in _THIS_REQUEST,
        busy=busy,
        complaint=_complaint(body, error),
    )
    return Failed(f"status {status} {known}".strip(), verdict)


def _complaint(body: Mapping[str, Any], error: Mapping[str, Any]) -> str:
    """Return the beginning of what a server says, in OpenAI's shape, as a mere string, or as FastAPI's `detail`."""
    mere = body.get("error") if error is body else None
    said = (error.get("param"), error.get("message"), mere, body.get("detail"))
    return " ".join(str(part) for part in said if part)[:_MOST_COMPLAINT].lower()
