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
from app.services.knowledge.building import BATCH, embed_documents
from app.services.releases.keeper import ReleaseKeeper
from tests.builders import ListSource, document, keeper, release


def builder(folder: Path, *names: str, version: str = "1", dimension: int = 32) -> ReleaseKeeper:
    source = ListSource([document(name, f"Text of {name}.") for name in names or ("a",)], version)
    return keeper(folder, source, embedder=HashingEmbedder(dimension))[0]


async def test_the_first_time_a_release_is_built(tmp_path: Path) -> None:
    done = await builder(tmp_path, "a", "b").change()
    assert done.built
    assert done.difference is None
    manifest = done.manifest
    assert (manifest.documents, manifest.passages, manifest.dimension) == (2, 2, 32)
    assert FolderReleaseStore(tmp_path).current() == manifest


async def test_nothing_is_built_while_nothing_changed(tmp_path: Path) -> None:
    first = await builder(tmp_path).change()
    again = await builder(tmp_path).change()
    assert (again.manifest, again.built) == (first.manifest, False)


def other_rules(patch: pytest.MonkeyPatch) -> None:
    patch.setattr(passages, "RULES", "other")


CHANGES: dict[str, tuple[Callable[[Path], ReleaseKeeper], Callable[[pytest.MonkeyPatch], None]]] = {
    "sources": (lambda folder: builder(folder, version="2"), lambda _patch: None),
    "model": (lambda folder: builder(folder, dimension=16), lambda _patch: None),
    "rules": (builder, other_rules),
}


@pytest.mark.parametrize(("later", "change"), CHANGES.values(), ids=CHANGES)
async def test_a_change_is_built_once(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    later: Callable[[Path], ReleaseKeeper],
    change: Callable[[pytest.MonkeyPatch], None],
) -> None:
    first = await builder(tmp_path).refresh()
    change(monkeypatch)
    second = await later(tmp_path).change()
    assert second.built
    assert second.manifest.release != first.release
    third = await later(tmp_path).change()
    assert (third.manifest, third.built) == (second.manifest, False)


async def test_a_build_that_is_asked_for_is_done_though_nothing_changed(tmp_path: Path) -> None:
    first = await builder(tmp_path).refresh()
    second = (await builder(tmp_path).change(force=True)).manifest
    assert second.sources == first.sources
    assert second.release != first.release
    assert FolderReleaseStore(tmp_path).current() == second


@pytest.mark.parametrize("damage", [b"", b"no release\n", b"20260301T120000Z-0123456789ab\n"])
async def test_a_release_that_cannot_be_read_is_replaced(tmp_path: Path, damage: bytes) -> None:
    await builder(tmp_path).refresh()
    (tmp_path / "CURRENT").write_bytes(damage)
    done = await builder(tmp_path).change()
    assert done.built
    assert FolderReleaseStore(tmp_path).open(HashingEmbedder(32).spec).manifest == done.manifest


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
    first = await builder(tmp_path).refresh()
    source = ListSource([document(f"d{number}", "Text.") for number in range(BATCH + 1)], "2")
    with pytest.raises(DependencyFailed, match="out of memory"):
        await keeper(tmp_path, source, embedder=FailingEmbedder())[0].refresh()
    assert FolderReleaseStore(tmp_path).current() == first


async def test_where_there_are_no_documents_nothing_is_published(tmp_path: Path) -> None:
    first = await builder(tmp_path).refresh()
    with pytest.raises(KnowledgeInvalid, match="there are no documents"):
        await keeper(tmp_path, ListSource([], "2"), embedder=HashingEmbedder(32))[0].refresh()
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


async def test_only_what_is_new_is_embedded(tmp_path: Path) -> None:
    old = release(tmp_path, document("a", "One.", "Two.", title="T"), document("b", "Three."), dimension=32)
    embedder, heard = NotingEmbedder(), list[tuple[int, int]]()
    documents = [document("b", "Three."), document("a", "One.", "Two, changed.", title="T")]
    content = await embed_documents(documents, embedder, "s", lambda *state: heard.append(state), before=old)
    assert embedder.batches == [["T\nTwo, changed."]]
    assert heard == [(1, 1)]
    assert content.embedded == 1
    whole = await embed_documents(documents, NotingEmbedder(), "s")
    assert np.allclose(content.vectors, whole.vectors, atol=1e-6)


async def test_what_another_model_embedded_is_not_taken_over(tmp_path: Path) -> None:
    old = release(tmp_path, document("a", "One."), dimension=16)
    content = await embed_documents([document("a", "One.")], HashingEmbedder(32), "s", before=old)
    assert (content.embedded, content.vectors.shape) == (1, (1, 32))
