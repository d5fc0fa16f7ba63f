"""What was before a question: the turns a follow-up may lean on, what a model is shown of them, files and examples."""

import asyncio
import logging
from collections.abc import Sequence
from dataclasses import dataclass, field

from app.domain.answers import Usage
from app.domain.conversations import Attachment, AttachmentKind, Background, Question, Turn
from app.errors import NotFound, StoreFailed
from app.ports import AttachmentStore, ConversationStore
from app.services.conversation.summaries import Conversations

log = logging.getLogger(__name__)

TURNS = 6
"""How many turns back a follow-up question may lean."""
_READ = 200
"""How many turns are read where a model is shown the conversation."""
_EXAMPLES = 3


@dataclass(frozen=True, slots=True)
class Before:
    """What was before: `turns` oldest first, `usage` is what a model spent on making it short."""

    turns: tuple[Turn, ...] = ()
    attachments: tuple[Attachment, ...] = ()
    background: Background | None = None
    usage: Usage = field(default_factory=Usage)


class ConversationMemory:
    """Looks back. `conversations` is None where no model is shown anything."""

    def __init__(
        self,
        store: ConversationStore,
        attachments: AttachmentStore | None = None,
        conversations: Conversations | None = None,
    ) -> None:
        self._store = store
        self._attachments = attachments
        self._conversations = conversations

    async def before(self, question: Question, needed: int) -> Before:
        """Return what was before a question; `needed` tokens of a prompt are for instructions and evidence.

        Where the store fails, nothing was: the question is answered by itself, which is better than not at all.
        Raises NotFound for a conversation that is another owner's or does not exist.
        """
        if question.history is None and question.conversation_id is None:
            return Before()
        try:
            turns, attachments = await self._read(question, question.conversation_id)
        except StoreFailed:
            log.warning("conversation not read, answering without it", exc_info=True)
            return Before()
        examples = tuple(
            (item.title, item.passages[0])
            for item in attachments
            if item.kind is AttachmentKind.EXAMPLE and item.passages
        )[-_EXAMPLES:]
        if self._conversations is None:
            return Before(tuple(turns[-TURNS:]), attachments)
        whole = len(turns) < _READ
        context = await self._conversations.context(question, turns, whole=whole, reserved=needed)
        background = Background(context.text, examples) if context.text or examples else None
        return Before(tuple(turns[-TURNS:]), attachments, background, context.usage)

    async def _read(
        self, question: Question, conversation_id: str | None
    ) -> tuple[Sequence[Turn], tuple[Attachment, ...]]:
        if question.history is not None or conversation_id is None:
            return question.history or (), ()
        limit = TURNS if self._conversations is None else _READ
        history = self._store.history(question.owner, conversation_id, limit)
        if self._attachments is None:
            return await history, ()
        added = self._attachments.attachments(question.owner, conversation_id)
        turns, attachments = await asyncio.gather(history, added, return_exceptions=True)
        if isinstance(turns, BaseException):
            raise turns
        if isinstance(attachments, NotFound):
            # It was taken away just now.
            return turns, ()
        if isinstance(attachments, BaseException):
            raise attachments
        return turns, attachments
