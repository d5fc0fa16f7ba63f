"""Puts candidates in order and says how likely each of them answers."""

from collections.abc import Sequence

from app.domain.knowledge import Passage, PassageKind
from app.domain.retrieval import Hit
from app.ports import Release
from app.services.retrieval.calibration import Calibration, Features
from app.services.retrieval.fusion import Candidate
from app.services.retrieval.platforms import is_for_another
from app.services.retrieval.query import Query

OTHER_PLATFORM = 0.06
"""Taken from a document that is for another platform than the question's."""

SAME_CODE = 0.3
"""Given to a document that holds an error code of the question: more than words or meaning can make up for."""

_HELD = 0.6
_FIELD = slice(2, 10)


def in_order(release: Release, found: Sequence[Candidate], query: Query) -> list[Candidate]:
    """Return candidates best first: by similarity, error codes and platform."""

    def merit(item: Candidate) -> float:
        other = is_for_another(release.documents[item.document_id], query.platforms)
        return item.fused + SAME_CODE * holds_code(release, item, query) - OTHER_PLATFORM * other

    return sorted(found, key=lambda item: -merit(item))


def holds_code(release: Release, item: Candidate, query: Query) -> bool:
    """Tell whether a document holds an error code of the question."""
    rows = release.rows[item.document_id]
    return any(release.lexical.coverage(code, rows) >= _HELD for code in query.codes)


def scored(release: Release, ordered: Sequence[Candidate], query: Query, calibration: Calibration) -> list[Hit]:
    """Return hits with calibrated scores that fall with rank."""
    field = usual(ordered)
    hits: list[Hit] = []
    ceiling = 1.0
    for item in ordered:
        ceiling = min(ceiling, calibration.score(features(release, item, query, field)))
        document = release.documents[item.document_id]
        hits.append(Hit(document, shown_passage(release, item), ceiling, item.cosine, item.lexical))
    return hits


def usual(ordered: Sequence[Candidate]) -> float:
    """Return the mean cosine of the field behind the leaders, 0 where there is none."""
    field = [item.cosine for item in ordered[_FIELD]]
    return sum(field) / len(field) if field else 0.0


def features(release: Release, item: Candidate, query: Query, field: float) -> Features:
    """Return what is known of a candidate; `field` is the mean cosine behind the leaders."""
    rows = release.rows[item.document_id]
    words = release.lexical.match(query.english, rows)
    found = holds_code(release, item, query)
    return Features(
        cosine=item.cosine,
        coverage=words.covered,
        missing=words.rarest_missing,
        unknown=words.unknown,
        lead=item.cosine - field,
        code_found=float(found),
        code_missing=float(bool(query.codes) and not found),
        words=words.log_count,
        foreign=float(query.language != "en"),
        follow_up=float(query.follow_up),
    )


def shown_passage(release: Release, item: Candidate) -> Passage:
    """Return the passage to show for a hit: of a name, or of another's words, the steps of the document."""
    passage = release.passages[item.row]
    if passage.kind is not PassageKind.ALIAS and passage.document_id == item.document_id:
        return passage
    written = [own for own in release.own_passages(item.document_id) if own.kind is not PassageKind.ALIAS]
    steps = [own for own in written if own.kind is PassageKind.STEPS]
    return (steps or written or [passage])[0]
