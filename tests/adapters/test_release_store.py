"""Index releases in a folder: published whole, opened by the model that made them, pruned."""

import errno
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index import durable
from app.adapters.index.store import FolderReleaseStore
from app.domain.knowledge import Document, Origin, Passage, PassageKind
from app.domain.models import EmbedderSpec
from app.domain.releases import ReleaseContent
from app.errors import IndexCorrupt, IndexMismatch, IndexMissing, StartRefused
from tests.builders import content, document

SPEC = HashingEmbedder(64).spec
DOCUMENTS = (
    document("printer", "Restart the spooler.", title="Printer", aliases={"de": ("Drucker",)}),
    document(
        "vpn", "Open the ports.", title="VPN", steps=("Open port 500.", "Connect."), metadata={"platform": ["any"]}
    ),
)


@pytest.fixture
def store(tmp_path: Path) -> FolderReleaseStore:
    return FolderReleaseStore(tmp_path)


def releases(folder: Path) -> list[str]:
    return sorted(path.name for path in (folder / "releases").iterdir())


def test_where_nothing_was_published_there_is_nothing_to_open(store: FolderReleaseStore) -> None:
    assert store.current() is None
    with pytest.raises(IndexMissing) as caught:
        store.open(SPEC)
    assert caught.value.remedy == "python -m app index"


def test_what_is_published_is_opened_whole(store: FolderReleaseStore) -> None:
    published = content(*DOCUMENTS)
    manifest = store.publish(published)
    opened = store.open(SPEC)
    assert opened.manifest == manifest == store.current()
    assert opened.passages == published.passages
    assert opened.documents == {item.id: item for item in DOCUMENTS}
    for row, vector in enumerate(published.vectors):
        assert opened.vectors.similarities(vector, [row]) == pytest.approx([1.0], abs=1e-6)
    assert opened.lexical.scores("spooler").argmax() == 0


def test_a_manifest_tells_what_a_release_is_made_of(store: FolderReleaseStore, tmp_path: Path) -> None:
    manifest = store.publish(content(*DOCUMENTS, sources="digest of all"))
    assert (manifest.sources, manifest.model_id, manifest.model_digest) == ("digest of all", "hashing", SPEC.digest)
    assert (manifest.dimension, manifest.documents, manifest.passages) == (64, 2, 5)
    folder = tmp_path / "releases" / manifest.release
    assert sorted(path.name for path in folder.iterdir()) == [*sorted(manifest.files), "manifest.json"]
    config = json.loads((folder / "it_support_config.json").read_bytes())
    assert config == {
        "embedding_model": "hashing",
        "embedding_digest": SPEC.digest,
        "dimension": 64,
        "metric": "inner_product",
        "index_type": "IndexFlatIP",
        "passage_rules": "1",
    }


def test_where_documents_were_read_from_stays_out_of_the_index(store: FolderReleaseStore, tmp_path: Path) -> None:
    item = Document("a", DOCUMENTS[0].kind, "A", DOCUMENTS[0].sections, origin=Origin("/home/ann/secret/a.md", 3))
    store.publish(content(item))
    assert store.open(SPEC).documents["a"].origin == Origin()
    assert not [path for path in tmp_path.rglob("*") if path.is_file() and b"secret" in path.read_bytes()]


def test_another_model_is_refused_with_the_way_out(store: FolderReleaseStore) -> None:
    store.publish(content(*DOCUMENTS))
    with pytest.raises(IndexMismatch, match=r"was made by hashing \(\w{12}\), not by other$") as caught:
        store.open(EmbedderSpec("other", "f" * 64, 64, "torch"))
    assert caught.value.remedy == "python -m app index, or restore EMBEDDING_MODEL"


def test_another_dimension_is_refused_with_the_way_out(store: FolderReleaseStore) -> None:
    store.publish(content(*DOCUMENTS))
    with pytest.raises(IndexMismatch, match=r"has dimension 64, the model hashing has 32$") as caught:
        store.open(HashingEmbedder(32).spec)
    assert caught.value.remedy == "python -m app index, or restore EMBEDDING_MODEL"


