"""Composes a draft from evidence: extractive, or generated and held to the evidence as it is written."""

import json
import logging
from collections.abc import AsyncGenerator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace

from app.domain.answers import AnswerMode, Draft, Grounding, Outcome, Usage
from app.domain.conversations import Background, Question
from app.domain.events import SourceCited, TextSaid
from app.domain.models import Generation, Prompt
from app.domain.retrieval import Evidence, Hit
from app.errors import GenerationFailed, Overloaded
from app.ports import Generator, Release
from app.services.answering import prompting
from app.services.answering.cost import Cost
from app.services.answering.extractive import CountTokens, extract
from app.services.answering.grounding import Grounder
from app.services.answering.rendering import Carried, cite, number, render
from app.services.answering.sentences import SentenceReader
from app.services.answering.telling import Teller, told
from app.services.answering.writing import Writing, WritingRules

log = logging.getLogger(__name__)

EXTRACTIVE = "extractive"
REMOTE = "remote"
"""The device of a model that a server runs."""
RULES = "3"
"""Names the rules by which sentences are taken and held to their evidence; part of the answer cache's key."""

_SHAPES = ("steps", "prose")

Composing = AsyncGenerator[TextSaid | SourceCited | Draft, None]
"""What is told of an answer as it is composed, and the whole draft last."""


