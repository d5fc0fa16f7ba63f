"""Seams to indexes and the releases they come in."""

from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.knowledge import Document, Passage, PassageKind
from app.domain.lexical import WordMatch
from app.domain.models import EmbedderSpec, Vectors
from app.domain.releases import Manifest, ReleaseContent


class VectorIndex(Protocol):
    """Nearest neighbours by inner product."""

    def search(
        self, vector: NDArray[np.float32], k: int, allowed: NDArray[np.int64] | None = None
    ) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows and similarities, best first; at most k and never padding. `vector` has shape (dimension,).

        `allowed` are the rows that may be returned, sorted and each once; None allows all.
        """
        ...

    def similarities(self, vector: NDArray[np.float32], rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the similarity of `vector` to each of these rows, in their order."""
        ...

    def stored(self, rows: Sequence[int]) -> Vectors:
        """Return the vectors of these rows as they were given, in their order."""
        ...


class LexicalIndex(Protocol):
    """Word-based search over the same rows as the vector index."""

    def scores(self, text: str) -> NDArray[np.float32]:
        """Return the BM25 score of every row, shape (rows,); zeros where no word is shared."""
        ...

    def match(self, text: str, rows: Sequence[int]) -> WordMatch:
        """Compare the informative words of a text with those of some rows taken together."""
        ...

    def coverage(self, text: str, rows: Sequence[int]) -> float:
        """Return `match(text, rows).covered`."""
        ...

    def analyse(self, text: str) -> tuple[str, ...]:
        """Return the index terms of a text: lower-cased, stop words removed, stemmed."""
        ...

    def nearest(self, word: str) -> str | None:
        """Return the indexed word that a mistyped one most likely stands for, or None; a word that is indexed, None."""
        ...


@dataclass(frozen=True)
class Release:
    """A release opened for searching. Row i of both indexes is `passages[i]`."""

    manifest: Manifest
    documents: Mapping[str, Document]
    passages: tuple[Passage, ...]
    vectors: VectorIndex
    lexical: LexicalIndex

    @cached_property
    def owners(self) -> tuple[str, ...]:
        """The document each row counts for: its own, or the article a solved ticket names."""
        stands_for = {
            document.id: article
            if (article := str(document.metadata.get("article"))) in self.documents
            else document.id
            for document in self.documents.values()
        }
        return tuple(stands_for[passage.document_id] for passage in self.passages)

    @cached_property
    def rows(self) -> Mapping[str, tuple[int, ...]]:
        """The rows that count for each document, by its id."""
        found: dict[str, list[int]] = {}
        for row, owner in enumerate(self.owners):
            found.setdefault(owner, []).append(row)
        return {owner: tuple(rows) for owner, rows in found.items()}

    @cached_property
    def row_of(self) -> Mapping[str, int]:
        """The row of each passage, by its id."""
        return {passage.id: row for row, passage in enumerate(self.passages)}

    @cached_property
    def names(self) -> NDArray[np.bool_]:
        """Whether each row is a name people give a problem, and not text."""
        return np.array([passage.kind is PassageKind.ALIAS for passage in self.passages], dtype=np.bool_)

    def own_passages(self, document_id: str) -> tuple[Passage, ...]:
        """Return a document's own passages, in their order."""
        mine = (self.passages[row] for row in self.rows.get(document_id, ()))
        return tuple(passage for passage in mine if passage.document_id == document_id)


class ReleaseStore(Protocol):
    """Keeps index releases; one of them is current. Methods block: callers run them off the event loop."""

    def current(self) -> Manifest | None:
        """Return the current release's manifest, or None where nothing was ever published.

        Raises IndexCorrupt when there is a current release whose manifest cannot be read.
        """
        ...

    def open(self, embedder: EmbedderSpec, *, name: str | None = None, before: Release | None = None) -> Release:
        """Verify every file of a release, the current one by default, and open it; `before` lends what is unchanged.

        Raises IndexMissing, IndexCorrupt (a digest or count is wrong), IndexMismatch (another model or dimension).
        """
        ...

    def write(self, content: ReleaseContent) -> Manifest:
        """Write a release aside and make it durable; it is not current yet. Raises StartRefused."""
        ...

    def activate(self, name: str, *, held: str = "") -> None:
        """Make a release that is there current, in one atomic step.

        `held` is the digest of the sources that are not to be built because of it: a way back that lasts until they
        change again. Raises NotFound, StartRefused.
        """
        ...


class ReleaseShelf(Protocol):
    """What else there is beside the current release. Methods block."""

    def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests of all whole releases, newest first; damaged ones are left out."""
        ...

    def held(self) -> str:
        """Return the digest of sources that are not to be built, empty where there is none."""
        ...

    def alone(self) -> AbstractContextManager[bool]:
        """Return a lock that one builder in all processes may hold; it yields whether it was free."""
        ...
