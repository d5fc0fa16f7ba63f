"""Puts the first candidates in a reranker's order, where there is one; without it, or when it fails, theirs stands."""

import logging
from collections.abc import Sequence

from app.domain.conversations import Device
from app.domain.knowledge import Document
from app.errors import DependencyFailed, Overloaded
from app.ports import Release, Reranker
from app.services.retrieval.fusion import Candidate
from app.services.retrieval.query import Query
from app.services.retrieval.scoring import shown_passage

log = logging.getLogger(__name__)


class Reranking:
    """Reranks the candidates of one release; `depth` is how many of them."""

    def __init__(self, release: Release, reranker: Reranker | None, depth: int) -> None:
        self._release = release
        self._reranker = reranker
        self.depth = depth if reranker else 0

    @property
    def version(self) -> str:
        """Name the model whose order it is; empty where there is none."""
        return f"{self._reranker.spec.model_id}@{self._reranker.spec.digest}" if self._reranker else ""

    async def ordered(self, found: Sequence[Candidate], query: Query, device: Device) -> list[Candidate]:
        """Return candidates best first; those past the first `depth` keep their places."""
        first = list(found[: self.depth])
        if self._reranker is None or len(first) < 2:  # noqa: PLR2004 - one candidate has no order
            return list(found)
        texts = [self._text(item) for item in first]
        try:
            scores = await self._reranker.scores(asked(query, device), texts)
        except (Overloaded, DependencyFailed) as error:
            log.warning("reranker left out", extra={"reason": str(error)})
            return list(found)
        order = sorted(range(len(first)), key=lambda at: -scores[at])
        return [*(first[at] for at in order), *found[self.depth :]]

    def _text(self, item: Candidate) -> str:
        document: Document = self._release.documents[item.document_id]
        return f"{document.title}\n{shown_passage(self._release, item).text}"


def asked(query: Query, device: Device) -> str:
    """Return the question with what the device says of itself, unless the question says it."""
    known = [word for word in (device.app, device.version, device.os) if word]
    unsaid = [word for word in known if word.casefold() not in query.text.casefold()]
    return f"{query.text} ({' '.join(unsaid)})" if unsaid else query.text
