"""Files as the conversation they belong to knows them: what is kept of one, and the messages that tell of it."""

import uuid
from collections.abc import Callable
from datetime import datetime
from typing import Protocol

from app.domain.answers import Citation, Outcome
from app.domain.conversations import FILE_MARK, Attachment, AttachmentKind, Role, Turn
from app.errors import NotFound
from app.ports import AttachmentStore, ConversationStore


class FileStore(ConversationStore, AttachmentStore, Protocol):
    """A store of conversations that keeps attachments, too."""


class FileShelf:
    """Keeps files with their conversations. Every method raises NotFound for what is not the owner's, StoreFailed."""

    def __init__(self, store: FileStore, now: Callable[[], datetime]) -> None:
        self._store = store
        self._now = now

    async def check(self, owner: str, conversation_id: str) -> None:
        """Raise NotFound unless the conversation is the owner's."""
        await self._store.attachments(owner, conversation_id)

    async def files(self, owner: str, conversation_id: str) -> tuple[Attachment, ...]:
        """Return a conversation's files, oldest first."""
        kept = await self._store.attachments(owner, conversation_id)
        return tuple(item for item in kept if item.kind is AttachmentKind.FILE)

    async def remove(self, owner: str, conversation_id: str, file_id: str) -> None:
        """Take a file away, and what the conversation knows from it."""
        if all(item.id != file_id for item in await self.files(owner, conversation_id)):
            raise NotFound("file")
        await self._store.detach(owner, conversation_id, file_id)

    async def keep(self, owner: str, conversation_id: str, kept: Attachment, turns: tuple[Turn, ...]) -> None:
        """Keep a file and the messages that tell of it; raises ConversationFull, too."""
        await self._store.attach(owner, conversation_id, kept)
        await self._store.append(owner, conversation_id, turns)

    def attachment(self, file_id: str, name: str, passages: tuple[str, ...]) -> Attachment:
        """Return what is kept of a file."""
        return Attachment(file_id, AttachmentKind.FILE, name, passages, self._now())

    def turns(
        self, file: tuple[str, str], told: str, outcome: Outcome, citations: tuple[Citation, ...]
    ) -> tuple[Turn, Turn]:
        """Return the two messages that tell of a file; `file` is its name and the worst of what was found in it.

        Follow-ups lean on what was asked: so the worst stands in the first message, where they find it.
        """
        moment = self._now()
        asked = Turn(str(uuid.uuid4()), Role.USER, f"{FILE_MARK} {': '.join(filter(None, file))}", moment)
        said = Turn(str(uuid.uuid4()), Role.ASSISTANT, told, moment, outcome.value, citations)
        return asked, said
