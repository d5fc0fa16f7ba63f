"""An article that cannot be used stops the build, with its file and line; what is in use stays."""

from pathlib import Path

import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.store import FolderReleaseStore
from app.adapters.sources.articles import ArticleFolder, read_article
from app.errors import KnowledgeInvalid
from tests.builders import ARTICLE, keeper, write_article

HEAD = ARTICLE.partition("\n## Symptom")[0]


def altered(old: str, new: str) -> bytes:
    assert old in ARTICLE
    return ARTICLE.replace(old, new, 1).encode()


# name: the file, the line at fault, a part of the reason
FAULTS = {
    "empty": (b"", 1, "is empty"),
    "white space alone": (b" \n\t\n", 1, "is empty"),
    "no front matter": (b"# A title\n\nText.\n", 1, "does not begin with front matter"),
    "endless front matter": (b"---\nid: abc\n", 1, "front matter has no end"),
    "front matter that is a list": (b"---\n- a\n---\ntext\n", 2, "is not a mapping"),
    "front matter that is nothing": (b"---\n---\ntext\n", 2, "is not a mapping"),
    "broken YAML": (altered("[windows]", "[windows"), 6, "expected ',' or ']'"),
    "an endless quotation": (altered('error 809"', "error 809"), 12, "expected <block end>"),
    "a tab as indentation": (altered("category", "\tcategory"), 4, "cannot start any token"),
    "a control character": (altered("network-team", "network\x07team"), 10, "special characters are not allowed"),
    "front matter without end of nesting": (altered("[windows]", "[" * 600), 2, "is nested too deeply"),
    "a list as key": (altered("[windows]", "any\n? [a]\n: b"), 6, "unhashable key"),
    "an anchor within itself": (altered("[windows]", "&a [*a]"), 5, "unconstructable recursive node"),
    "an unknown key": (altered("risk:", "priority: high\nrisk:"), 7, "priority: Extra inputs are not permitted"),
    "a key given twice": (altered("risk:", "category: mail\nrisk:"), 7, "'category' is given twice"),
    "a language given twice": (altered("  de:", "  en:"), 13, "'en' is given twice"),
    "a key that is missing": (altered("owner: network-team\n", ""), 1, "owner: Field required"),
    "a value that is missing": (altered("network-team", ""), 10, "owner: String should match"),
    "an id with a path in it": (altered("id: vpn-error-809", "id: ../vpn"), 2, "id: String should match"),
    "an unknown platform": (altered("windows", "beos"), 5, "platform.0: Input should be"),
    "no platform": (altered("[windows]", "[]"), 5, "platform: Tuple should have at least 1 item"),
    "an unknown risk": (altered("risk: admin", "risk: some"), 7, "risk: Input should be"),
    "a day that never was": (altered("2026-10-12", "2026-02-30"), 9, "reviewed: Input should be a valid date"),
    "an unknown language of a name": (altered("  de:", "  it:"), 11, "aliases.it"),
    "an empty name": (altered("VPN verbindet nicht", " "), 11, "aliases.de.0: String should have at least 1"),
    "a subject without end": (altered("VPN error 809", "x" * 301), 3, "at most 300 characters"),
    "an escaped NUL": (altered("VPN error 809", "VPN\\0"), 3, "subject: Value error, holds a NUL character"),
    "half a character": (altered("VPN error 809", "\\ud800"), 3, "subject: Input should be a valid string"),
    "a call of code": (altered("network-team", "!!python/object/apply:os.getcwd []"), 10, "owner: Input should be"),
    "Latin-1": (altered("error 809.", "error 809 \xe4").replace(b"\xc3\xa4", b"\xe4"), 18, "not UTF-8 (byte"),
    "a NUL": (altered("error 809.", "error\0 809."), 18, "holds a NUL character"),
    "no text": (f"{HEAD}\n \n".encode(), 14, "has no text below its front matter"),
    "an empty section": (altered("The client says error 809.\n", ""), 16, "section 'Symptom' is empty"),
    "an empty section at the end": (ARTICLE.encode() + b"\n## Cause\n", 25, "section 'Cause' is empty"),
    "steps that begin at 2": (altered("1. Open", "2. Open"), 22, "expected step 1: '1. text'"),
    "a step left out": (altered("2. [admin]", "3. [admin]"), 23, "expected step 2: '2. text'"),
    "a step number twice": (altered("2. [admin]", "1. [admin]"), 23, "expected step 2: '2. text'"),
    "a step without text": (altered("1. Open the router page.", "1. "), 22, "expected step 1"),
    "text among the steps": (altered("2. [admin]", "Then:\n2. [admin]"), 23, "expected step 2"),
}


@pytest.mark.parametrize(("raw", "line", "reason"), FAULTS.values(), ids=FAULTS)
def test_a_fault_is_named_with_its_file_and_line(tmp_path: Path, raw: bytes, line: int, reason: str) -> None:
    path = tmp_path / "broken.md"
    path.write_bytes(raw)
    with pytest.raises(KnowledgeInvalid) as caught:
        read_article(path)
    assert (caught.value.path, caught.value.line) == (str(path), line)
    assert reason in caught.value.reason


@pytest.mark.parametrize(("raw", "line"), [fault[:2] for fault in FAULTS.values()], ids=FAULTS)
async def test_after_a_fault_the_release_in_use_stays_and_opens(tmp_path: Path, raw: bytes, line: int) -> None:
    knowledge, embedder = tmp_path / "knowledge", HashingEmbedder(16)
    write_article(knowledge, "whole")
    builder, _ = keeper(tmp_path / "index", ArticleFolder(knowledge), embedder=embedder)
    before = await builder.refresh()
    (knowledge / "zz-broken.md").write_bytes(raw)
    with pytest.raises(KnowledgeInvalid, match=rf"zz-broken\.md:{line}: "):
        await builder.refresh()
    assert FolderReleaseStore(tmp_path / "index").current() == before
    assert list(FolderReleaseStore(tmp_path / "index").open(embedder.spec).documents) == ["whole"]


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(KnowledgeInvalid, match="nowhere:1: is not a folder"):
        ArticleFolder(tmp_path / "nowhere").fingerprint()


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    with pytest.raises(KnowledgeInvalid, match=r"folder\.md:1: cannot be read: Is a directory"):
        read_article(tmp_path / "folder.md")
