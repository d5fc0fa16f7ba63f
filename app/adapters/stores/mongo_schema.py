"""The form of a conversation in MongoDB: its validator, its indexes, and how turns become part of it."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from app.adapters.stores.turns import searchable
from app.domain.conversations import Role, Turn

COLLECTION = "conversations"

VALIDATOR: dict[str, Any] = {
    "$jsonSchema": {
        "bsonType": "object",
        "required": ["conversation_id", "user_id", "conversation_history", "created_at"],
        "properties": {
            "conversation_id": {"bsonType": "string"},
            "user_id": {"bsonType": "string"},
            "conversation_history": {
                "bsonType": "array",
                "items": {
                    "bsonType": "object",
                    "required": ["role", "content"],
                    "properties": {
                        "role": {"enum": [role.value for role in Role]},
                        "content": {"bsonType": "string"},
                        "id": {"bsonType": "string"},
                        "created_at": {"bsonType": "date"},
                        "outcome": {"bsonType": ["string", "null"]},
                    },
                },
            },
            "conversation_text": {"bsonType": "string"},
            "summary": {"bsonType": "string"},
            "summary_until": {"bsonType": "string"},
            "created_at": {"bsonType": "date"},
            "updated_at": {"bsonType": "date"},
        },
    }
}

UNIQUE: dict[str, Any] = {
    "keys": [("conversation_id", 1), ("user_id", 1)],
    "name": "conversation_user_idx",
    "unique": True,
}
NEWEST: dict[str, Any] = {"keys": [("created_at", -1)], "name": "created_at_idx"}
TEXT: dict[str, Any] = {
    "keys": [("conversation_text", "text")],
    "name": "conversation_text_index",
    "default_language": "english",
}


def owned(owner: str, conversation_id: str) -> dict[str, Any]:
    """Return the filter for one conversation of one owner; `$eq` keeps anything but a value from being an operator."""
    return {"conversation_id": {"$eq": conversation_id}, "user_id": {"$eq": owner}}


def created(owner: str, conversation_id: str, turns: Sequence[Turn], moment: datetime) -> dict[str, Any]:
    """Return a new conversation. Its `_id` is the conversation's own, so that no two owners can hold the same one."""
    return {
        "_id": conversation_id,
        "conversation_id": conversation_id,
        "user_id": owner,
        "conversation_history": [written(turn) for turn in turns],
        "conversation_text": searchable(turns),
        "created_at": moment,
        "updated_at": moment,
    }


def grown(turns: Sequence[Turn], moment: datetime) -> list[dict[str, Any]]:
    """Return the update that adds those turns whose ids are not there yet, and leaves a replayed one without effect.

    A pipeline, because history and text must grow together and by what the server finds, not by what was read before.
    """
    known = {"$map": {"input": _or("$conversation_history", []), "as": "old", "in": "$$old.id"}}
    fresh = {
        "$filter": {
            # Literal: a message that begins with a dollar sign is no expression.
            "input": {"$literal": [written(turn) for turn in turns]},
            "as": "turn",
            "cond": {"$not": [{"$in": ["$$turn.id", known]}]},
        }
    }
    text = {"$reduce": {"input": "$_fresh", "initialValue": "", "in": {"$concat": ["$$value", "$$this.content", "\n"]}}}
    return [
        {"$set": {"_fresh": fresh}},
        {
            "$set": {
                "conversation_history": {"$concatArrays": [_or("$conversation_history", []), "$_fresh"]},
                "conversation_text": {"$concat": [_or("$conversation_text", ""), text]},
                "updated_at": {"$cond": [{"$eq": ["$_fresh", []]}, "$updated_at", {"$literal": moment}]},
            }
        },
        {"$unset": "_fresh"},
    ]


def written(turn: Turn) -> dict[str, Any]:
    """Return a turn as it stands in `conversation_history`."""
    return {
        "role": turn.role.value,
        "content": turn.content,
        "id": turn.id,
        "created_at": turn.created_at,
        "outcome": turn.outcome,
    }


def read(entry: dict[str, Any], conversation: dict[str, Any]) -> Turn:
    """Return an entry of `conversation_history` as a turn.

    Conversations that another program wrote may lack ids and times: the id is then empty and the time the
    conversation's. Raises KeyError, TypeError or ValueError for what is no turn at all.
    """
    return Turn(
        id=entry.get("id", ""),
        role=Role(entry["role"]),
        content=entry["content"],
        created_at=entry.get("created_at", conversation["created_at"]),
        outcome=entry.get("outcome"),
    )


def _or(path: str, default: Any) -> dict[str, Any]:
    return {"$ifNull": [path, default]}
