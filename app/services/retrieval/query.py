"""What is searched for: a question made ready, once, before anything is looked up."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from app.domain.conversations import Question, Turn
from app.ports import LexicalIndex
from app.services.retrieval.codes import error_codes
from app.services.retrieval.followups import standalone
from app.services.retrieval.glossary import Glossary
from app.services.retrieval.platforms import platforms_of
from app.services.retrieval.spelling import corrected


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched.

    `text` stands for itself and has its mistyped words put right; `english` is its gloss, or the text itself where it
    is English or in a language without a glossary; `codes` are the error codes of the question itself;
    `platforms` those it is about.
    """

    text: str
    english: str
    language: str
    codes: tuple[str, ...]
    platforms: frozenset[str]
    follow_up: bool

    @property
    def texts(self) -> tuple[str, ...]:
        """What is embedded: the question, and its gloss where that is another text."""
        return tuple(dict.fromkeys((self.text, self.english)))


def understand(
    question: Question,
    history: Sequence[Turn],
    language: str,
    lexical: LexicalIndex,
    knows: Callable[[str], bool],
    glossaries: Mapping[str, Glossary],
) -> Query:
    """Return the query for a question in its conversation; `knows` tells words that are certainly not mistyped."""
    whole = standalone(question.text, history)
    text = corrected(whole, lexical, knows) if language == "en" else whole
    return Query(
        text=text,
        english=glossaries[language].translate(text) if language in glossaries else text,
        language=language,
        codes=tuple(error_codes(question.text)),
        platforms=platforms_of(whole, question.device),
        follow_up=whole != question.text,
    )
