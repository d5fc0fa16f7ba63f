"""Composes a draft from evidence: extractive, or generated and then held to the evidence."""

import json
import logging
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from app.domain.answers import AnswerMode, Draft, Grounding, Outcome, Usage
from app.domain.conversations import Question
from app.domain.retrieval import Evidence, Hit
from app.errors import GenerationFailed
from app.ports import Generator, Release
from app.services.answering import prompting
from app.services.answering.extractive import CountTokens, extract
from app.services.answering.facts import plain
from app.services.answering.grounding import Grounder
from app.services.answering.rendering import Carried, cite, number, render
from app.services.answering.sentences import is_whole, sentences, without_mark

log = logging.getLogger(__name__)

EXTRACTIVE = "extractive"
RULES = "1"
"""Names the rules by which sentences are taken and held to their evidence; part of the answer cache's key."""

_MARK = re.compile(r"\s*\[\d{1,3}\]")


@dataclass(frozen=True, slots=True)
class ComposeRules:
    """How answers are made.

    `measured` says, per model and shape of the best document (`steps` or `prose`), which mode was measured better; a
    model that was not measured answers extractively. A generated answer is kept when at least `min_kept` of its
    sentences are carried, and it holds at least `min_sentences` of them.
    """

    mode: AnswerMode = AnswerMode.AUTO
    measured: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    min_kept: float = 0.5
    min_sentences: int = 2
    evidence_tokens: int = 600


class Composer:
    """Makes drafts; holds no state of its own."""

    def __init__(
        self, count: CountTokens, generator: Generator | None, grounder: Grounder, rules: ComposeRules
    ) -> None:
        self._count = count
        self._generator = generator
        self._grounder = grounder
        self._rules = rules

    @property
    def rules_version(self) -> str:
        """Name everything of the composing that could change an answer: what writes it, code rules and knobs."""
        writer = self._generator.spec.model_id if self._generator else EXTRACTIVE
        rules = self._rules
        measured = json.dumps(dict(rules.measured.get(writer, {})), sort_keys=True)
        knobs = f"{rules.min_kept}/{rules.min_sentences}/{rules.evidence_tokens}/{self._grounder.rules}"
        return f"{RULES}/{writer}/{rules.mode}/{measured}/{knobs}"

    async def compose(self, question: Question, evidence: Evidence, release: Release) -> Draft:
        """Return a draft whose every sentence is carried; `evidence` must be sufficient."""
        main, whole = extract(question.text, evidence, release, self._count, question.max_tokens)
        generator = self._generator
        if generator is None or self._mode(generator, evidence.hits[0]) is AnswerMode.EXTRACT:
            return self._extractive(main, whole=whole)
        try:
            return await self._generated(generator, question, evidence, main, whole=whole)
        except GenerationFailed:
            log.warning("generation failed, answering from the evidence", exc_info=True)
            return self._extractive(main, whole=whole, grounding=Grounding("extractive", fallback=True))

    def _mode(self, generator: Generator, hit: Hit) -> AnswerMode:
        if self._rules.mode is not AnswerMode.AUTO:
            return self._rules.mode
        measured = self._rules.measured.get(generator.spec.model_id, {})
        return AnswerMode(measured.get(shape(hit), AnswerMode.EXTRACT))

    def _extractive(
        self,
        carried: Sequence[Carried],
        *,
        whole: bool,
        grounding: Grounding | None = None,
        usage: Usage | None = None,
    ) -> Draft:
        spent = sum(self._count(item.text) for item in carried)
        base = grounding or Grounding("extractive")
        return draft(
            carried,
            whole=whole,
            method=Grounding(base.method, len(carried), len(carried), base.dropped, base.fallback),
            usage=usage or Usage(0, spent),
            model=EXTRACTIVE,
        )

    async def _generated(
        self,
        generator: Generator,
        question: Question,
        evidence: Evidence,
        main: Sequence[Carried],
        *,
        whole: bool,
    ) -> Draft:
        blocks = prompting.pack(evidence.hits, main, generator.count_tokens, self._rules.evidence_tokens)
        prompt = prompting.build(question.text, blocks)
        written = await generator.generate(prompt, max_tokens=question.max_tokens)
        usage = Usage(written.prompt_tokens, written.completion_tokens)
        said = _sentences(written.text)
        kept = await self._carried([sentence for sentence in said if is_whole(sentence)], evidence, main)
        dropped = len(said) - len(kept)
        if not self._enough(len(kept), len(said), len(main)):
            fallback = Grounding("generative", dropped=dropped, fallback=True)
            return self._extractive(main, whole=whole, grounding=fallback, usage=usage)
        grounding = Grounding("generative", len(kept), len(kept), dropped)
        return draft(kept, whole=dropped == 0, method=grounding, usage=usage, model=generator.spec.model_id)

    def _enough(self, kept: int, said: int, main: int) -> bool:
        least = max(1, min(self._rules.min_sentences, main))
        return kept >= least and kept >= self._rules.min_kept * said

    async def _carried(self, said: Sequence[str], evidence: Evidence, main: Sequence[Carried]) -> list[Carried]:
        """Return the sentences that a passage carries."""
        sources = {item.passage.id: (item.document, item.passage) for item in main}
        sources |= {hit.passage.id: (hit.document, hit.passage) for hit in evidence.hits}
        listed = list(sources.values())
        kept: list[Carried] = []
        for text, (verdict, at) in zip(said, await self._grounder.best(said, listed), strict=True):
            if verdict.carried:
                document, passage = listed[at]
                kept.append(Carried(text, passage, document, line=True))
        return kept


def _sentences(written: str) -> list[str]:
    """Return what a model wrote, each sentence once, without marks of its own: they cite nothing."""
    found: dict[str, str] = {}
    for sentence in sentences(_MARK.sub("", written)):
        found.setdefault(plain(without_mark(sentence)), sentence)
    return list(found.values())


def shape(hit: Hit) -> str:
    """Tell a document with numbered steps from prose: models differ in which of them they handle better."""
    return "steps" if any(section.steps for section in hit.document.sections) else "prose"


def draft(carried: Sequence[Carried], *, whole: bool, method: Grounding, usage: Usage, model: str) -> Draft:
    """Put carried sentences together."""
    return Draft(
        text="".join(render(carried)),
        outcome=Outcome.ANSWERED if whole else Outcome.PARTIAL,
        sentences=number(carried),
        citations=cite(carried),
        grounding=method,
        usage=usage,
        model=model,
    )
