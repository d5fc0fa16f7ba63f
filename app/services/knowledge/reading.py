"""Reads every source and checks what no single source can see."""

import hashlib
from collections.abc import Iterator, Sequence

from app.domain.knowledge import Document
from app.errors import KnowledgeInvalid
from app.ports import KnowledgeSource


def read_all(sources: Sequence[KnowledgeSource]) -> tuple[Document, ...]:
    """Return the documents of all sources; raises KnowledgeInvalid for an id used twice, or when there are none."""
    found: dict[str, Document] = {}
    for source in sources:
        for document in source.documents():
            if document.id in found:
                first, again = found[document.id].origin, document.origin
                reason = f"id '{document.id}' is used twice, first in {first.path}:{first.line}"
                raise KnowledgeInvalid(again.path, again.line, reason)
            found[document.id] = document
    if not found:
        raise KnowledgeInvalid("knowledge", 1, "there are no documents")
    return tuple(found.values())


def fingerprint(sources: Sequence[KnowledgeSource], *parts: str) -> str:
    """Return one digest over all sources and what else shapes an index (`parts`: rules, model)."""
    whole = hashlib.sha256()
    for part in (*(source.fingerprint() for source in sources), *parts):
        whole.update(f"{part}\0".encode())
    return whole.hexdigest()


class RememberingSource:
    """A KnowledgeSource that reads another one again only when that has changed."""

    def __init__(self, source: KnowledgeSource) -> None:
        self._source = source
        self._known: tuple[str, tuple[Document, ...]] | None = None

    def fingerprint(self) -> str:
        """Return the source's own."""
        return self._source.fingerprint()

    def documents(self) -> Iterator[Document]:
        """Yield what was read when the source was as it is now."""
        now = self._source.fingerprint()
        if self._known is None or self._known[0] != now:
            self._known = (now, tuple(self._source.documents()))
        yield from self._known[1]
