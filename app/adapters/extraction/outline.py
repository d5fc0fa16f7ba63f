"""Puts what a reader of any format finds, headings and blocks in their order, together as sections."""

import re
from collections.abc import Mapping, Sequence

from app.adapters.extraction.cleaning import cleaned, line
from app.adapters.extraction.limits import Budget
from app.domain.extraction import Extracted
from app.domain.knowledge import Metadata, Risk, Section, SectionKind, Step
from app.domain.text import fold
from app.errors import DocumentRefused

_WORDS = {
    SectionKind.SYMPTOM: "symptoms?|problems?|issue|symptome|sintomas?|probleme|problema|symptomes?",
    SectionKind.CAUSE: "causes?|root cause|reason|ursachen?|causas?",
    SectionKind.STEPS: "resolutions?|steps?|solutions?|workarounds?|fix|procedure|losung(?:en)?|schritte|behebung|"
    "solucion|solucione?s|pasos|etapes|resolution steps|steps to resolve|how to fix",
    SectionKind.FALLBACK: "if that did not help|if this does not help",
}
_KINDS = tuple((re.compile(rf"(?:{words})(?: \d+)?(?:$|[:/,].*| (?:for|-|–|—) .*)"), k) for k, words in _WORDS.items())
_RISK = re.compile(r"\[(admin|destructive)\] +")
_TITLE_CHARS = 150


def kind_of(heading: str) -> SectionKind | None:
    """Return what a heading says its section is for, None where it says nothing."""
    plain = fold(heading).strip().rstrip(":")
    return next((kind for pattern, kind in _KINDS if pattern.fullmatch(plain)), None)


class Outline:
    """Collects one document. A heading inherits what it is for from the one above it, and its name stands after it."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._sections: list[Section] = []
        self._above: list[tuple[int, str, SectionKind | None]] = []
        self._heading, self._kind = "", SectionKind.BODY
        self._blocks: list[str] = []
        self._steps: list[str] = []
        self.title = ""

    def heading(self, level: int, text: str) -> None:
        """Begin a section; a first heading of level 1 names the document instead."""
        name = line(text)
        self._budget.take_text(name)
        if level == 1 and name and not (self.title or self._sections or self._above):
            self.title = name
            return
        self._end()
        self._above = [entry for entry in self._above if entry[0] < level]
        inherited = self._above[-1][2] if self._above else None
        kind = kind_of(name) or inherited
        self._heading = line(": ".join([entry[1] for entry in self._above[-1:]] + [name])) if name else ""
        self._kind = kind or SectionKind.BODY
        if name:
            self._above.append((level, name, kind))

    def block(self, text: str, steps: Sequence[str] = ()) -> None:
        """Add a paragraph, a table, a list, code; `steps` are the texts of its numbered items."""
        whole = cleaned(text)
        if whole.strip():
            self._budget.take_text(whole)
            self._blocks.append(whole)
            self._steps.extend(cleaned(" ".join(step.split())) for step in steps)

    def finish(
        self,
        key: str,
        title: str = "",
        language: str = "",
        aliases: Mapping[str, tuple[str, ...]] | None = None,
        metadata: Metadata | None = None,
    ) -> Extracted:
        """Return the document; raises DocumentRefused where it holds no text."""
        self._end()
        if not self._sections:
            raise DocumentRefused("no_text", "holds no text that can be read")
        name = (
            line(title) or self.title or line(self._sections[0].text.lstrip("#>-*` ").split("\n", 1)[0], _TITLE_CHARS)
        )
        sections = tuple(self._sections)
        self._budget.take_document(sections)
        return Extracted(line(key, 200) or "1", name, sections, language, dict(aliases or {}), dict(metadata or {}))

    def _end(self) -> None:
        if self._blocks:
            steps = tuple(_steps(self._steps)) if self._kind is SectionKind.STEPS else ()
            kind = SectionKind.BODY if self._kind is SectionKind.STEPS and not steps else self._kind
            self._sections.append(Section(self._heading, kind, "\n\n".join(self._blocks).strip(), steps))
        self._blocks, self._steps = [], []


def _steps(texts: Sequence[str]) -> list[Step]:
    told = [text for text in texts if text]
    marked = [(text, _RISK.match(text)) for text in told]
    return [
        Step(number, text[found.end() :], Risk(found[1])) if found else Step(number, text)
        for number, (text, found) in enumerate(marked, 1)
    ]
