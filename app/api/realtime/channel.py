"""What the two channels share: who may connect, and how a connection ends."""

from dataclasses import dataclass, field
from typing import cast

from starlette.requests import HTTPConnection

from app.api.callers import caller_of, is_secure, note
from app.api.origins import OriginRules, origin_allowed
from app.api.realtime.encoding import WireEncoder
from app.domain.identities import Caller, Credentials
from app.errors import NotAllowed, NotIdentified, ServiceError
from app.services.live.rules import Restarting, TooManyEvents
from app.services.live.service import Live

POLICY = 1008
SERVICE_RESTART = 1012
TRY_LATER = 1013
UNIDENTIFIED = 4401
IDLE = 4408


@dataclass(frozen=True)
class RealTime:
    """The service behind the channels, the pages that may open them, and how it speaks."""

    live: Live
    origins: OriginRules = field(default_factory=OriginRules)
    encoder: WireEncoder = field(default_factory=WireEncoder)


class Idle(ServiceError):
    """Nothing was said on a connection for a long time."""

    code = "idle"


def realtime_of(connection: HTTPConnection) -> RealTime:
    """Return the real-time service an application runs."""
    return cast("RealTime", connection.state.realtime)


def check_origin(connection: HTTPConnection) -> None:
    """Raise NotAllowed where a page of another site opens a channel; a key no such page can send."""
    if "authorization" in connection.headers:
        return
    if not origin_allowed(connection.headers, realtime_of(connection).origins, secure=is_secure(connection)):
        raise NotAllowed("a page of another site asks")


async def caller_by(connection: HTTPConnection, token: str | None = None) -> Caller:
    """Return who connects, by a key it gave on the channel, else by the handshake; raises as `caller_of` does."""
    if token is None:
        return await caller_of(connection)
    caller = await realtime_of(connection).live.access.caller(Credentials(bearer=token))
    note(connection, caller)
    return caller


def close_code(error: ServiceError | None) -> int:
    """Return the code a connection is closed with for an error."""
    match error:
        case NotIdentified():
            return UNIDENTIFIED
        case Restarting():
            return SERVICE_RESTART
        case TooManyEvents():
            return POLICY
        case Idle():
            return IDLE
        case _:
            return TRY_LATER
