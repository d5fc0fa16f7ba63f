"""Which language a question is in, by py3langid (Lui and Baldwin 2012), among the languages we answer in."""

from collections.abc import Callable
from typing import Final

from py3langid.langid import MODEL_FILE, LanguageIdentifier

LANGUAGES: Final = ("en", "de", "fr", "es")
_MARGIN = 4.0
"""By how much (log odds) another language must beat English: "0x80070002" is short and in no language at all."""


def open_detector() -> Callable[[str], str]:
    """Load the model; the function returned names a text's language and may be called from any thread."""
    identifier = LanguageIdentifier.from_model_file(MODEL_FILE)
    identifier.set_languages(list(LANGUAGES))

    def detect(text: str) -> str:
        scores = {str(language): float(score) for language, score in identifier.rank(text)}
        best = max(LANGUAGES, key=lambda language: scores.get(language, float("-inf")))
        return best if best == "en" or scores[best] - scores["en"] >= _MARGIN else "en"

    return detect
