"""Questions people ask and the turns a conversation is made of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.retrieval import Filters

ANONYMOUS = "anonymous"
CANCELLED = "cancelled"
"""The outcome of a stored turn whose reader left before the answer was finished; no answer ever has it."""


class Role(StrEnum):
    """Who spoke."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class Turn:
    """One message of a conversation; `id` is chosen before it is written, so that a repeated write changes nothing."""

    id: str
    role: Role
    content: str
    created_at: datetime
    outcome: str | None = None


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands for the older turns of a conversation: `until` is the id of the last turn it covers."""

    text: str
    until: str


@dataclass(frozen=True, slots=True)
class Device:
    """What the caller knows of the environment the question is about; empty means unknown."""

    os: str = ""
    app: str = ""
    version: str = ""
    site: str = ""


@dataclass(frozen=True, slots=True)
class Question:
    """A question as asked, checked for size and form. `max_tokens` bounds the answer, citation marks aside.

    `history` are the turns before it, oldest first, where the caller keeps the conversation itself: they take the place
    of what is stored. `keep` tells whether question and answer are stored, `answer_id` is the answer's id where the
    caller has to name it before it is there.
    """

    text: str
    top_k: int = 4
    max_tokens: int = 150
    owner: str = ANONYMOUS
    conversation_id: str | None = None
    language: str | None = None
    device: Device = field(default_factory=Device)
    filters: Filters = field(default_factory=Filters)
    history: tuple[Turn, ...] | None = None
    keep: bool = True
    answer_id: str | None = None
