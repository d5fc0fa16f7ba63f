"""The seams: what the services need from the outside world, in the service's own words.

Every method may be called from several tasks at once unless its docstring says otherwise. Adapters translate their
vendor's exceptions into `app.errors` at their edge and keep the cause.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.domain.conversations import Turn
from app.domain.knowledge import Document, Passage, PassageKind
from app.domain.lexical import WordMatch
from app.domain.models import EmbedderSpec, Generation, GeneratorSpec, Prompt, Vectors
from app.domain.releases import Manifest, ReleaseContent


class Embedder(Protocol):
    """Turns texts into unit vectors."""

    @property
    def spec(self) -> EmbedderSpec:
        """The model at work."""
        ...

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text, in their order; texts past the model's length are cut at the end.

        Raises Overloaded when the queue is full, DependencyFailed when the model fails.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text` in the model's own tokenizer, special tokens left out.

        A word of one token is one the model knows as a whole.
        """
        ...


class VectorIndex(Protocol):
    """Nearest neighbours by inner product."""

    def search(self, vector: NDArray[np.float32], k: int) -> tuple[NDArray[np.int64], NDArray[np.float32]]:
        """Return rows and similarities, best first; at most k and never padding. `vector` has shape (dimension,)."""
        ...

    def similarities(self, vector: NDArray[np.float32], rows: Sequence[int]) -> NDArray[np.float32]:
        """Return the similarity of `vector` to each of these rows, in their order."""
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

    def open(self, embedder: EmbedderSpec) -> Release:
        """Verify every file of the current release and open it.

        Raises IndexMissing, IndexCorrupt (a digest or count is wrong), IndexMismatch (another model or dimension).
        """
        ...

    def publish(self, content: ReleaseContent) -> Manifest:
        """Write a release aside, make it durable, and make it current in one atomic step."""
        ...


class KnowledgeSource(Protocol):
    """Somewhere documents come from. Methods block."""

    def fingerprint(self) -> str:
        """Return a digest that changes whenever any document may have changed."""
        ...

    def documents(self) -> Iterator[Document]:
        """Yield every document, in a stable order. Raises KnowledgeInvalid with file and line."""
        ...


class Generator(Protocol):
    """A language model."""

    @property
    def spec(self) -> GeneratorSpec:
        """The model at work."""
        ...

    async def generate(self, prompt: Prompt, *, max_tokens: int) -> Generation:
        """Write at most `max_tokens` tokens, greedily: the same prompt gives the same text.

        Cancelling the call stops the work. Raises NotReady while loading, Overloaded when the queue is full,
        GenerationFailed when the model fails.
        """
        ...

    def count_tokens(self, text: str) -> int:
        """Return the number of tokens of `text` in the model's own tokenizer."""
        ...

    def ready(self) -> bool:
        """Tell whether the model is loaded."""
        ...


class ConversationStore(Protocol):
    """Keeps conversations. What `append` acknowledged is durable."""

    async def history(self, owner: str, conversation_id: str, limit: int) -> tuple[Turn, ...]:
        """Return the last `limit` turns, oldest first.

        Raises NotFound where there is no such conversation of this owner, StoreFailed when it cannot be read.
        """
        ...

    async def append(self, owner: str, conversation_id: str, turns: Sequence[Turn]) -> None:
        """Append turns in one atomic step, creating the conversation if need be; turns already there are kept once.

        Raises NotFound where the conversation is another owner's, StoreFailed when nothing was acknowledged.
        """
        ...

    async def ping(self) -> None:
        """Raise StoreFailed unless the store can be used."""
        ...


class ResponseCache(Protocol):
    """Forgets at will. A cache that fails behaves as one that is empty: no method raises."""

    async def get(self, key: str) -> bytes | None:
        """Return what was put under this key and has not expired."""
        ...

    async def put(self, key: str, value: bytes) -> None:
        """Keep a value for the cache's time to live."""
        ...
