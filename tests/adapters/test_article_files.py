"""Articles as their authors write them, read into documents."""

from datetime import date
from pathlib import Path

import pytest

from app.adapters.sources.articles import ArticleFolder, read_article
from app.domain.knowledge import Document, DocumentKind, Risk, SectionKind, Step
from tests.builders import ARTICLE, write_article


def read(folder: Path, text: str) -> Document:
    path = folder / "article.md"
    path.write_bytes(text.encode())
    return read_article(path)


def test_an_article_is_read_whole(tmp_path: Path) -> None:
    found = read(tmp_path, ARTICLE)
    assert (found.id, found.kind, found.title, found.language) == (
        "vpn-error-809",
        DocumentKind.ARTICLE,
        "VPN error 809",
        "en",
    )
    assert found.aliases == {"en": ("vpn does not connect",), "de": ("VPN verbindet nicht",)}
    assert found.metadata == {
        "category": "vpn",
        "platform": ["windows"],
        "versions": [],
        "apps": [],
        "difficulty": "easy",
        "risk": "admin",
        "reviewed": date(2026, 10, 12).isoformat(),
        "owner": "network-team",
    }
    assert (found.origin.path, found.origin.line) == (str(tmp_path / "article.md"), 2)


def test_steps_are_taken_apart_and_their_labels_understood(tmp_path: Path) -> None:
    steps = read(tmp_path, f"{ARTICLE}3. [destructive] Reset the router.\n").section(SectionKind.STEPS)
    assert steps is not None
    assert steps.steps == (
        Step(1, "Open the router page."),
        Step(2, "Allow UDP port 500.", Risk.ADMIN),
        Step(3, "Reset the router.", Risk.DESTRUCTIVE),
    )
    assert steps.text.startswith("1. Open the router page.\n2. [admin] Allow")


HEADINGS = {
    "## Symptom": SectionKind.SYMPTOM,
    "## cause": SectionKind.CAUSE,
    "##  If that did not help \t": SectionKind.FALLBACK,
    "## Where versions differ": SectionKind.BODY,
}


@pytest.mark.parametrize(("heading", "kind"), HEADINGS.items())
def test_a_heading_says_what_its_section_is_for(tmp_path: Path, heading: str, kind: SectionKind) -> None:
    head = ARTICLE.partition("## Symptom")[0]
    (section,) = read(tmp_path, f"{head}{heading}\n\nText.\n").sections
    assert (section.kind, section.heading, section.text) == (kind, heading.strip("# \t"), "Text.")


def test_text_before_the_first_heading_is_a_body_of_its_own(tmp_path: Path) -> None:
    text = ARTICLE.replace("## Symptom", "Read this first.\n\n### Not a section\n\n## Symptom", 1)
    first = read(tmp_path, text).sections[0]
    assert (first.kind, first.heading) == (SectionKind.BODY, "")
    assert first.text == "Read this first.\n\n### Not a section"


@pytest.mark.parametrize("end", ["\r\n", "\r"], ids=["CRLF", "CR"])
def test_line_ends_of_other_systems_make_no_difference(tmp_path: Path, end: str) -> None:
    assert read(tmp_path, ARTICLE.replace("\n", end)) == read(tmp_path, ARTICLE)


def test_a_byte_order_mark_makes_no_difference(tmp_path: Path) -> None:
    assert read(tmp_path, f"\ufeff{ARTICLE}") == read(tmp_path, ARTICLE)


AS_WRITTEN = {"[10.10, 11]": ["10.10", "11"], "[1e3, 0x10]": ["1e3", "0x10"], "[no, null]": ["no", "null"]}


@pytest.mark.parametrize(("written", "kept"), AS_WRITTEN.items())
def test_a_version_stays_as_it_is_written(tmp_path: Path, written: str, kept: list[str]) -> None:
    found = read(tmp_path, ARTICLE.replace("risk: admin", f"risk: admin\nversions: {written}"))
    assert found.metadata["versions"] == kept


def test_a_folder_yields_its_articles_by_path(tmp_path: Path) -> None:
    for folder, name in (("b", "one"), ("a", "two"), ("a/deep", "three")):
        write_article(tmp_path / folder, name)
    (tmp_path / "notes.txt").write_text("no article", encoding="utf-8")
    (tmp_path / "folder.md").mkdir()
    assert [item.id for item in ArticleFolder(tmp_path).documents()] == ["three", "two", "one"]


def test_the_fingerprint_follows_names_and_contents(tmp_path: Path) -> None:
    source = ArticleFolder(tmp_path)
    prints = [source.fingerprint()]
    path = write_article(tmp_path, "one")
    prints.append(source.fingerprint())
    path.write_text(f"{path.read_text(encoding='utf-8')} ", encoding="utf-8")
    prints.append(source.fingerprint())
    path.rename(tmp_path / "two.md")
    prints.append(source.fingerprint())
    assert len(set(prints)) == 4
    assert source.fingerprint() == prints[-1]


def test_a_name_that_is_not_utf_8_is_part_of_the_fingerprint(tmp_path: Path) -> None:
    plain = ArticleFolder(tmp_path).fingerprint()
    write_article(tmp_path, "one").rename(tmp_path / b"\xff.md".decode(errors="surrogateescape"))
    assert ArticleFolder(tmp_path).fingerprint() != plain
