"""The catalogue on disk: what it refuses to open, what a full disk leaves, what its folder lets nobody do."""

import errno
import io
import os
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest

from app.adapters.catalogue import rawfiles
from app.adapters.catalogue.catalogue import DATABASE, FOLDER, Catalogue
from app.adapters.catalogue.database import Database, translated
from app.domain.documents import FROM_API, Change, FileFilter, Incoming, JobKind
from app.errors import DocumentRefused, NotFound, StartRefused, StoreFailed
from app.ports.documents import DiskFull


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue(tmp_path) as found:
        yield found


def put(catalogue: Catalogue, content: bytes = b"text") -> Incoming:
    return Incoming("a.md", FROM_API, catalogue.raw.put(io.BytesIO(content), 100), "text/markdown")


def names(root: Path) -> set[str]:
    return {path.name for path in (root / FOLDER).iterdir()}


def test_a_catalogue_is_for_its_owner_alone(catalogue: Catalogue, tmp_path: Path) -> None:
    key = put(catalogue).stored.key
    for name, mode in ((DATABASE, 0o600), (FOLDER, 0o700), (f"{FOLDER}/{key}", 0o600)):
        assert (tmp_path / name).stat().st_mode & 0o777 == mode


def test_a_damaged_catalogue_is_named(tmp_path: Path) -> None:
    (tmp_path / DATABASE).write_bytes(b"no database at all, whatever the name says" * 100)
    with pytest.raises(StartRefused, match=r"documents\.sqlite3: the catalogue of documents is damaged") as refused:
        Catalogue(tmp_path)
    assert "backup" in refused.value.remedy


def test_a_page_that_was_overwritten_is_found(tmp_path: Path) -> None:
    with Catalogue(tmp_path) as catalogue:
        for number in range(50):
            catalogue.submissions.accept([put(catalogue, b"%d" % number)], JobKind.ADD)
    raw = bytearray((tmp_path / DATABASE).read_bytes())
    for at in range(4096, len(raw), 4096):
        raw[at : at + 200] = os.urandom(200)
    (tmp_path / DATABASE).write_bytes(raw)
    with pytest.raises(StartRefused, match="damaged"):
        Catalogue(tmp_path)


def test_a_newer_version_s_catalogue_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / DATABASE) as connection:
        connection.execute("PRAGMA user_version = 99")
    connection.close()
    with pytest.raises(StartRefused, match="newer version"):
        Catalogue(tmp_path)


@pytest.mark.parametrize("place", ["file", "file/below"])
def test_a_folder_that_cannot_be_made_is_named(tmp_path: Path, place: str) -> None:
    (tmp_path / "file").write_text("x")
    with pytest.raises(StartRefused, match="documents cannot be kept there") as refused:
        Catalogue(tmp_path / place)
    assert "STATE_DIR" in refused.value.remedy


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def read_only(*_: object, **__: object) -> int:
        raise OSError(errno.EROFS, "Read-only file system")

    monkeypatch.setattr(os, "open", read_only)
    with pytest.raises(StartRefused, match="Read-only"):
        Database(tmp_path / DATABASE)
    with pytest.raises(StartRefused, match="Read-only"):
        rawfiles.RawFolder(tmp_path / FOLDER)


