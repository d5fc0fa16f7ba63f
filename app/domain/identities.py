"""Who asks."""

import ipaddress
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.conversations import ANONYMOUS


class CallerKind(StrEnum):
    """How a caller is known."""

    ANONYMOUS = "anonymous"
    SESSION = "session"
    KEY = "key"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What a request or a connection came with, as it came: a Bearer token, a session cookie's value.

    `apart` tells whether whoever came with neither is a browser, or not of this machine, and is to have a session of
    its own instead of sharing one owner with all programs of this machine.
    """

    bearer: str | None = field(default=None, repr=False)
    session: str | None = field(default=None, repr=False)
    apart: bool = False


@dataclass(frozen=True, slots=True)
class SessionCookie:
    """A cookie to be sent: the signed session id, a secret, and the seconds it holds; an empty value takes it away."""

    value: str = field(repr=False)
    max_age: int


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks: `owner` is whom conversations belong to, `credential` names the session or key, no secret.

    `ends_at` is when the session or key ends by itself. `cookie` is to be sent with the next response, where the
    session is new or has got a new id.
    """

    owner: str = ANONYMOUS
    kind: CallerKind = CallerKind.ANONYMOUS
    credential: str = ""
    ends_at: datetime | None = field(default=None, compare=False)
    cookie: SessionCookie | None = field(default=None, compare=False)


@dataclass(frozen=True, slots=True)
class Session:
    """A session as it is kept: `id` names it, `digest` is the SHA-256 (hex) of the secret half of its id.

    `previous` is the digest before the last rotation, `key` that of the API key it was begun with; empty for none.
    """

    id: str
    owner: str
    digest: str
    began_at: datetime
    seen_at: datetime
    rotated_at: datetime
    previous: str = ""
    key: str = ""


@dataclass(frozen=True, slots=True)
class ApiKey:
    """An API key as it is kept: `digest` is its SHA-256 (hex), from which nobody gets the key back.

    `used_at` is coarse. Of the keys that are not revoked, no two have the same name.
    """

    id: str
    name: str
    owner: str
    digest: str
    created_at: datetime
    expires_at: datetime | None = None
    revoked_at: datetime | None = None
    used_at: datetime | None = None

    def holds(self, moment: datetime) -> bool:
        """Tell whether it opens anything at a time."""
        return self.revoked_at is None and (self.expires_at is None or moment < self.expires_at)


def is_this_machine(host: str) -> bool:
    """Tell whether a host's name or address, without a port, can only be this machine."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host in {"localhost", "localhost."}
