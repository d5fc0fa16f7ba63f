"""Summaries of tickets, files and conversations: sentences of the text itself, or a model's that the text carries.

Extractive by default. A sentence's merit is how near it is to the middle of the whole text in meaning (centroid-based
summarisation, Radev et al. 2004), how many hard facts it holds, whether it opens its part or asks something; what says
the same as a sentence already taken is passed over (Carbonell and Goldstein 1998). Sentences keep their order.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import numpy as np

from app.domain.answers import Usage
from app.domain.conversations import Role, Turn
from app.domain.knowledge import Document, DocumentKind, Passage, PassageKind
from app.domain.models import Prompt, Vectors
from app.errors import GenerationFailed, Overloaded
from app.ports import Embedder, Generator
from app.services.answering.facts import hard_facts
from app.services.answering.grounding import Grounder
from app.services.answering.sentences import is_whole, sentences

log = logging.getLogger(__name__)

CountTokens = Callable[[str], int]

SYSTEM = (
    "You summarise IT support texts in one to three short sentences: the problem, its cause, what solved it. "
    "Copy names, menus, commands, numbers and codes exactly. Use only the text; add nothing."
)

_SAME = 0.9
_MOST_SENTENCES = 400
"""More are not embedded: those with the fewest hard facts are left out first."""
_MOST_FACTS = 6
_SHOWN_TOKENS = 600
"""What a model is shown of a long text: its extractive summary of this length."""


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of what is summarised: a section, a turn. `speaker` is put in front of its sentences; `asks`: it asks."""

    text: str
    speaker: str = ""
    asks: bool = False


@dataclass(frozen=True, slots=True)
class Summarised:
    """A summary. `method` is `extractive` or `generative`; `dropped` sentences of a model were not carried."""

    text: str
    method: str = "extractive"
    dropped: int = 0
    usage: Usage = field(default_factory=Usage)


@dataclass(frozen=True, slots=True)
class Merits:
    """What a sentence's merit is made of beside its nearness to the middle of the text, each in cosine points."""

    fact: float = 0.08
    opening: float = 0.1
    question: float = 0.6


@dataclass(frozen=True, slots=True)
class _Sentence:
    text: str
    speaker: str
    opens: bool
    asks: bool
    facts: int


class Summariser:
    """Makes texts shorter. Calls may overlap."""

    def __init__(
        self,
        embedder: Embedder,
        count: CountTokens,
        *,
        generator: Generator | None = None,
        grounder: Grounder | None = None,
        merits: Merits | None = None,
    ) -> None:
        """Take a `generator` that is capable of it, or none; it is used only with the grounder that judges it."""
        self._embedder = embedder
        self._count = count
        self._generator = generator
        self._grounder = grounder
        self._merits = merits or Merits()

    async def summarise(self, parts: Sequence[Part], max_tokens: int, language: str = "en") -> Summarised:
        """Return a summary of at most `max_tokens` tokens, in the text's order; empty where no sentence fits.

        Raises Overloaded and DependencyFailed where the embedding fails; a model that fails is done without.
        """
        if self._generator is not None and self._grounder is not None:
            written = await self._written(self._generator, self._grounder, parts, max_tokens, language)
            if written is not None:
                return written
        return Summarised(await self._extracted(parts, max_tokens))

    async def _extracted(self, parts: Sequence[Part], max_tokens: int) -> str:
        found = _worth_reading(_sentences(parts))
        if not found:
            return ""
        vectors = await self._embedder.embed([sentence.text for sentence in found])
        chosen: list[int] = []
        for at in np.argsort(-self._merit(found, vectors), kind="stable").tolist():
            said = any(float(vectors[at] @ vectors[other]) > _SAME for other in chosen)
            if not said and self._count(_shown([found[other] for other in sorted([*chosen, at])])) <= max_tokens:
                chosen.append(at)
        return _shown([found[at] for at in sorted(chosen)])

    def _merit(self, found: Sequence[_Sentence], vectors: Vectors) -> Vectors:
        middle = vectors.mean(axis=0)
        central = vectors @ middle / max(float(np.linalg.norm(middle)), 1e-9)
        merits = self._merits
        extra = [
            merits.fact * min(item.facts, _MOST_FACTS) + merits.opening * item.opens + merits.question * item.asks
            for item in found
        ]
        return np.asarray(central + np.asarray(extra), dtype=np.float32)

    async def _written(
        self, generator: Generator, grounder: Grounder, parts: Sequence[Part], max_tokens: int, language: str
    ) -> Summarised | None:
        """Return what a model writes as far as the text carries it; None where that is nothing."""
        text = _shown(_sentences(parts))
        shown = text if self._count(text) <= _SHOWN_TOKENS else await self._extracted(parts, _SHOWN_TOKENS)
        try:
            made = await generator.generate(Prompt(SYSTEM, f"{shown}\n\nSummary ({language}):"), max_tokens=max_tokens)
        except (GenerationFailed, Overloaded):
            log.warning("summary not written, taking sentences instead", exc_info=True)
            return None
        said = list(dict.fromkeys(sentence for sentence in sentences(made.text) if is_whole(sentence)))
        source = Document("summarised", DocumentKind.PAGE, "", ())
        passage = Passage("summarised#0", source.id, 0, PassageKind.BODY, "", shown, language)
        carried = await grounder.over([(source, passage)]).carrying(said)
        kept = [sentence for sentence, by in zip(said, carried, strict=True) if by is not None]
        text = "\n".join(kept)
        if not kept or self._count(text) > max_tokens:
            return None
        usage = Usage(made.prompt_tokens, made.completion_tokens)
        return Summarised(text, "generative", len(said) - len(kept), usage)


def of_turns(turns: Sequence[Turn]) -> list[Part]:
    """Return turns as parts: what was asked is what a summary needs most."""
    return [Part(turn.content, f"{turn.role.value}: ", turn.role is Role.USER) for turn in turns]


def of_document(document: Document) -> list[Part]:
    """Return a document's sections as parts."""
    return [Part(section.text) for section in document.sections]


def _sentences(parts: Sequence[Part]) -> list[_Sentence]:
    return [
        _Sentence(
            text,
            speaker=part.speaker,
            opens=not at,
            asks=part.asks and (not at or text.endswith("?")),
            facts=len(hard_facts(text)),
        )
        for part in parts
        for at, text in enumerate(sentences(part.text))
    ]


def _worth_reading(found: list[_Sentence]) -> list[_Sentence]:
    """Return the sentences that are compared, in their order."""
    if len(found) <= _MOST_SENTENCES:
        return found
    best = sorted(range(len(found)), key=lambda at: (not found[at].asks, -found[at].facts, at))[:_MOST_SENTENCES]
    return [found[at] for at in sorted(best)]


def _shown(found: Sequence[_Sentence]) -> str:
    """Return sentences as a text: what one speaker says stands on a line, other sentences follow each other."""
    lines: list[str] = []
    before: str | None = None
    for item in found:
        if item.speaker and item.speaker == before:
            lines[-1] += f" {item.text}"
        else:
            lines.append(f"{item.speaker}{item.text}")
        before = item.speaker
    return "\n".join(lines)
