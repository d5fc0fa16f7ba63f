"""What makes the catalogue's documents findable."""

from collections.abc import Callable
from typing import Protocol

from app.domain.releases import Manifest

Progress = Callable[[int, int], None]
"""Called with (passages embedded, passages in all)."""


class Indexer(Protocol):
    """Brings the index in step with its sources."""

    async def refresh(self, progress: Progress) -> Manifest:
        """Build and publish a release where anything changed.

        When it returns, what the sources held when it was called is findable in this process, and what they did not
        hold is not. Raises StartRefused and ServiceError, and then the release before stays.
        """
        ...
