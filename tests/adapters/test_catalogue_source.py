"""What the catalogue yields as knowledge, and that its fingerprint changes exactly when that does."""

import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from app.adapters.catalogue.catalogue import Catalogue
from app.adapters.catalogue.naming import matches
from app.domain.documents import FROM_API, FileFilter, Incoming, JobKind
from app.domain.extraction import Extracted
from app.domain.knowledge import Document, DocumentKind, Risk, Section, SectionKind, Step

STEPS = Section("Steps", SectionKind.STEPS, "1. Do.", (Step(1, "Do.", Risk.ADMIN),))
FULL = Extracted(
    "vpn",
    "VPN",
    (Section("Why", SectionKind.CAUSE, "Because."), STEPS),
    "de",
    {"en": ("tunnel",)},
    {"category": "vpn", "platform": ("windows", "macos")},
)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[Catalogue]:
    with Catalogue(tmp_path) as found:
        yield found


def take_in(catalogue: Catalogue, content: bytes, found: Sequence[Extracted], origin: str = FROM_API) -> str:
    stored = catalogue.raw.put(io.BytesIO(content), 1000)
    _, outcomes = catalogue.submissions.accept([Incoming("a.md", origin, stored, "text/markdown")], JobKind.ADD)
    piece = catalogue.work.take(10)
    assert piece is not None
    catalogue.work.extracted(piece.items[0], found)
    catalogue.work.indexed(catalogue.progress.snapshot())
    assert outcomes[0].record is not None
    return outcomes[0].record.id


def test_a_document_comes_back_as_it_was_read(catalogue: Catalogue) -> None:
    file_id = take_in(catalogue, b"x", [FULL], "/docs/vpn.md")
    assert list(catalogue.source.documents()) == [
        Document(file_id, DocumentKind.PAGE, "VPN", FULL.sections, "de", FULL.aliases, FULL.metadata)
    ]


def test_documents_come_in_the_order_of_their_files_however_many(catalogue: Catalogue) -> None:
    stored = [catalogue.raw.put(io.BytesIO(b"%d" % number), 1000) for number in range(230)]
    catalogue.submissions.accept([Incoming("a.md", FROM_API, one, "text/markdown") for one in stored], JobKind.ADD)
    piece = catalogue.work.take(230)
    assert piece is not None
    for number, item in enumerate(piece.items):
        catalogue.work.extracted(item, [Extracted("0", f"{number}", (STEPS,))])
    assert [document.title for document in catalogue.source.documents()] == [str(number) for number in range(230)]


def test_the_fingerprint_changes_when_documents_do_and_else_never(catalogue: Catalogue, tmp_path: Path) -> None:
    seen = [catalogue.source.fingerprint()]
    first = take_in(catalogue, b"one", [FULL])
    seen.append(catalogue.source.fingerprint())
    stored = catalogue.raw.put(io.BytesIO(b"two"), 1000)
    catalogue.submissions.accept([Incoming("b.md", FROM_API, stored, "text/markdown")], JobKind.ADD)
    assert catalogue.source.fingerprint() == seen[-1], "nothing of it was read yet"
    piece = catalogue.work.take(10)
    assert piece is not None
    catalogue.work.refused(piece.items[0], "is damaged")
    catalogue.work.indexed(catalogue.progress.snapshot())
    assert catalogue.source.fingerprint() == seen[-1], "it was refused"
    with Catalogue(tmp_path) as again:
        assert again.source.fingerprint() == seen[-1]
    catalogue.submissions.delete(FileFilter(ids=frozenset({first})))
    assert catalogue.source.fingerprint() == seen[0]
    assert list(catalogue.source.documents()) == []


def test_a_file_is_found_by_what_all_its_documents_share(catalogue: Catalogue) -> None:
    other = Extracted("2", "b", (STEPS,), metadata={"category": "vpn", "platform": "linux"})
    file_id = take_in(catalogue, b"x", [FULL, other])
    for metadata, count in (({"category": "vpn"}, 1), ({"platform": "linux"}, 0), ({"category": "mail"}, 0)):
        assert catalogue.records.files(FileFilter(metadata=metadata), 0, 9)[1] == count
    single = take_in(catalogue, b"y", [FULL])
    assert [one.id for one in catalogue.records.files(FileFilter(metadata={"platform": "macos"}), 0, 9)[0]] == [single]
    assert set(catalogue.records.origins("api")) == {"api"}
    assert file_id != single


def test_origins_below_a_folder(catalogue: Catalogue) -> None:
    for number, origin in enumerate(("/d/a.md", "/d/e/b.md", "/dx/c.md", "/d")):
        take_in(catalogue, b"%d" % number, [FULL], origin)
    assert set(catalogue.records.origins("/d/")) == {"/d/a.md", "/d/e/b.md", "/d/"} & {"/d/a.md", "/d/e/b.md"}
    assert set(catalogue.records.origins("/d")) == {"/d", "/d/a.md", "/d/e/b.md"}


@pytest.mark.parametrize(
    ("pattern", "name", "fits"),
    [("*.md", "a.md", True), ("*.md", "a.MD", False), ("a?", "ab", True), ("[ab].md", "b.md", True), ("[", "[", True)],
)
def test_patterns_of_names(pattern: str, name: str, fits: bool) -> None:
    assert matches(pattern, name) is fits


def test_a_pattern_made_to_be_slow_is_not(catalogue: Catalogue) -> None:
    assert not matches("*a" * 120 + "b", "a" * 255)


def test_what_was_deleted_while_it_was_read_is_not_taken_in(catalogue: Catalogue) -> None:
    stored = catalogue.raw.put(io.BytesIO(b"x"), 1000)
    catalogue.submissions.accept([Incoming("a.md", FROM_API, stored, "text/markdown")], JobKind.ADD)
    piece = catalogue.work.take(1)
    assert piece is not None
    catalogue.submissions.delete(FileFilter(name="a.md"))
    catalogue.work.extracted(piece.items[0], [FULL])
    assert list(catalogue.source.documents()) == []
    assert catalogue.work.indexed(catalogue.progress.snapshot()) == [stored.key]
