"""What a follow-up question finds, by the way it is put together with what was asked before."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from app.domain.conversations import Question, Turn
from app.services.evaluation.metrics import mean, ndcg, recall
from app.services.retrieval.followups import asked_in, rarity, standalone, topic_words
from app.services.retrieval.retriever import Retriever

DEPTH = 10
SERVICE: Final = "this service"
_TOPIC = 5

Reading = Callable[[Sequence[Turn], str, Callable[[str], float]], str]
"""Returns what is searched for, of the history, the question and what weighs words."""


@dataclass(frozen=True, slots=True)
class Task:
    """A question of a conversation; `relevant` is empty where nothing answers it, `label` says why."""

    id: str
    domain: str
    text: str
    history: tuple[Turn, ...]
    relevant: tuple[str, ...]
    label: str


@dataclass(frozen=True, slots=True)
class Found:
    """What one reading found for a task: nDCG and recall at 10, and whether the evidence was taken for not enough."""

    task: Task
    ndcg: float
    recall: float
    refused: bool


def _all(history: Sequence[Turn], text: str, _: Callable[[str], float]) -> str:
    return "\n".join([*asked_in(history), text])


def _last(history: Sequence[Turn], text: str, _: Callable[[str], float]) -> str:
    return "\n".join([*asked_in(history)[-1:], text])


def _topic(history: Sequence[Turn], text: str, weigh: Callable[[str], float]) -> str:
    return "\n".join([" ".join(topic_words(asked_in(history), text, weigh, _TOPIC)), text]).strip()


READINGS: Final[Mapping[str, Reading]] = {
    "the question alone": lambda _history, text, _weigh: text,
    "all questions joined": _all,
    "the last one in front": _last,
    "topic words in front": _topic,
    "standalone, always": standalone,
}


async def follow(search: Retriever, tasks: Sequence[Task], tick: Callable[[], None]) -> dict[str, list[Found]]:
    """Return what every reading finds for every task; the service decides by itself whether it follows."""
    weigh = rarity(search.release.lexical)
    found: dict[str, list[Found]] = {name: [] for name in (*READINGS, SERVICE)}
    for task in tasks:
        for name, reading in READINGS.items():
            found[name].append(await _found(search, task, reading(task.history, task.text, weigh), ()))
        found[SERVICE].append(await _found(search, task, task.text, task.history))
        tick()
    return found


async def _found(search: Retriever, task: Task, text: str, history: Sequence[Turn]) -> Found:
    evidence = await search.search(Question(text, top_k=DEPTH), history)
    ranked = [hit.document.id for hit in evidence.hits]
    gain, share = (measure(ranked, task.relevant, DEPTH) for measure in (ndcg, recall))
    return Found(task, gain, share, not evidence.sufficient)


def figures(found: Sequence[Found]) -> dict[str, float]:
    """Return the means: over all that can be answered, per domain, and the shares refused, by label."""
    answerable = [item for item in found if item.task.relevant]
    rows = {
        "ndcg@10": mean([item.ndcg for item in answerable]),
        "recall@10": mean([item.recall for item in answerable]),
        "refused, answerable": mean([float(item.refused) for item in answerable]),
    }
    for label in sorted({item.task.label for item in found if not item.task.relevant}):
        group = [float(item.refused) for item in found if item.task.label == label]
        rows[f"refused, {label.lower()}"] = mean(group)
    for domain in sorted({item.task.domain for item in answerable}):
        group = [item.ndcg for item in answerable if item.task.domain == domain]
        rows[f"{domain}, ndcg@10"] = mean(group)
        rows[f"{domain}, recall@10"] = mean([item.recall for item in answerable if item.task.domain == domain])
    return rows
