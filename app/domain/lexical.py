"""How the words of a question meet those of a document."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class WordMatch:
    """Shares of a question's informative words, each weighted by its rarity, all 0..1.

    covered: words the document holds. unknown: words no document holds. rarest_missing: rarity of the rarest word the
    document lacks, relative to that of a word nobody holds. log_count: ln(1 + number of informative words).
    """

    covered: float
    unknown: float
    rarest_missing: float
    log_count: float
    rarity: float
    lacking: float
    held: int
