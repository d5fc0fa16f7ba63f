"""Which way of answering is better, per model and shape of document, by key facts told."""

from collections.abc import Mapping, Sequence

from app.domain.answers import AnswerMode
from app.services.answering.composer import shape
from app.services.evaluation.answers import Judged, summarise

Table = dict[str, dict[str, float]]


def compare(judged: Mapping[AnswerMode, Sequence[Judged]]) -> Table:
    """Return the figures of every mode for every shape of the best document."""
    table: Table = {}
    for mode, items in judged.items():
        for name in ("steps", "prose"):
            group = [item for item in items if item.answer.hits and shape(item.answer.hits[0]) == name]
            table[f"{mode.value}, {name}"] = summarise(group)
    return table


def better(table: Table) -> dict[str, str]:
    """Return the mode with the higher key-fact recall for each shape; a tie goes to the one without a model."""

    def told(mode: AnswerMode, name: str) -> float:
        return table[f"{mode.value}, {name}"]["key_fact_recall"]

    def best(name: str) -> AnswerMode:
        return max((AnswerMode.EXTRACT, AnswerMode.GENERATE), key=lambda mode: told(mode, name))

    return {name: best(name).value for name in ("steps", "prose")}
