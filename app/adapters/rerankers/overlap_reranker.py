"""A reranker without a model: deterministic, for tests and for trying the wiring."""

import re
from collections.abc import Sequence

from app.domain.models import RerankerSpec

_WORD = re.compile(r"\w+")


class OverlapReranker:
    """Scores a text by the share of the question's words that stand in it (0..1)."""

    @property
    def spec(self) -> RerankerSpec:
        """The model at work."""
        return RerankerSpec("overlap", "0" * 64, "words", "cpu")

    async def scores(self, query: str, texts: Sequence[str]) -> list[float]:
        """Return one score per text; see the port."""
        wanted = _words(query)
        return [len(wanted & _words(text)) / max(1, len(wanted)) for text in texts]


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text.casefold()))
