"""Asks every question and measures the answers: refused when they should be, carried, right, quick."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.answers import Answer, Outcome
from app.domain.conversations import Question
from app.domain.evaluation import Labelled
from app.domain.knowledge import Document, Passage
from app.ports import ConversationStore, Release
from app.services.answering.facts import hard_facts, plain, stands_in
from app.services.answering.grounding import Grounder, source_of, verbatim
from app.services.answering.sentences import without_number
from app.services.evaluation.metrics import mean, percentile
from app.services.evaluation.turns import turns_of
from app.services.seams import Chat

OWNER = "evaluation"


@dataclass(frozen=True, slots=True)
class Judged:
    """One question, its answer, and what was found in it: counts of (good, all)."""

    question: Labelled
    answer: Answer
    sentences: tuple[int, int]
    hard_facts: tuple[int, int]
    key_facts: tuple[int, int]

    @property
    def refused(self) -> bool:
        """Tell whether nothing was answered."""
        return self.answer.draft.outcome is Outcome.NO_CONTEXT


@dataclass(frozen=True)
class AnswerJudge:
    """Asks and judges; the grounding is judged anew from the text, not taken from the answer's own report."""

    chat: Chat
    store: ConversationStore
    grounder: Grounder
    release: Release

    async def run(self, questions: Sequence[Labelled], tick: Callable[[], None] = lambda: None) -> list[Judged]:
        """Ask every question once, one after the other."""
        judged = []
        for question in questions:
            judged.append(await self._judge(question))
            tick()
        return judged

    async def _judge(self, question: Labelled) -> Judged:
        conversation_id = None
        if question.history:
            conversation_id = f"evaluation-{question.id}"
            await self.store.append(OWNER, conversation_id, turns_of(question))
        answer = await self.chat.ask(Question(question.question, owner=OWNER, conversation_id=conversation_id))
        return Judged(
            question,
            answer,
            await self._carried(answer),
            self._hard_facts(answer),
            key_facts_found(question, answer.draft.text),
        )

    async def _carried(self, answer: Answer) -> tuple[int, int]:
        passages = {passage.id: passage for passage in self.release.passages}
        good = 0
        for sentence in answer.draft.sentences:
            passage = passages[sentence.passage_id]
            source = (self.release.documents[passage.document_id], passage)
            good += verbatim(sentence.text, passage) or await self._carries(sentence.text, source)
        return good, len(answer.draft.sentences)

    async def _carries(self, text: str, source: tuple[Document, Passage]) -> bool:
        [(verdict, _)] = await self.grounder.best([text], [source])
        return verdict.carried

    def _hard_facts(self, answer: Answer) -> tuple[int, int]:
        passages = {passage.id: passage for passage in self.release.passages}
        good = every = 0
        for sentence in answer.draft.sentences:
            passage = passages[sentence.passage_id]
            source = source_of(self.release.documents[passage.document_id], passage)
            facts = hard_facts(without_number(sentence.text))
            good += sum(stands_in(fact, source) for fact in facts)
            every += len(facts)
        return good, every


def key_facts_found(question: Labelled, text: str) -> tuple[int, int]:
    """Return how many key facts a text holds, in any of their spellings, and how many there are."""
    said = plain(text)
    found = sum(any(plain(spelling) in said for spelling in fact) for fact in question.key_facts)
    return found, len(question.key_facts)


def summarise(judged: Sequence[Judged]) -> dict[str, float]:
    """Return the figures over all questions; shares are 0..1, latencies in milliseconds."""
    answerable = [item for item in judged if item.question.answerable]
    unanswerable = [item for item in judged if not item.question.answerable]
    latencies = [1000 * item.answer.processing_time for item in judged]
    return {
        "questions": len(judged),
        "answered": sum(not item.refused for item in judged),
        "refused": sum(item.refused for item in judged),
        "refusal_recall": mean([float(item.refused) for item in unanswerable]),
        "false_refusals": mean([float(item.refused) for item in answerable]),
        "grounded_sentences": _share([item.sentences for item in judged]),
        "hard_fact_precision": _share([item.hard_facts for item in judged]),
        "key_fact_recall": _share([item.key_facts for item in answerable]),
        "partial": mean([float(item.answer.draft.outcome is Outcome.PARTIAL) for item in answerable]),
        "p50_ms": percentile(latencies, 0.5),
        "p95_ms": percentile(latencies, 0.95),
    }


def _share(counts: Sequence[tuple[int, int]]) -> float:
    every = sum(count for _, count in counts)
    return sum(good for good, _ in counts) / every if every else 1.0
