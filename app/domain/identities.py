"""Who asks."""

from dataclasses import dataclass
from enum import StrEnum

from app.domain.conversations import ANONYMOUS


class CallerKind(StrEnum):
    """How a caller is known."""

    ANONYMOUS = "anonymous"
    SESSION = "session"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request or a connection came with, as it came: a Bearer token, a session cookie's value."""

    bearer: str | None = None
    session: str | None = None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks: `owner` is whom conversations belong to, `credential` names the session or key, no secret."""

    owner: str = ANONYMOUS
    kind: CallerKind = CallerKind.ANONYMOUS
    credential: str = ""
