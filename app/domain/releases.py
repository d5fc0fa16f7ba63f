"""An index release: everything one search needs, made together, named by one manifest."""

from collections.abc import Mapping
from dataclasses import dataclass

from app.domain.knowledge import Document, Passage
from app.domain.models import EmbedderSpec, Vectors


@dataclass(frozen=True, slots=True)
class Manifest:
    """What a release is made of.

    `files` maps each file's name to its SHA-256; `sources` is one digest over all that went in (documents, passage
    rules, model), so that equal sources need no rebuild; `rules` names how documents were cut. `passages` equals the
    number of vectors. `embedded` of them were embedded for this release; the rest were taken over. `recall` is the
    share of the exact ten nearest that the index finds, measured when it was built.
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
    index_type: str = "IndexFlatIP"
    recall: float = 1.0
    embedded: int = 0
    rules: str = ""


@dataclass(frozen=True, slots=True)
class ReleaseContent:
    """The parts of a release in memory: row i of `vectors` embeds `passages[i]`; `rules` names how they were cut.

    `embedded` rows were embedded for it, the rest taken over from the release before.
    """

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]
    vectors: Vectors
    embedder: EmbedderSpec
    sources: str
    rules: str
    embedded: int = 0


@dataclass(frozen=True, slots=True)
class GoldenDifference:
    """How two releases answer the golden questions whose documents are in both.

    `before` and `after` are the shares of `questions` with a right document among the first four; `gained` and `lost`
    are the ids of the questions that only the new, or only the old release finds.
    """

    questions: int
    before: float
    after: float
    gained: tuple[str, ...]
    lost: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ReleaseDifference:
    """What changed from one release to another: ids of documents, and what golden questions find."""

    old: str
    new: str
    added: tuple[str, ...]
    removed: tuple[str, ...]
    changed: tuple[str, ...]
    golden: GoldenDifference


@dataclass(frozen=True, slots=True)
class Refreshed:
    """The outcome of bringing the index in step: the release in use, whether it is new, and how it differs."""

    manifest: Manifest
    built: bool
    difference: ReleaseDifference | None = None
