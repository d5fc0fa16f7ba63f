"""Documents, passages and manifests as JSON, checked when they are read back.

A release's name ends with the digest of its manifest (its own name left out), and the manifest holds the digests of the
other files: whoever knows the name can tell whether anything was altered.
"""

import hashlib
from dataclasses import replace
from typing import TypeVar

from pydantic import ConfigDict, TypeAdapter, ValidationError
from pydantic.dataclasses import dataclass

from app.domain.knowledge import Document, Origin, Passage
from app.domain.releases import Manifest, ReleaseContent
from app.errors import IndexCorrupt


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Metadata:
    """The searchable content: passage i belongs to vector i."""

    documents: tuple[Document, ...]
    passages: tuple[Passage, ...]


@dataclass(frozen=True, config=ConfigDict(extra="forbid"))
class Config:
    """How the vectors were made, for people and for other programs that read the index."""

    embedding_model: str
    embedding_digest: str
    dimension: int
    metric: str
    index_type: str
    passage_rules: str


_T = TypeVar("_T")
_REBUILD = "python -m app index --force"

_METADATA = TypeAdapter(Metadata)
_CONFIG = TypeAdapter(Config)
_MANIFEST = TypeAdapter(Manifest)


def dump_metadata(content: ReleaseContent) -> bytes:
    """Return the metadata file; where a document was read from stays out of it."""
    documents = tuple(replace(document, origin=Origin()) for document in content.documents)
    return _METADATA.dump_json(Metadata(documents, content.passages))


def load_metadata(raw: bytes) -> Metadata:
    """Read a metadata file; raises IndexCorrupt."""
    return _load(_METADATA, raw, "metadata")


def dump_config(config: Config) -> bytes:
    """Return the config file."""
    return _CONFIG.dump_json(config, indent=2)


def seal(manifest: Manifest, moment: str) -> tuple[Manifest, bytes]:
    """Name a release after a moment and the digest of its manifest; return the manifest and its file."""
    blank = _MANIFEST.dump_json(replace(manifest, release=""), indent=2)
    named = replace(manifest, release=f"{moment}-{_short_digest(blank)}")
    return named, _MANIFEST.dump_json(named, indent=2)


def load_manifest(raw: bytes, release: str) -> Manifest:
    """Read the manifest file of a release; raises IndexCorrupt unless it is the one the release is named after."""
    if _short_digest(raw.replace(release.encode(), b"")) != release.rpartition("-")[2]:
        raise IndexCorrupt(f"the manifest of release {release} is altered", _REBUILD)
    return _load(_MANIFEST, raw, "manifest")


def _short_digest(raw: bytes) -> str:
    return hashlib.sha256(raw).hexdigest()[:12]


def _load(adapter: TypeAdapter[_T], raw: bytes, what: str) -> _T:
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        raise IndexCorrupt(f"the {what} of the index release cannot be read", _REBUILD) from error