@dataclass(frozen=True, slots=True)
class ComposeRules:
    """How answers are made.

    `measured` says, per model and shape of the best document (`steps` or `prose`), which mode was measured better; a
    model that was not measured answers as `unmeasured` says. A generated answer stands once `min_sentences` are
    carried, and the share `min_kept` of those written so far; until then nothing of it is told, and the extractive
    answer may take its place. `repeats` and `strays` say when its model is stopped, see WritingRules.
    `evidence_tokens` bound what it is shown, the lines of the extractive answer first and in any case; whole passages
    of other documents were measured to halve the answers a second and to lose key facts.
    """

    mode: AnswerMode = AnswerMode.AUTO
    measured: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    unmeasured: AnswerMode = AnswerMode.EXTRACT
    min_kept: float = 0.5
    min_sentences: int = 2
    evidence_tokens: int = 200
    repeats: int = 1
    strays: int = 2


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
        knobs = (
            rules.unmeasured,
            rules.min_kept,
            rules.min_sentences,
            rules.evidence_tokens,
            rules.repeats,
            rules.strays,
        )
        return f"{RULES}/{writer}/{rules.mode}/{measured}/{knobs}/{self._grounder.rules}"

    @property
    def writes(self) -> bool:
        """Tell whether there are answers that a model writes."""
        if self._generator is None or self._rules.mode is not AnswerMode.AUTO:
            return self._generator is not None and self._rules.mode is AnswerMode.GENERATE
        measured = self._rules.measured.get(self._generator.spec.model_id, {})
        return AnswerMode.GENERATE in {AnswerMode(measured.get(form, self._rules.unmeasured)) for form in _SHAPES}

    def needed(self, question: Question) -> int:
        """Return how many tokens of a prompt are for instructions and evidence, at most."""
        return self._count(prompting.SYSTEM) + self._rules.evidence_tokens + question.max_tokens

    async def compose(self, question: Question, evidence: Evidence, release: Release) -> Draft:
        """Return a draft whose every sentence is carried; `evidence` must be sufficient. The stream, gathered."""
        async with aclosing(self.stream(question, evidence, release)) as composing:
            async for item in composing:
                if isinstance(item, Draft):
                    return item
        raise AssertionError("composing ends with a draft")

    async def stream(
        self, question: Question, evidence: Evidence, release: Release, background: Background | None = None
    ) -> Composing:
        """Tell an answer as it is composed, then its draft; `evidence` must be sufficient.

        Closing the iterator stops the model. One that fails is replaced by the evidence, see Draft.
        """
        main, whole = extract(question.text, evidence, release, self._count, question.max_tokens)
        generator = self._generator
        if generator is None or self._mode(generator, evidence.hits[0]) is AnswerMode.EXTRACT:
            draft = self._extractive(main, whole=whole)
            for event in told(draft):
                yield event
            yield draft
            return
        work = _Work(generator, question, evidence, main, whole, background)
        async with aclosing(self._generated(work)) as generated:
            async for item in generated:
                yield item

    def _mode(self, generator: Generator, hit: Hit) -> AnswerMode:
        if self._rules.mode is not AnswerMode.AUTO:
            return self._rules.mode
        measured = self._rules.measured.get(generator.spec.model_id, {})
        return AnswerMode(measured.get(shape(hit), self._rules.unmeasured))

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

    async def _generated(self, work: "_Work") -> Composing:
        blocks = prompting.pack(work.evidence.hits, work.main, work.generator.count_tokens, self._rules.evidence_tokens)
        prompt = prompting.build(work.question.text, blocks, work.background)
        writing, cost, teller = self._writing(work), Cost(work.generator, prompt), Teller()
        failed = False
        try:
            async with aclosing(self._written(work, prompt, writing, cost)) as sentences:
                async for sentence in sentences:
                    for event in teller.tell(sentence):
                        yield event
        except (GenerationFailed, Overloaded) as error:
            # Our own queue says when to come back; a server's says nothing about what can be answered without it.
            if isinstance(error, Overloaded) and work.generator.spec.device != REMOTE:
                raise
            log.warning("generation failed, answering from the evidence", exc_info=True)
            failed = True
        if writing.stands:
            grounding = Grounding("generative", len(writing.kept), len(writing.kept), writing.dropped)
            whole, model = writing.dropped == 0 and not failed, work.generator.spec.model_id
            yield draft(writing.kept, whole=whole, method=grounding, usage=cost.usage, model=model, degraded=failed)
            return
        instead = self._instead(work, writing, cost, failed=failed)
        for event in told(instead):
            yield event
        yield instead

    async def _written(
        self, work: "_Work", prompt: Prompt, writing: Writing, cost: Cost
    ) -> AsyncGenerator[Carried, None]:
        """Yield the sentences that may be told, until the model has ended or need not go on."""
        reader = SentenceReader()
        async with aclosing(work.generator.stream(prompt, max_tokens=work.question.max_tokens)) as pieces:
            async for piece in pieces:
                ended = reader.end() if isinstance(piece, Generation) else reader.read(piece.text)
                cost.add(piece)
                for sentence in await writing.take(ended):
                    yield sentence
                if writing.over:
                    return

    def _writing(self, work: "_Work") -> Writing:
        sources = {item.passage.id: (item.document, item.passage) for item in work.main}
        sources |= {hit.passage.id: (hit.document, hit.passage) for hit in work.evidence.hits}
        rules = self._rules
        least = max(1, min(rules.min_sentences, len(work.main)))
        return Writing(
            self._grounder.over([*sources.values()]),
            work.main,
            WritingRules(least, rules.min_kept, rules.repeats, rules.strays),
        )

    def _instead(self, work: "_Work", writing: Writing, cost: Cost, *, failed: bool) -> Draft:
        """Return the extractive answer that takes the place of a generated one."""
        if failed:
            grounding = Grounding("extractive", fallback=True)
            return replace(self._extractive(work.main, whole=work.whole, grounding=grounding), degraded=True)
        dropped = writing.dropped + len(writing.kept)
        grounding = Grounding("generative", dropped=dropped, fallback=True)
        return self._extractive(work.main, whole=work.whole, grounding=grounding, usage=cost.usage)


@dataclass(frozen=True, slots=True)
class _Work:
    """What a model is to answer; `main` is the extractive answer, `whole` tells that all of it fits."""

    generator: Generator
    question: Question
    evidence: Evidence
    main: Sequence[Carried]
    whole: bool
    background: Background | None = None


def shape(hit: Hit) -> str:
    """Tell a document with numbered steps from prose: models differ in which of them they handle better."""
    return _SHAPES[0] if any(section.steps for section in hit.document.sections) else _SHAPES[1]


def draft(
    carried: Sequence[Carried], *, whole: bool, method: Grounding, usage: Usage, model: str, degraded: bool = False
) -> Draft:
    """Put carried sentences together."""
    return Draft(
        text="".join(render(carried)),
        outcome=Outcome.ANSWERED if whole else Outcome.PARTIAL,
        sentences=number(carried),
        citations=cite(carried),
        grounding=method,
        usage=usage,
        model=model,
        degraded=degraded,
    )
