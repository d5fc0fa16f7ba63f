"""Cached drafts: a key made of everything that could change the answer, and values that are checked when read."""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict

from pydantic import ConfigDict, NonNegativeInt, TypeAdapter
from pydantic.dataclasses import dataclass

from app.domain.answers import Draft
from app.domain.conversations import Question, Turn
from app.domain.retrieval import Evidence, Hit, HitWarning
from app.ports import Release
from app.services.answering.rendering import split_pieces

SCHEMA = 2
"""Changed whenever the value's form does."""

_STRICT = ConfigDict(extra="forbid", allow_inf_nan=False)


@dataclass(frozen=True, config=_STRICT)
class CachedHit:
    """A hit by reference: its texts are in the release."""

    document_id: str
    row: NonNegativeInt
    score: float
    cosine: float
    lexical: float
    warnings: tuple[HitWarning, ...]
    duplicates: tuple[str, ...]


@dataclass(frozen=True, config=_STRICT)
class CachedAnswer:
    """What is kept: the draft and the evidence it was made from. `key` guards against a mixed-up reply."""

    schema_version: int
    key: str
    draft: Draft
    query: str
    hits: tuple[CachedHit, ...]
    answerability: float
    sufficient: bool


_ADAPTER = TypeAdapter(CachedAnswer)


def key_of(question: Question, history: Sequence[Turn], parts: Sequence[str]) -> str:
    """Return the key of an answer; `parts` are the release, model, prompt and retrieval rules in force."""
    asked = {
        "text": " ".join(question.text.split()),
        "top_k": question.top_k,
        "max_tokens": question.max_tokens,
        "language": question.language,
        "device": asdict(question.device),
        "filters": {name: sorted(values) for name, values in sorted(question.filters.must.items())},
        "history": [(turn.role.value, turn.content) for turn in history],
        "parts": [str(SCHEMA), *parts],
    }
    return hashlib.sha256(json.dumps(asked, sort_keys=True).encode()).hexdigest()


def dump(key: str, draft: Draft, evidence: Evidence, release: Release) -> bytes:
    """Return the value to keep."""
    hits = tuple(_kept(hit, release.row_of[hit.passage.id]) for hit in evidence.hits)
    value = CachedAnswer(SCHEMA, key, draft, evidence.query, hits, evidence.answerability, evidence.sufficient)
    return _ADAPTER.dump_json(value)


def load(key: str, raw: bytes | None, release: Release) -> tuple[Draft, Evidence] | None:
    """Return what was kept, or None where there is nothing, or nothing that belongs to this key and release."""
    if raw is None:
        return None
    try:
        value = _ADAPTER.validate_json(raw)
        hits = tuple(_hit(item, release) for item in value.hits)
        split_pieces(value.draft)
    except (ValueError, KeyError, IndexError):  # ValueError: of another form, or a text without its sentences
        return None
    if value.key != key or value.schema_version != SCHEMA:
        return None
    name = release.manifest.release
    return value.draft, Evidence(value.query, hits, value.answerability, value.sufficient, name)


def _kept(hit: Hit, row: int) -> CachedHit:
    return CachedHit(hit.document.id, row, hit.score, hit.cosine, hit.lexical, hit.warnings, hit.duplicates)


def _hit(item: CachedHit, release: Release) -> Hit:
    document, passage = release.documents[item.document_id], release.passages[item.row]
    return Hit(document, passage, item.score, item.cosine, item.lexical, item.warnings, item.duplicates)
