"""What Socket.IO's clients send and are told, in the names they know."""

import json
from collections.abc import Awaitable, Callable, Mapping
from typing import Any

from fastapi.exceptions import RequestValidationError

from app.api.realtime import events
from app.api.realtime.encoding import TEXT
from app.api.realtime.events import AuthEvent, CancelEvent, checked
from app.domain.live import ERROR, FINAL, LiveEvent
from app.errors import InvalidInput
from app.services.live.asking import Asked
from app.services.live.session import LiveSession

Act = Callable[[LiveSession, Mapping[str, Any]], Awaitable[Asked | None]]
_ACTS: Mapping[str, Act] = {
    "send_message": events.ask,
    "resume": events.resume,
    "join": events.join,
    "cancel": events.cancel,
}


async def act(session: LiveSession, name: str, given: Any) -> Asked | None:
    """Do what an event asks for; raises what goes wrong, InvalidInput for an event nobody knows."""
    if name not in _ACTS:
        raise InvalidInput("event", f"must be one of {', '.join(_ACTS)}")
    if name == "send_message" and isinstance(given, str):
        given = {"message": given}
    if not isinstance(given, dict):
        raise InvalidInput("body", "must be an object")
    return await _ACTS[name](session, given)


def acknowledgement(asked: Asked | None) -> dict[str, Any]:
    """Return what acknowledges an event that was taken."""
    return {"ok": True, "id": asked.id, "conversation_id": asked.conversation_id} if asked else {"ok": True}


def refusal(problem: str) -> dict[str, Any]:
    """Return what acknowledges an event that was not."""
    return {"ok": False, **_as_error(json.loads(problem))}


def told(event: LiveEvent) -> list[tuple[str, dict[str, Any]]]:
    """Return the events, by name and data, that tell a client what happened."""
    data: dict[str, Any] = json.loads(event.data)
    if event.id:
        data["id"] = event.id
    if event.sequence:
        data["seq"] = event.sequence
    if event.name == TEXT:
        return [("response_chunk", {"chunk": data.pop("delta"), **data})]
    if event.name == FINAL:
        used = {"total_tokens_used": data["usage"]["total_tokens"], "id": event.id}
        return [(FINAL, data), ("token_usage", used)]
    if event.name == ERROR:
        return [(ERROR, _as_error(data))]
    return [(event.name, data)]


def id_in(given: Any) -> str:
    """Return the id an event named, where it is one; else nothing."""
    try:
        return str(checked(CancelEvent, {"id": given["id"]}).id)
    except (RequestValidationError, LookupError, TypeError):
        return ""


def token_in(auth: Any) -> str | None:
    """Return the key a client connects with; None where it gave none. Raises RequestValidationError."""
    if auth is None:
        return None
    return checked(AuthEvent, auth if isinstance(auth, dict) else {"token": auth}).token


def _as_error(problem: dict[str, Any]) -> dict[str, Any]:
    return {"message": problem["detail"], **problem}