def test_a_catalogue_that_is_a_link_is_refused(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").touch()
    (tmp_path / DATABASE).symlink_to(tmp_path / "elsewhere")
    with pytest.raises(StartRefused):
        Catalogue(tmp_path)


def test_content_is_kept_under_names_of_ours(catalogue: Catalogue, tmp_path: Path) -> None:
    stored = put(catalogue).stored
    assert (catalogue.raw.read(stored.key), stored.size) == (b"text", 4)
    assert names(tmp_path) == {stored.key}
    catalogue.raw.remove([stored.key, stored.key])
    assert names(tmp_path) == set()
    with pytest.raises(StoreFailed):
        catalogue.raw.read(stored.key)


@pytest.mark.parametrize("key", ["../documents.sqlite3", "/etc/passwd", "", ".", "a/b", "a\0b"])
def test_no_other_name_is_opened(catalogue: Catalogue, key: str) -> None:
    with pytest.raises(StoreFailed):
        catalogue.raw.read(key)
    with pytest.raises(StoreFailed):
        catalogue.raw.remove([key])


def test_links_are_not_followed(catalogue: Catalogue, tmp_path: Path) -> None:
    (tmp_path / "secret").write_text("secret")
    (tmp_path / FOLDER / "link").symlink_to(tmp_path / "secret")
    with pytest.raises(StoreFailed):
        catalogue.raw.read("link")


@pytest.mark.parametrize(("content", "reason"), [(b"", "empty"), (b"x" * 101, "too_large")])
def test_what_is_refused_leaves_nothing(catalogue: Catalogue, tmp_path: Path, content: bytes, reason: str) -> None:
    with pytest.raises(DocumentRefused) as refused:
        put(catalogue, content)
    assert (refused.value.reason, names(tmp_path)) == (reason, set())


@pytest.mark.parametrize(
    ("code", "error"), [(errno.ENOSPC, DiskFull), (errno.EDQUOT, DiskFull), (errno.EIO, StoreFailed)]
)
def test_a_disk_that_fails_leaves_nothing(
    catalogue: Catalogue, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, code: int, error: type[StoreFailed]
) -> None:
    def broken(_: int) -> None:
        raise OSError(code, "no")

    monkeypatch.setattr(os, "fsync", broken)
    with pytest.raises(StoreFailed) as failed:
        put(catalogue)
    assert type(failed.value) is error
    monkeypatch.undo()
    assert names(tmp_path) == set()
    put(catalogue)


def test_a_database_without_room_is_a_full_disk_and_stays_whole(catalogue: Catalogue) -> None:
    catalogue.submissions.accept([put(catalogue, b"one")], JobKind.ADD)
    with catalogue._database.reading() as connection:
        pages = connection.execute("PRAGMA page_count").fetchone()[0]
        connection.execute(f"PRAGMA max_page_count = {pages}")
    with pytest.raises(DiskFull):
        catalogue.submissions.accept([put(catalogue, b"%d" % number) for number in range(300)], JobKind.ADD)
    assert catalogue.records.files(FileFilter(), 0, 10)[1] == 1
    with catalogue._database.reading() as connection:
        connection.execute("PRAGMA max_page_count = 1000000")
    _, outcomes = catalogue.submissions.accept([put(catalogue, b"two")], JobKind.ADD)
    assert outcomes[0].change is Change.ADDED


def test_faults_of_sqlite_are_ours() -> None:
    with pytest.raises(StoreFailed, match="OperationalError"), translated():
        raise sqlite3.OperationalError("database is locked")


def test_what_a_crash_left_is_swept_away_when_it_is_old(tmp_path: Path) -> None:
    with Catalogue(tmp_path) as catalogue:
        known = put(catalogue)
        catalogue.submissions.accept([known], JobKind.ADD)
        for name in ("left", "fresh"):
            (tmp_path / FOLDER / name).touch()
        for name in ("left", known.stored.key):
            os.utime(tmp_path / FOLDER / name, (0, 0))
    Catalogue(tmp_path).close()
    assert names(tmp_path) == {"fresh", known.stored.key}


def test_nothing_that_is_not_there_is_found(catalogue: Catalogue) -> None:
    for ask in (
        catalogue.records.file,
        catalogue.records.job,
        catalogue.submissions.cancel,
        catalogue.submissions.retry,
    ):
        with pytest.raises(NotFound):
            ask("x")


def test_locks_are_between_processes(catalogue: Catalogue, tmp_path: Path) -> None:
    with Catalogue(tmp_path) as other:
        assert catalogue.locks.acquire()
        assert catalogue.locks.acquire()
        assert not other.locks.acquire()
        catalogue.locks.release()
        assert other.locks.acquire()
        assert not other.locks.served()
        catalogue.locks.serve()
        assert other.locks.served()
