"""Puts candidates in order and says how likely each of them answers."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import compress

from app.domain.knowledge import DocumentKind, Passage, PassageKind
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
_NAMES = 4
_FIELD = slice(2, 10)


def in_order(
    release: Release, found: Sequence[Candidate], query: Query, penalty: Callable[[str], float] = lambda _: 0.0
) -> list[Candidate]:
    """Return candidates best first: by similarity, error codes, platform, and what `penalty` takes from a document."""

    def merit(item: Candidate) -> float:
        other = is_for_another(release.documents[item.document_id], query.platforms)
        code = SAME_CODE * holds_code(release, item, query)
        return item.fused + code - OTHER_PLATFORM * other - penalty(item.document_id)

    return sorted(found, key=lambda item: -merit(item))


def holds_code(release: Release, item: Candidate, query: Query) -> bool:
    """Tell whether a document holds an error code of the question."""
    rows = release.rows[item.document_id]
    return any(release.lexical.coverage(code, rows) >= _HELD for code in query.codes)


def scored(
    release: Release, ordered: Sequence[Candidate], query: Query, calibration: Calibration, field: "Field | None" = None
) -> list[Hit]:
    """Return hits with calibrated scores that fall with rank; `field` is that of another order than this one."""
    field = field or field_of(ordered)
    hits: list[Hit] = []
    ceiling = 1.0
    for item in ordered:
        ceiling = min(ceiling, calibration.score(features(release, item, query, field)))
        document = release.documents[item.document_id]
        hits.append(Hit(document, shown_passage(release, item), ceiling, item.cosine, item.lexical))
    return hits


@dataclass(frozen=True, slots=True)
class Field:
    """The hits one is compared with: mean cosine behind the leaders (0 where there is none), and the largest of all."""

    usual: float
    largest: float


def field_of(ordered: Sequence[Candidate]) -> Field:
    """Return the field of some hits, best first."""
    behind = [item.cosine for item in ordered[_FIELD]]
    largest = max((item.cosine for item in ordered[: _FIELD.stop]), default=0.0)
    return Field(sum(behind) / len(behind) if behind else 0.0, largest)


def features(release: Release, item: Candidate, query: Query, field: Field) -> Features:
    """Return what is known of a candidate among the others."""
    document, rows = release.documents[item.document_id], release.rows[item.document_id]
    words = release.lexical.match(query.english, rows)
    names = tuple(compress(rows, release.names[list(rows)].tolist()))
    near = _nearest_names(release, item)
    found = holds_code(release, item, query)
    return Features(
        cosine=item.cosine,
        coverage=words.covered,
        missing=words.rarest_missing,
        unknown=words.unknown,
        lead=item.cosine - field.usual,
        code_found=float(found),
        code_missing=float(bool(query.codes) and not found),
        words=words.log_count,
        foreign=float(query.language != "en"),
        follow_up=float(query.follow_up),
        share=item.points / words.rarity if words.rarity else 0.0,
        lacking=words.lacking,
        held=float(words.held),
        named=release.lexical.coverage(query.english, names) if names else words.covered,
        unknown_names=float(query.unknown_names),
        fused=item.fused,
        nearest=float(item.cosine >= field.largest),
        phrase=release.lexical.coverage(query.english, near[:1]),
        phrases=release.lexical.coverage(query.english, near),
        solved=float(document.kind is DocumentKind.TICKET),
        elsewhere=float(is_for_another(document, query.platforms)),
    )


def _nearest_names(release: Release, item: Candidate) -> tuple[int, ...]:
    """Return the rows of the names nearest to the question, of a document without names those of its passages."""
    found = item.nearest or (item.row,)
    return tuple(row for row in found if release.names[row])[:_NAMES] or found[:_NAMES]


def shown_passage(release: Release, item: Candidate) -> Passage:
    """Return the passage to show for a hit: of a name, or of another's words, the steps of the document."""
    passage = release.passages[item.row]
    if passage.kind is not PassageKind.ALIAS and passage.document_id == item.document_id:
        return passage
    written = [own for own in release.own_passages(item.document_id) if own.kind is not PassageKind.ALIAS]
    steps = [own for own in written if own.kind is PassageKind.STEPS]
    return (steps or written or [passage])[0]
