"""Questions people ask and the turns a conversation is made of."""

from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from app.domain.answers import Citation
from app.domain.retrieval import Filters

ANONYMOUS = "anonymous"
FILE_MARK = "[file]"
"""How the message that tells of a file begins; its name follows, a colon, and the worst of what was found in it."""
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
    citations: tuple[Citation, ...] = ()


@dataclass(frozen=True, slots=True)
class Overview:
    """What a list shows of a conversation.

    `title` is the one it was given, else the beginning of its first question, else empty; `turns` counts its messages;
    `updated_at` is when the last one came.
    """

    id: str
    title: str
    created_at: datetime
    updated_at: datetime
    turns: int


@dataclass(frozen=True, slots=True)
class Position:
    """A place in a list of conversations, newest first: right behind the conversation of this time and id."""

    created_at: datetime
    id: str


@dataclass(frozen=True, slots=True)
class Found:
    """A conversation that a search found. `score` (0..1] compares the results of one search, the best one has 1.

    `snippet` is a piece of a message around words that were found; `marks` are where they stand in it, as
    (start, end) in characters.
    """

    overview: Overview
    score: float
    snippet: str
    marks: tuple[tuple[int, int], ...] = ()


class AttachmentKind(StrEnum):
    """What was added to a conversation beside its messages."""

    FILE = "file"
    EXAMPLE = "example"


@dataclass(frozen=True, slots=True)
class Attachment:
    """Knowledge of one conversation only, never of the shared index: passages of a file, or an example answer.

    `title` is a file's name, or the question of an example; `passages` are texts of some hundred tokens each.
    """

    id: str
    kind: AttachmentKind
    title: str
    passages: tuple[str, ...]
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Summary:
    """What stands for the older turns of a conversation: `until` is the id of the last turn it covers."""

    text: str
    until: str


@dataclass(frozen=True, slots=True)
class Background:
    """What a model is shown beside question and evidence.

    `said` is the conversation so far, in short; `examples` are questions with the answers their asker wants to such.
    """

    said: str = ""
    examples: tuple[tuple[str, str], ...] = ()


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
    of what is stored. `keep` tells whether question and answer are stored, `keep_partial` whether what was said is,
    where its reader left before the end. `question_id` and `answer_id` are the two messages' ids where the caller has
    to name them before they are there.
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
    question_id: str | None = None
    answer_id: str | None = None
    keep_partial: bool = True
