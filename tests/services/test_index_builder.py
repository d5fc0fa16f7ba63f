"""Keeping the index in step with its sources."""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.store import FolderReleaseStore
from app.domain.models import Vectors
from app.errors import DependencyFailed, KnowledgeInvalid
from app.services.knowledge import passages
from app.services.knowledge.building import BATCH, IndexBuilder, embed_documents
from tests.builders import ListSource, document


def builder(folder: Path, *names: str, version: str = "1", dimension: int = 32) -> IndexBuilder:
    source = ListSource([document(name, f"Text of {name}.") for name in names or ("a",)], version)
    return IndexBuilder([source], HashingEmbedder(dimension), FolderReleaseStore(folder))


async def test_the_first_time_a_release_is_built(tmp_path: Path) -> None:
    manifest, built = await builder(tmp_path, "a", "b").ensure()
    assert built
    assert (manifest.documents, manifest.passages, manifest.dimension) == (2, 2, 32)
    assert FolderReleaseStore(tmp_path).current() == manifest


async def test_nothing_is_built_while_nothing_changed(tmp_path: Path) -> None:
    first, _ = await builder(tmp_path).ensure()
    assert await builder(tmp_path).ensure() == (first, False)


def other_rules(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(passages, "RULES", "other")


CHANGES: dict[str, tuple[Callable[[Path], IndexBuilder], Callable[[pytest.MonkeyPatch], None]]] = {
    "sources": (lambda folder: builder(folder, version="2"), lambda _patch: None),
    "model": (lambda folder: builder(folder, dimension=16), lambda _patch: None),
    "rules": (builder, other_rules),
}


@pytest.mark.parametrize(("later", "change"), CHANGES.values(), ids=CHANGES)
async def test_a_change_is_built_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[Path], IndexBuilder],
    change: Callable[[pytest.MonkeyPatch], None],
) -> None:
    first, _ = await builder(tmp_path).ensure()
    change(monkeypatch)
    second, built = await later(tmp_path).ensure()
    assert built
    assert second.release != first.release
    assert await later(tmp_path).ensure() == (second, False)


async def test_a_build_that_is_asked_for_is_done_though_nothing_changed(tmp_path: Path) -> None:
    first, _ = await builder(tmp_path).ensure()
    second = await builder(tmp_path).build()
    assert second.sources == first.sources
    assert FolderReleaseStore(tmp_path).current() == second


@pytest.mark.parametrize("damage", [b"", b"no release\n", b"20260301T120000Z-0123456789ab\n"])
async def test_a_release_that_cannot_be_read_is_replaced(tmp_path: Path, damage: bytes) -> None:
    await builder(tmp_path).ensure()
    (tmp_path / "CURRENT").write_bytes(damage)
    manifest, built = await builder(tmp_path).ensure()
    assert built
    assert FolderReleaseStore(tmp_path).open(HashingEmbedder(32).spec).manifest == manifest


class FailingEmbedder(HashingEmbedder):
    """Fails at the second batch."""

    def __init__(self) -> None:
        super().__init__(32)
        self.batches = 0

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.batches += 1
        if self.batches > 1:
            raise DependencyFailed("embedder", "out of memory")
        return await super().embed(texts)


async def test_where_the_model_fails_nothing_is_published(tmp_path: Path) -> None:
    first, _ = await builder(tmp_path).ensure()
    source = ListSource([document(f"d{number}", "Text.") for number in range(BATCH + 1)], "2")
    with pytest.raises(DependencyFailed, match="out of memory"):
        await IndexBuilder([source], FailingEmbedder(), FolderReleaseStore(tmp_path)).ensure()
    assert FolderReleaseStore(tmp_path).current() == first


async def test_where_there_are_no_documents_nothing_is_published(tmp_path: Path) -> None:
    first, _ = await builder(tmp_path).ensure()
    with pytest.raises(KnowledgeInvalid, match="there are no documents"):
        await IndexBuilder([ListSource([], "2")], HashingEmbedder(32), FolderReleaseStore(tmp_path)).ensure()
    assert FolderReleaseStore(tmp_path).current() == first


class NotingEmbedder(HashingEmbedder):
    """Notes the texts it embeds."""

    def __init__(self) -> None:
        super().__init__(32)
        self.batches: list[list[str]] = []

    async def embed(self, texts: Sequence[str]) -> Vectors:
        self.batches.append(list(texts))
        return await super().embed(texts)


async def test_passages_are_embedded_longest_first_and_kept_in_their_order() -> None:
    documents = [document(f"d{number}", "word " * (number % 7 + 1) + str(number), title="T") for number in range(150)]
    embedder, heard = NotingEmbedder(), list[tuple[int, int]]()
    content = await embed_documents(documents, embedder, "sources", lambda *state: heard.append(state))
    lengths = [len(text) for batch in embedder.batches for text in batch]
    assert lengths == sorted(lengths, reverse=True)
    assert heard == [(BATCH, 150), (2 * BATCH, 150), (150, 150)]
    alone = await embedder.embed([f"T\n{passage.text}" for passage in content.passages])
    assert np.array_equal(content.vectors, alone)
    assert [passage.document_id for passage in content.passages] == [item.id for item in documents]


async def test_names_are_embedded_without_the_title() -> None:
    embedder = NotingEmbedder()
    await embed_documents([document("a", "Text.", title="Title", aliases={"en": ("name",)})], embedder, "s")
    assert embedder.batches == [["Title\nText.", "Title", "name"]]
