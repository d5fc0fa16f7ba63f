"""Whatever happens to a release's files, it is refused and never loaded."""

import hashlib
import json
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from random import Random

import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index import codec
from app.adapters.index.store import FolderReleaseStore
from app.domain.releases import Manifest
from app.errors import IndexCorrupt
from tests.builders import content, document

SPEC = HashingEmbedder(16).spec
FILES = ("CURRENT", "manifest.json", "it_support_metadata.json", "it_support_config.json", "it_support_faiss_index.bin")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole")
    store = FolderReleaseStore(folder)
    # Enough of them that every file can be cut short, or lack a byte, in more ways than a test tries.
    others = [document(f"other-{number}", f"Another text, number {number}.") for number in range(120)]
    for text in ("Restart the spooler.", "Restart the printer."):
        store.publish(content(document("printer", text, title="Printer", steps=("Do it.",)), *others, dimension=16))
    return folder


@pytest.fixture
def copy(whole: Path, tmp_path: Path) -> Path:
    shutil.copytree(whole, tmp_path / "index")
    return tmp_path / "index"


def path_of(folder: Path, name: str) -> Path:
    release = (folder / "CURRENT").read_text(encoding="ascii").strip()
    return folder / name if name == "CURRENT" else folder / "releases" / release / name


def refuses(folder: Path) -> bool:
    """Tell whether the release is refused; any other error than the right one comes through."""
    try:
        FolderReleaseStore(folder).open(SPEC)
    except IndexCorrupt as error:
        return error.remedy == "python -m app index --force"
    return False


def test_the_copy_opens_as_long_as_nothing_happens_to_it(copy: Path) -> None:
    assert FolderReleaseStore(copy).open(SPEC).documents["printer"].sections[0].text == "Restart the printer."


def changed(random: Random, raw: bytes) -> bytes:
    at, new = random.randrange(len(raw)), random.randrange(1, 256)
    return raw[:at] + bytes([raw[at] ^ new]) + raw[at + 1 :]


def one_bit(random: Random, raw: bytes) -> bytes:
    at = random.randrange(len(raw))
    return raw[:at] + bytes([raw[at] ^ 1 << random.randrange(8)]) + raw[at + 1 :]


def cut_short(random: Random, raw: bytes) -> bytes:
    return raw[: random.randrange(len(raw))]


def grown(random: Random, raw: bytes) -> bytes:
    at = random.randrange(len(raw) + 1)
    return raw[:at] + random.choice([b"\n", b" ", b"\0", b"0"]) + raw[at:]


def without_one(random: Random, raw: bytes) -> bytes:
    at = random.randrange(len(raw))
    return raw[:at] + raw[at + 1 :]


MUTANTS = 16
"""Of each file, by each kind of damage: 400 in all."""

DAMAGE: tuple[Callable[[Random, bytes], bytes], ...] = (changed, one_bit, cut_short, grown, without_one)


@pytest.mark.parametrize("name", FILES)
@pytest.mark.parametrize("damage", DAMAGE)
def test_a_damaged_file_is_refused(copy: Path, name: str, damage: Callable[[Random, bytes], bytes]) -> None:
    _refuses_all(copy, name, damage, MUTANTS)


@pytest.mark.parametrize("name", ["it_support_faiss_index.bin", "it_support_metadata.json"])
@pytest.mark.parametrize("damage", DAMAGE)
def test_every_one_of_4000_damaged_files_is_refused(
    copy: Path, name: str, damage: Callable[[Random, bytes], bytes]
) -> None:
    _refuses_all(copy, name, damage, 400)


def _refuses_all(copy: Path, name: str, damage: Callable[[Random, bytes], bytes], count: int) -> None:
    path = path_of(copy, name)
    raw = path.read_bytes()
    random = Random(f"{name} {damage.__name__}")  # noqa: S311 - the same in every run
    mutants: set[bytes] = set()
    while len(mutants) < count:
        mutants |= {damage(random, raw)} - {raw}
    for mutant in mutants:
        path.write_bytes(mutant)
        assert refuses(copy), mutant
    path.write_bytes(raw)
    assert not refuses(copy)


