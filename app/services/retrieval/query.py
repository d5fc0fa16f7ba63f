"""What is searched for: a question made ready, once, before anything is looked up."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from app.domain.conversations import Device, Question
from app.ports import LexicalIndex
from app.services.retrieval.codes import error_codes
from app.services.retrieval.glossary import Glossary
from app.services.retrieval.names import names_in
from app.services.retrieval.platforms import platforms_of
from app.services.retrieval.spelling import corrected


@dataclass(frozen=True, slots=True)
class Query:
    """A question as it is searched.

    `text` stands for itself and has its mistyped words put right; `english` is its gloss, or the text itself where it
    is English or in a language without a glossary; `codes` are the error codes of the question itself;
    `unknown_names` counts the words written like names that nobody here wrote about (0 in
    German, where every noun is);
    `platforms` those it is about: what a follow-up names itself ("and on a Mac?") counts before what was named earlier.
    """

    text: str
    english: str
    language: str
    codes: tuple[str, ...]
    platforms: frozenset[str]
    follow_up: bool
    unknown_names: int = 0

    @property
    def texts(self) -> tuple[str, ...]:
        """What is embedded: the question, and its gloss where that is another text."""
        return tuple(dict.fromkeys((self.text, self.english)))


@dataclass(frozen=True)
class Reader:
    """Makes questions ready. `knows` tells words that are certainly not mistyped."""

    lexical: LexicalIndex
    knows: Callable[[str], bool]
    glossaries: Mapping[str, Glossary]

    def read(self, question: Question, language: str, standalone: str | None = None) -> Query:
        """Return the query for a question, or for the standalone question that a follow-up was made into."""
        whole = question.text if standalone is None else standalone
        text = corrected(whole, self.lexical, self.knows)
        return Query(
            text=text,
            english=self.glossaries[language].translate(text) if language in self.glossaries else text,
            language=language,
            codes=tuple(error_codes(question.text)),
            unknown_names=self._unknown_names(question.text, language),
            platforms=platforms_of(question.text, Device()) or platforms_of(whole, question.device),
            follow_up=standalone is not None,
        )

    def _unknown_names(self, text: str, language: str) -> int:
        # In German every noun is written like a name.
        return sum(self.lexical.match(name, ()).unknown > 0 for name in names_in(text)) if language != "de" else 0
