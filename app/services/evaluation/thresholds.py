"""Finds the grounding thresholds: how near a rephrased sentence must be to its passage.

Solved tickets that name their article are rephrasings by people: their resolution against that article is what should
be carried; the same sentences against other articles of the category, and the steps of those against one another, is
what should not.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import product

from app.domain.evaluation import Half, half_of
from app.domain.knowledge import Document, DocumentKind, Passage, PassageKind, SectionKind
from app.ports import Release
from app.services.answering.grounding import Grounder, GroundingRules, Verdict
from app.services.answering.sentences import sentences
from app.services.evaluation.metrics import mean

FALSELY_CARRIED = 0.01
"""The share of foreign sentences that may pass."""

_COSINES = (0.5, 0.55, 0.6, 0.65, 0.7, 0.75, 0.8)
_WORDS = (0.5, 0.6, 0.7, 0.8)
_SIBLINGS = 5


@dataclass(frozen=True, slots=True)
class Verdicts:
    """Verdicts on sentences that are a passage's own, rephrased, and on those that are another's."""

    own: Sequence[Verdict]
    foreign: Sequence[Verdict]


async def collect(release: Release, grounder: Grounder, tick: Callable[[], None] = lambda: None) -> Verdicts:
    """Judge the tune half's tickets and articles against their own and their neighbours' passages."""
    documents = release.documents
    own: list[Verdict] = []
    foreign: list[Verdict] = []
    for document in documents.values():
        tick()
        if half_of(document.id) is not Half.TUNE:
            continue
        article = documents.get(str(document.metadata.get("article")))
        said = _said(document)
        if article is not None:
            own += await _judged(release, grounder, said, article)
        if article is not None or document.kind is DocumentKind.ARTICLE:
            for other in _neighbours(release, article or document):
                foreign += await _judged(release, grounder, said, other)
    # What two articles say in the same words is no error of the judge.
    return Verdicts(own, [verdict for verdict in foreign if verdict.cosine < 1.0])


def choose(verdicts: Verdicts) -> tuple[GroundingRules, dict[str, dict[str, float]]]:
    """Return the rules that carry most of the rephrasings while foreign sentences stay out, and the whole table.

    Of rules that carry as many, the strictest; where there is nothing to measure on, the cautious default.
    """
    table: dict[str, dict[str, float]] = {}
    best, most = GroundingRules(max(_COSINES), max(_WORDS)), 0.0
    for cosine, words in product(_COSINES, _WORDS):
        rules = GroundingRules(cosine, words)
        carried = mean([float(rules.near(verdict)) for verdict in verdicts.own])
        wrong = mean([float(rules.near(verdict)) for verdict in verdicts.foreign])
        table[f"cosine {cosine}, words {words}"] = {"carried": carried, "falsely carried": wrong}
        if wrong <= FALSELY_CARRIED and carried >= most:
            best, most = rules, carried
    return best if verdicts.own and verdicts.foreign else GroundingRules(), table


def _said(document: Document) -> list[str]:
    steps = document.section(SectionKind.STEPS)
    body = document.section(SectionKind.BODY)
    if steps is not None:
        return [step.text for step in steps.steps]
    return sentences(body.text) if body is not None else []


def _neighbours(release: Release, article: Document) -> list[Document]:
    """Return a few other articles of the same category: the hardest to tell apart."""
    category = article.metadata.get("category")
    others = (
        other
        for other in release.documents.values()
        if other.kind is DocumentKind.ARTICLE and other.metadata.get("category") == category and other.id != article.id
    )
    return [other for _, other in zip(range(_SIBLINGS), others, strict=False)]


async def _judged(release: Release, grounder: Grounder, said: Sequence[str], article: Document) -> list[Verdict]:
    sources: list[tuple[Document, Passage]] = [
        (article, passage) for passage in release.own_passages(article.id) if passage.kind is not PassageKind.ALIAS
    ]
    return [verdict for verdict, _ in await grounder.best(said, sources)]
