"""The collections in MongoDB: their validators, their indexes, and the version of it all."""

from typing import Any

from app.domain.conversations import AttachmentKind, Role

VERSION = 1
"""The version of what this module says; to be raised whenever a validator or an index changes."""

CONVERSATIONS = "conversations"
ATTACHMENTS = "conversation_attachments"
VERSIONS = "schema_versions"

_TEXT = {"bsonType": "string"}
_TIME = {"bsonType": "date"}

_CITATION: dict[str, Any] = {
    "bsonType": "object",
    "required": ["number", "document_id", "passage_id", "title", "quote"],
    "properties": {
        "number": {"bsonType": ["int", "long"]},
        "document_id": _TEXT,
        "passage_id": _TEXT,
        "title": _TEXT,
        "quote": _TEXT,
    },
}

_MESSAGE: dict[str, Any] = {
    "bsonType": "object",
    "required": ["role", "content"],
    "properties": {
        "role": {"enum": [role.value for role in Role]},
        "content": _TEXT,
        "id": _TEXT,
        "created_at": _TIME,
        "outcome": {"bsonType": ["string", "null"]},
        "citations": {"bsonType": "array", "items": _CITATION},
    },
}

_CONVERSATION: dict[str, Any] = {
    "bsonType": "object",
    "required": ["conversation_id", "user_id", "conversation_history", "created_at"],
    "properties": {
        "conversation_id": _TEXT,
        "user_id": _TEXT,
        "title": _TEXT,
        "conversation_history": {"bsonType": "array", "items": _MESSAGE},
        "conversation_text": _TEXT,
        "summary": _TEXT,
        "summary_until": _TEXT,
        "attachment_ids": {"bsonType": "array", "items": _TEXT},
        "created_at": _TIME,
        "updated_at": _TIME,
    },
}

_ATTACHMENT: dict[str, Any] = {
    "bsonType": "object",
    "required": ["attachment_id", "conversation_id", "user_id", "kind", "title", "passages", "created_at"],
    "properties": {
        "attachment_id": _TEXT,
        "conversation_id": _TEXT,
        "user_id": _TEXT,
        "kind": {"enum": [kind.value for kind in AttachmentKind]},
        "title": _TEXT,
        "passages": {"bsonType": "array", "items": _TEXT},
        "created_at": _TIME,
        "doomed": {"bsonType": "bool"},
    },
}

VALIDATORS: dict[str, dict[str, Any]] = {
    CONVERSATIONS: {"$jsonSchema": _CONVERSATION},
    ATTACHMENTS: {"$jsonSchema": _ATTACHMENT},
}

INDEXES: tuple[tuple[str, dict[str, Any]], ...] = (
    (
        CONVERSATIONS,
        {"keys": [("conversation_id", 1), ("user_id", 1)], "name": "conversation_user_idx", "unique": True},
    ),
    (CONVERSATIONS, {"keys": [("created_at", -1)], "name": "created_at_idx"}),
    # For the list of one owner's conversations, newest first.
    (
        CONVERSATIONS,
        {"keys": [("user_id", 1), ("created_at", -1), ("conversation_id", -1)], "name": "user_newest_idx"},
    ),
    # For those whose time is over.
    (CONVERSATIONS, {"keys": [("updated_at", 1)], "name": "updated_at_idx"}),
    (
        ATTACHMENTS,
        {
            "keys": [("conversation_id", 1), ("user_id", 1), ("attachment_id", 1)],
            "name": "conversation_attachment_idx",
            "unique": True,
        },
    ),
    (ATTACHMENTS, {"keys": [("user_id", 1)], "name": "user_idx"}),
    (ATTACHMENTS, {"keys": [("doomed", 1)], "name": "doomed_idx", "sparse": True}),
)

TEXT_INDEX: dict[str, Any] = {
    "keys": [("conversation_text", "text")],
    "name": "conversation_text_index",
    "default_language": "english",
}
