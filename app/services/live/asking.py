"""A question and the names that follow from whose it is and what its asker calls it."""

import json
import uuid
from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

from app.domain.conversations import Device, Question
from app.domain.live import LiveEvent
from app.domain.retrieval import Filters

_NAMES = uuid.UUID("7a1e5cb4-9b0c-4a57-8c55-3f6f0e2d9d10")


def run_of(owner: str, message_id: str) -> str:
    """Return what a question is called in logs, leases and the store: another owner's never has the same name."""
    return _derived(owner, "run", message_id)


def channel_of(owner: str, conversation_id: str) -> str:
    """Return the channel of a conversation; another owner's is another one."""
    return _derived(owner, "conversation", conversation_id)


@dataclass(frozen=True)
class Asked:
    """A question under the id its asker gave it; `fresh` tells that its conversation begins with it."""

    owner: str
    id: str
    question: Question
    fresh: bool

    @cached_property
    def run(self) -> str:
        """What it is called in logs."""
        return run_of(self.owner, self.id)

    @cached_property
    def conversation_id(self) -> str:
        """Its conversation, which is the same however often it is asked."""
        return self.question.conversation_id or _derived(self.run, "conversation")

    @cached_property
    def channel(self) -> str:
        """Where it is told."""
        return channel_of(self.owner, self.conversation_id)

    @cached_property
    def partial_id(self) -> str:
        """The id of what was said of an answer nobody waited for: it must not stand in the answer's place."""
        return _derived(self.run, "partial")

    def as_kept(self) -> Question:
        """Return the question as it is answered: its turns have the same ids wherever and however often it is."""
        return replace(
            self.question,
            owner=self.owner,
            conversation_id=self.conversation_id,
            # A conversation that begins with this question is not there yet to be read.
            history=() if self.fresh else None,
            question_id=_derived(self.run, "question"),
            answer_id=_derived(self.run, "answer"),
            keep_partial=False,
        )


def asked_by(owner: str, question: Question, message_id: str | None) -> Asked:
    """Return a question as asked by an owner; without an id it gets one."""
    return Asked(owner, message_id or str(uuid.uuid4()), question, question.conversation_id is None)


def describe(asked: Asked) -> dict[str, Any]:
    """Return all there is to a question, so that any instance can answer it anew."""
    question = asked.question
    device = question.device
    return {
        "message": question.text,
        "conversation_id": asked.conversation_id,
        "new_conversation": asked.fresh,
        "top_k": question.top_k,
        "max_tokens": question.max_tokens,
        "language": question.language,
        "context": {"os": device.os, "app": device.app, "version": device.version, "site": device.site},
        "filters": {name: sorted(values) for name, values in question.filters.must.items()},
    }


def asked_again(owner: str, event: LiveEvent) -> Asked:
    """Return the question that `describe` told of."""
    told: Mapping[str, Any] = json.loads(event.data)
    question = Question(
        text=told["message"],
        top_k=told["top_k"],
        max_tokens=told["max_tokens"],
        conversation_id=told["conversation_id"],
        language=told["language"],
        device=Device(**told["context"]),
        filters=Filters({name: frozenset(values) for name, values in told["filters"].items()}),
    )
    return Asked(owner, event.id, question, told["new_conversation"])


def _derived(*parts: str) -> str:
    return str(uuid.uuid5(_NAMES, "\0".join(parts)))
