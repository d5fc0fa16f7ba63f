"""An index release: everything one search needs, made together, named by one manifest."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.knowledge import Document, Passage
from app.domain.models import EmbedderSpec, Vectors


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is made of.

    `files` maps each file's name to its SHA-256; `sources` is one digest over all that went in (documents, passage
    rules, model), so that equal sources need no rebuild. `passages` equals the number of vectors.
    """

    release: str
    created_at: str
    sources: str
    model_id: str
    model_digest: str
    dimension: int
    documents: int
    passages: int
    metric: str
    files: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """The parts of a release in memory: row i of `vectors` embeds `passages[i]`; `rules` names how they were cut."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    vectors: Vectors
    embedder: EmbedderSpec
    sources: str
    rules: str
