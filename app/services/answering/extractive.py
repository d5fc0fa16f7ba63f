"""Answers without a model: the evidence's own sentences, in its own order.

For an article these are its steps; for a solved ticket, its resolution; for any other page, the sentences of the best
passage. What does not fit within the token budget is left out where it says least, never cut in the middle.
"""

import re
from collections.abc import Callable, Sequence

from app.domain.knowledge import DocumentKind, PassageKind
from app.domain.retrieval import Evidence, Hit
from app.ports import Release
from app.services.answering.facts import hard_facts, plain
from app.services.answering.rendering import Carried
from app.services.answering.sentences import is_whole, sentences

CountTokens = Callable[[str], int]

_WHY = re.compile(r"\b(why|reason|cause|meaning|means?|warum|wieso|weshalb|pourquoi|por qu[eé])\b", re.IGNORECASE)
_WHAT_NOW = re.compile(
    r"\b(still|already (?:did|tried)|did that|tried (?:that|it|all)|what (?:now|else|next)|no luck|didn'?t help"
    r"|nothing (?:helps|changed)|same (?:thing|problem|error)|immer noch|was jetzt|toujours|encore|sigue|todav[ií]a)\b",
    re.IGNORECASE,
)
_WARNING = re.compile(r"\b(do not|don't|never|at once|immediately)\b|^\d+\. \[(?:admin|destructive)\]", re.IGNORECASE)
_MUST = 5.0
_STEM = 4
_BOLD = re.compile(r"\*\*([^*\n]+)\*\*")


def extract(
    text: str, evidence: Evidence, release: Release, count: CountTokens, max_tokens: int
) -> tuple[list[Carried], bool]:
    """Return the sentences that answer, and whether all that belong to the answer fit.

    `text` is the question as asked: it decides whether the cause or the next resort is part of the answer.
    """
    hit = evidence.hits[0]
    parts = _parts(hit, release)
    main = parts.get(PassageKind.STEPS) or parts.get(PassageKind.BODY) or _of_passage(hit)
    if hit.document.kind is DocumentKind.FILE:
        main = _asked_for(main, text)
    lead = parts.get(PassageKind.CAUSE, []) if _WHY.search(text) else []
    after = parts.get(PassageKind.FALLBACK, [])
    if after and _WHAT_NOW.search(text):
        lead, after = after, []
    first = _leading(lead, count, max_tokens)
    budget = max_tokens - _spent(first, count)
    kept = fit(main, count, budget, text)
    whole = len(first) == len(lead) and len(kept) == len(main)
    more = _leading(after, count, budget - _spent(kept, count)) if whole else []
    return [*first, *kept, *more], whole


def _spent(units: Sequence[Carried], count: CountTokens) -> int:
    """Return the tokens of units; citation marks are not counted."""
    return sum(count(unit.text) for unit in units)


def fit(units: Sequence[Carried], count: CountTokens, budget: int, text: str) -> list[Carried]:
    """Return the units within a token budget in their order; those that say least are left out first."""
    asked = set(plain(text).split())
    kept: set[int] = set()
    for at in sorted(range(len(units)), key=lambda at: (-_value(units[at].text, asked), at)):
        needed = count(units[at].text)
        if needed <= budget:
            kept.add(at)
            budget -= needed
    return [unit for at, unit in enumerate(units) if at in kept]


def _value(sentence: str, asked: set[str]) -> float:
    """Say how much a sentence would be missed: by its hard facts, and by the words of the question in it.

    A warning, or a step that can do harm, is missed most.
    """
    said = len(hard_facts(sentence)) + 0.5 * len(asked & set(plain(sentence).split()))
    return said + (_MUST if _WARNING.search(sentence) else 0.0)


def _leading(units: Sequence[Carried], count: CountTokens, budget: int) -> list[Carried]:
    """Return the first units that fit."""
    kept: list[Carried] = []
    for unit in units:
        budget -= count(unit.text)
        if budget < 0:
            break
        kept.append(unit)
    return kept


def _parts(hit: Hit, release: Release) -> dict[PassageKind, list[Carried]]:
    """Return the sentences of a structured document by what its sections are for."""
    parts: dict[PassageKind, list[Carried]] = {}
    rows = release.own_passages(hit.document.id)
    if not any(row.kind in {PassageKind.STEPS, PassageKind.SYMPTOM} for row in rows):
        return parts
    for passage in rows:
        if passage.kind is PassageKind.BODY and PassageKind.STEPS in parts:
            continue
        line = passage.kind is PassageKind.STEPS
        units = passage.text.splitlines() if line else sentences(passage.text)
        carried = [Carried(_unmarked(unit), passage, hit.document, line) for unit in units if unit.strip()]
        parts.setdefault(passage.kind, []).extend(carried)
    return parts


def _of_passage(hit: Hit) -> list[Carried]:
    """Return the whole sentences of the best passage of a page without known sections."""
    lines = [line.strip() for line in hit.passage.text.splitlines() if line.strip()]
    several = len(lines) > 1
    units = [unit for line in lines for unit in sentences(line)]
    whole = [unit for unit in units if is_whole(unit)] or units
    return [Carried(_unmarked(unit), hit.passage, hit.document, several) for unit in whole]


def _asked_for(units: list[Carried], text: str) -> list[Carried]:
    """Return the lines of a file that hold words of the question by their beginnings; all where none does."""
    stems = {word[:_STEM] for word in plain(text).split() if len(word) >= _STEM}
    return [unit for unit in units if any(stem in plain(unit.text) for stem in stems)] or units


def _unmarked(text: str) -> str:
    """Return a sentence without bold marks: they cost tokens and mean nothing to programs."""
    return _BOLD.sub(r"\1", text)