def test_every_byte_of_the_pointer_and_the_manifest_counts(copy: Path) -> None:
    for path in (path_of(copy, "CURRENT"), path_of(copy, "manifest.json")):
        raw = path.read_bytes()
        for at in range(len(raw)):
            path.write_bytes(raw[:at] + bytes([raw[at] ^ 0x20]) + raw[at + 1 :])
            with pytest.raises(IndexCorrupt):
                FolderReleaseStore(copy).current()
        path.write_bytes(raw)


@pytest.mark.parametrize("name", FILES[1:])
@pytest.mark.parametrize("other", ["missing", "a folder"])
def test_a_missing_file_is_refused(copy: Path, name: str, other: str) -> None:
    path_of(copy, name).unlink()
    if other == "a folder":
        path_of(copy, name).mkdir()
    assert refuses(copy)


def test_a_pointer_that_is_no_file_is_refused(copy: Path) -> None:
    (copy / "CURRENT").unlink()
    (copy / "CURRENT").mkdir()
    assert refuses(copy)


def test_a_missing_release_is_refused(copy: Path) -> None:
    shutil.rmtree(path_of(copy, "manifest.json").parent)
    assert refuses(copy)


@pytest.mark.parametrize("name", ["manifest.json", "it_support_metadata.json", "it_support_faiss_index.bin"])
def test_a_file_of_another_release_is_refused(copy: Path, name: str) -> None:
    mine = path_of(copy, name)
    other = next(folder for folder in (copy / "releases").iterdir() if folder != mine.parent) / name
    shutil.copy(other, mine)
    assert refuses(copy)


@pytest.mark.parametrize("pointer", ["../releases/{}", "{}\n{}", " {}", "{}\r", "", "/", "\0"])
def test_a_pointer_to_anything_else_is_refused(copy: Path, pointer: str) -> None:
    path = copy / "CURRENT"
    release = path.read_text(encoding="ascii").strip()
    path.write_text(pointer.replace("{}", release) + "\n", encoding="ascii", newline="")
    assert refuses(copy)


def republish(folder: Path, manifest: Manifest) -> None:
    """Put a manifest that somebody made, sealed as ours are, in the place of the current one."""
    named, raw = codec.seal(manifest, "20260301T120000000000Z")
    path_of(folder, "manifest.json").parent.rename(folder / "releases" / named.release)
    (folder / "CURRENT").write_text(f"{named.release}\n", encoding="ascii")
    path_of(folder, "manifest.json").write_bytes(raw)


def current(folder: Path) -> Manifest:
    manifest = FolderReleaseStore(folder).current()
    assert manifest is not None
    return manifest


@pytest.mark.parametrize("name", ["../../CURRENT", "extra.bin"])
def test_a_manifest_that_names_other_files_is_refused(copy: Path, name: str) -> None:
    manifest = current(copy)
    republish(copy, replace(manifest, files={**manifest.files, name: "0" * 64}))
    assert refuses(copy)


@pytest.mark.parametrize("name", ["it_support_metadata.json", "it_support_faiss_index.bin"])
@pytest.mark.parametrize("raw", [b"", b"{}", b'{"documents": [], "passages": [], "more": 1}', b"[" * 10_000])
def test_a_file_of_another_form_is_refused_though_its_digest_is_right(copy: Path, name: str, raw: bytes) -> None:
    path_of(copy, name).write_bytes(raw)
    manifest = current(copy)
    republish(copy, replace(manifest, files={**manifest.files, name: hashlib.sha256(raw).hexdigest()}))
    assert refuses(copy)


def test_a_manifest_of_another_version_is_refused_though_its_seal_is_right(copy: Path) -> None:
    path = path_of(copy, "manifest.json")
    row = {**json.loads(path.read_bytes()), "passages": "many", "release": ""}
    raw = json.dumps(row).encode()
    name = f"20260301T120000000000Z-{hashlib.sha256(raw).hexdigest()[:12]}"
    path.parent.rename(copy / "releases" / name)
    (copy / "CURRENT").write_text(f"{name}\n", encoding="ascii")
    path_of(copy, "manifest.json").write_bytes(raw.replace(b'"release": ""', f'"release": "{name}"'.encode()))
    with pytest.raises(IndexCorrupt, match="the manifest of the index release cannot be read"):
        FolderReleaseStore(copy).current()
