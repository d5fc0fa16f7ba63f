"""Documents, passages and manifests as JSON, checked when they are read back."""

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


def load_config(raw: bytes) -> Config:
    """Read a config file; raises IndexCorrupt."""
    return _load(_CONFIG, raw, "config")


def dump_manifest(manifest: Manifest) -> bytes:
    """Return the manifest file."""
    return _MANIFEST.dump_json(manifest, indent=2)


def load_manifest(raw: bytes) -> Manifest:
    """Read a manifest file; raises IndexCorrupt."""
    return _load(_MANIFEST, raw, "manifest")


def _load(adapter: TypeAdapter[_T], raw: bytes, what: str) -> _T:
    try:
        return adapter.validate_json(raw)
    except ValidationError as error:
        raise IndexCorrupt(f"the {what} of the index release cannot be read", "python -m app index --force") from error
