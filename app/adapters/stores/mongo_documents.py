"""Conversations, turns and attachments as documents, and back."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from typing import Any

from app.adapters.stores.turns import TITLE, searchable, title_of, to_utc
from app.domain.answers import Citation
from app.domain.conversations import Attachment, AttachmentKind, Overview, Role, Turn
from app.errors import StoreFailed

HISTORY = "$conversation_history"
MESSAGES: dict[str, Any] = {"$cond": [{"$isArray": HISTORY}, HISTORY, []]}
"""The history as an expression; empty where another program wrote none."""

_QUESTIONS = {"$filter": {"input": MESSAGES, "as": "turn", "cond": {"$eq": ["$$turn.role", Role.USER.value]}}}

OVERVIEW: dict[str, Any] = {
    "conversation_id": 1,
    "title": 1,
    "created_at": 1,
    "updated_at": {"$ifNull": ["$updated_at", "$created_at"]},
    "turns": {"$size": MESSAGES},
    "opening": {
        "$map": {
            "input": {"$slice": [_QUESTIONS, 1]},
            "as": "turn",
            "in": {"$substrCP": ["$$turn.content", 0, 2 * TITLE]},
        }
    },
}
"""What `overview` needs of a conversation, and little more of its messages."""


MALFORMED = "a conversation is not in the form it should have"


def mine(owner: str) -> dict[str, Any]:
    """Return the filter for what is an owner's; `$eq` keeps anything but a value from being an operator."""
    return {"user_id": {"$eq": owner}}


def owned(owner: str, conversation_id: str) -> dict[str, Any]:
    """Return the filter for one conversation of one owner, and for what belongs to it."""
    return {"conversation_id": {"$eq": conversation_id}, **mine(owner)}


def created(
    owner: str, conversation_id: str, turns: Sequence[Turn], moment: datetime, title: str = ""
) -> dict[str, Any]:
    """Return a new conversation. Its `_id` is made of owner and id, since it is known by both together.

    Of those that an older version or another program wrote it is something else: none is ever asked for by it.
    """
    return {
        "_id": hashlib.sha256(json.dumps([owner, conversation_id]).encode()).hexdigest(),
        "conversation_id": conversation_id,
        "user_id": owner,
        "title": title,
        "conversation_history": [written(turn) for turn in turns],
        "conversation_text": searchable(turns),
        "created_at": moment,
        "updated_at": moment,
    }


def written(turn: Turn) -> dict[str, Any]:
    """Return a turn as it stands in `conversation_history`."""
    return {
        "role": turn.role.value,
        "content": turn.content,
        "id": turn.id,
        "created_at": turn.created_at,
        "outcome": turn.outcome,
        "citations": [asdict(citation) for citation in turn.citations],
    }


def read(entry: dict[str, Any], conversation: dict[str, Any]) -> Turn:
    """Return an entry of `conversation_history` as a turn.

    Conversations that another program wrote may lack ids, times and citations: the id is then empty and the time the
    conversation's. Raises KeyError, TypeError or ValueError for what is no turn at all.
    """
    return Turn(
        id=entry.get("id", ""),
        role=Role(entry["role"]),
        content=entry["content"],
        created_at=entry.get("created_at", conversation["created_at"]),
        outcome=entry.get("outcome"),
        citations=tuple(_citation(found) for found in entry.get("citations", ())),
    )


def _citation(found: dict[str, Any]) -> Citation:
    return Citation(
        number=found["number"],
        document_id=found["document_id"],
        passage_id=found["passage_id"],
        title=found["title"],
        quote=found["quote"],
    )


def overview(found: dict[str, Any]) -> Overview:
    """Return what a projection to OVERVIEW gave; raises StoreFailed for what is no conversation."""
    try:
        opening = [Turn("", Role.USER, text, found["created_at"]) for text in found["opening"]]
        return Overview(
            id=found["conversation_id"],
            title=found.get("title") or title_of(opening),
            created_at=found["created_at"],
            updated_at=found["updated_at"],
            turns=found["turns"],
        )
    except KeyError as error:
        raise StoreFailed("mongodb", MALFORMED) from error


def packed(owner: str, conversation_id: str, attachment: Attachment) -> dict[str, Any]:
    """Return an attachment as a document."""
    return {
        "attachment_id": attachment.id,
        "conversation_id": conversation_id,
        "user_id": owner,
        "kind": attachment.kind.value,
        "title": attachment.title,
        "passages": list(attachment.passages),
        "created_at": to_utc(attachment.created_at),
    }


def unpacked(found: dict[str, Any]) -> Attachment:
    """Return a document as the attachment it was."""
    return Attachment(
        id=found["attachment_id"],
        kind=AttachmentKind(found["kind"]),
        title=found["title"],
        passages=tuple(found["passages"]),
        created_at=found["created_at"],
    )