def test_the_same_model_on_another_engine_is_welcome(store: FolderReleaseStore) -> None:
    store.publish(content(*DOCUMENTS))
    assert store.open(EmbedderSpec("renamed", SPEC.digest, 64, "openvino")).documents


@pytest.mark.parametrize("keep", [0, 1, 2])
def test_so_many_old_releases_are_kept(tmp_path: Path, keep: int) -> None:
    store = FolderReleaseStore(tmp_path, keep=keep)
    names = [store.publish(content(*DOCUMENTS)).release for _ in range(4)]
    assert releases(tmp_path) == names[3 - keep :]
    assert store.open(SPEC).manifest.release == names[-1]


def test_what_a_crash_left_half_written_is_removed(store: FolderReleaseStore, tmp_path: Path) -> None:
    first = store.publish(content(*DOCUMENTS)).release
    (tmp_path / "releases" / "new.tmp").mkdir()
    (tmp_path / "releases" / "new.tmp" / "it_support_metadata.json").write_bytes(b'{"docu')
    (tmp_path / "releases" / "something-else").mkdir()
    (tmp_path / "CURRENT.tmp").write_bytes(b"2026")
    assert store.open(SPEC).manifest.release == first
    second = store.publish(content(*DOCUMENTS)).release
    assert releases(tmp_path) == [first, second]
    assert sorted(path.name for path in tmp_path.iterdir()) == ["CURRENT", "lock", "releases"]


def test_a_release_replaced_and_removed_while_it_is_read_is_let_go(
    store: FolderReleaseStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.publish(content(*DOCUMENTS))
    real, later = durable.sha256, content(*DOCUMENTS[:1])
    names: list[str] = []

    def overtaken(path: Path) -> str:
        if not names:
            names.append("")
            names.extend(FolderReleaseStore(path.parents[2]).publish(later).release for _ in range(4))
        return real(path)

    monkeypatch.setattr(durable, "sha256", overtaken)
    assert store.open(SPEC).manifest.release == names[-1]


def test_a_full_disk_leaves_the_release_in_use_and_nothing_half_written(
    store: FolderReleaseStore, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = store.publish(content(*DOCUMENTS)).release
    real = durable.write

    def full(path: Path, data: bytes) -> None:
        real(path, data[:10])
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(durable, "write", full)
    with pytest.raises(StartRefused, match=r"cannot be written to .*: No space left on device") as caught:
        store.publish(content(*DOCUMENTS))
    assert "make room" in caught.value.remedy
    assert releases(tmp_path) == [first]
    assert store.open(SPEC).manifest.release == first


def test_a_folder_that_cannot_be_made_is_refused(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    with pytest.raises(StartRefused, match=r"cannot be written to .*: Not a directory"):
        FolderReleaseStore(tmp_path / "file" / "index").publish(content(*DOCUMENTS))


def unfit(**changes: Any) -> ReleaseContent:
    whole = content(*DOCUMENTS)
    values = {name: getattr(whole, name) for name in ReleaseContent.__slots__} | changes
    return ReleaseContent(**values)


UNFIT = {
    "more vectors than passages": (unfit(vectors=np.eye(6, 64, dtype=np.float32)), "other rows"),
    "vectors of another length": (unfit(vectors=np.eye(5, 32, dtype=np.float32)), "another dimension"),
    "passages of nobody": (unfit(documents=DOCUMENTS[:1]), "passages of unknown documents"),
}


@pytest.mark.parametrize(("published", "reason"), UNFIT.values(), ids=UNFIT)
def test_a_release_whose_parts_do_not_fit_is_refused(
    store: FolderReleaseStore, published: ReleaseContent, reason: str
) -> None:
    store.publish(published)
    with pytest.raises(IndexCorrupt, match=reason):
        store.open(SPEC)


def test_a_release_of_stop_words_alone_opens(store: FolderReleaseStore) -> None:
    store.publish(content(document("a", "the and of")))
    opened = store.open(SPEC)
    assert opened.passages == (Passage("a#0", "a", 0, PassageKind.BODY, "", "the and of"),)
    assert opened.lexical.scores("the printer").tolist() == [0.0]
