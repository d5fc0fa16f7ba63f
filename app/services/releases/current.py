"""The search in use. A request takes it once and keeps it: index and metadata of two releases are never mixed."""

import gc
from collections.abc import Callable

from app.domain.conversations import Question
from app.domain.retrieval import Evidence
from app.errors import NotReady
from app.ports import Release
from app.services.retrieval.retriever import Retriever


class CurrentSearch:
    """The Search service over the release that is current when a question comes in."""

    def __init__(self, open_search: Callable[[Release], Retriever], settle: Callable[[], None] | None = None) -> None:
        """`settle` is called after every switch: see `leave_out_of_collections`."""
        self._open = open_search
        self._settle = settle or _nothing
        self._now: Retriever | None = None

    @property
    def release(self) -> Release | None:
        """The release in use; None before the first switch."""
        return self._now.release if self._now else None

    def pinned(self) -> Retriever:
        """Return the search over the release in use, which stays that release's; raises NotReady before the first."""
        if self._now is None:
            raise NotReady("index")
        return self._now

    def switch(self, release: Release) -> None:
        """Use a release from now on; what has begun ends on the one before."""
        self._now = self._open(release)
        self._settle()

    async def search(self, question: Question) -> Evidence:
        """Search the release in use."""
        return await self.pinned().search(question)


def _nothing() -> None:
    pass


def leave_out_of_collections() -> None:
    """Let the garbage collector pass over what is there now; what was left of earlier releases is collected first.

    A release is hundreds of thousands of objects that live as long as it does. Looked through again and again, they
    stopped every thread for 0.15 s, several times a minute under load.
    """
    gc.unfreeze()
    gc.collect()
    gc.freeze()
