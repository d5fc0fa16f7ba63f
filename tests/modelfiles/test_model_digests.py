"""Digests are right, and remembered only for the file they were read from."""

import hashlib
import os
from pathlib import Path

import pytest

from app.modelfiles.digests import file_digest, files_digest


@pytest.fixture
def weights(tmp_path: Path) -> Path:
    path = tmp_path / "model.safetensors"
    path.write_bytes(b"first weights")
    return path


def test_the_digest_is_the_files_sha256(weights: Path, tmp_path: Path) -> None:
    expected = hashlib.sha256(b"first weights").hexdigest()
    assert file_digest(weights, tmp_path / "cache") == expected
    assert file_digest(weights, tmp_path / "cache") == expected


def test_a_remembered_digest_is_not_read_again(weights: Path, tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    first = file_digest(weights, cache)
    facts = weights.stat()
    weights.write_bytes(b"other weights")
    os.utime(weights, ns=(facts.st_atime_ns, facts.st_mtime_ns))
    assert file_digest(weights, cache) == first


@pytest.mark.parametrize("content", [b"longer weights than before", b"other weights"])
def test_a_changed_file_is_read_again(weights: Path, tmp_path: Path, content: bytes) -> None:
    file_digest(weights, tmp_path / "cache")
    weights.write_bytes(content)
    os.utime(weights, ns=(1, 1))
    assert file_digest(weights, tmp_path / "cache") == hashlib.sha256(content).hexdigest()


@pytest.mark.parametrize("nonsense", ["", "not a digest", "A" * 64, "é"])
def test_a_spoilt_note_is_not_believed(weights: Path, tmp_path: Path, nonsense: str) -> None:
    cache = tmp_path / "cache"
    file_digest(weights, cache)
    (note,) = (cache / "digests").iterdir()
    note.write_text(nonsense, "utf-8")
    assert file_digest(weights, cache) == hashlib.sha256(b"first weights").hexdigest()


def test_a_cache_that_cannot_be_written_is_done_without(weights: Path, tmp_path: Path) -> None:
    blocked = tmp_path / "a file, no folder"
    blocked.write_text("")
    assert file_digest(weights, blocked) == hashlib.sha256(b"first weights").hexdigest()


def test_several_files_have_one_digest_that_knows_their_names(tmp_path: Path) -> None:
    cache = tmp_path / "cache"
    for name in ("a.safetensors", "b.safetensors"):
        (tmp_path / name).write_text(name)
    pair = [tmp_path / "a.safetensors", tmp_path / "b.safetensors"]
    both = files_digest(tmp_path, pair, cache)
    assert both == files_digest(tmp_path, pair[::-1], cache)
    (tmp_path / "b.safetensors").rename(tmp_path / "c.safetensors")
    assert files_digest(tmp_path, [pair[0], tmp_path / "c.safetensors"], cache) != both
    assert files_digest(tmp_path, pair[:1], cache) == file_digest(pair[0], cache)
