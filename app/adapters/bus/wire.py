"""How live events look between instances: JSON with short names, checked when it is read."""

import json

from app.domain.live import LiveEvent

_FIELDS = {"from": str, "run": str, "id": str, "name": str, "data": str, "attempt": int, "seq": int, "resumable": bool}


def dump(event: LiveEvent, instance: str = "") -> str:
    """Return an event as text; `instance` names whoever tells it."""
    return json.dumps(
        {
            "from": instance,
            "run": event.run,
            "id": event.id,
            "attempt": event.attempt,
            "seq": event.sequence,
            "name": event.name,
            "data": event.data,
            "resumable": event.resumable,
        },
        separators=(",", ":"),
    )


def load(raw: bytes | str) -> tuple[LiveEvent, str]:
    """Return an event and who told it; raises ValueError for anything `dump` has not written."""
    row = json.loads(raw)
    found = isinstance(row, dict) and all(type(row.get(name)) is kind for name, kind in _FIELDS.items())
    if not found:
        raise ValueError("no event")
    event = LiveEvent(row["run"], row["id"], row["attempt"], row["seq"], row["name"], row["data"], row["resumable"])
    return event, row["from"]
