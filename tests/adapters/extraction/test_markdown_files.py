"""Markdown: our own articles, other people's, and what is taken out of them."""

from pathlib import Path

import pytest
from file_makers import read

from app.adapters.sources.articles import read_article
from app.domain.knowledge import Risk, SectionKind, Step
from app.errors import DocumentRefused

_ARTICLES = sorted(Path("data/knowledge").rglob("*.md"))


@pytest.mark.parametrize("path", _ARTICLES[::12], ids=lambda path: path.stem)
def test_our_own_articles_are_read_as_their_folder_is(path: Path) -> None:
    article = read_article(path)
    (found,) = read(path.name, path.read_bytes())
    assert (found.key, found.title, found.sections) == (article.id, article.title, article.sections)
    assert (found.language, found.aliases) == (article.language, article.aliases)
    assert found.metadata["category"] == article.metadata["category"]
    assert found.metadata["platform"] == tuple(article.metadata["platform"])


_FOREIGN = """\ufeff---
title: "Outlook: can't send"
description: Describes an error. Provides a solution.
author: someone
ms.author: someone
ms.date: 01/24/2024
search.appverid: MET150
appliesto:
  - Outlook 2019
  - Exchange Online
lang: en-US
aliases: [cannot send, stuck outbox]
nested: {a: b}
---
# Can't send mail

_Original KB number:_ &nbsp; 123

> [!NOTE]
> Read [the guide](https://example.com/guide "t") or [this](/local) first. ![shot](https://evil.example/x.png)

## Symptoms

| Code | Text |
| --- | --- |
| 1 | a \\| b |

## Resolution

### Method 1: Restart

1. Open **Outlook**.
   - Wait

   ```powershell
   Get-Mailbox <name>
   ```
1. [admin] Run `x`.

   :::image type="content" source="./media/a.png" alt-text="shot":::

### Method 2

Call us on \\\\<server name>\\share.<br>Or write.

* * *

<div><p>In <b>HTML</b></p><script>alert(1)</script></div>

> <div>quoted</div>
""".replace("\n", "\r\n")


def test_foreign_front_matter_gives_title_language_names_and_facts() -> None:
    (found,) = read("a.md", _FOREIGN)
    assert (found.key, found.title, found.language) == ("1", "Outlook: can't send", "en")
    assert found.aliases == {"en": ("cannot send", "stuck outbox")}
    assert found.metadata == {
        "description": "Describes an error. Provides a solution.",
        "reviewed": "01/24/2024",
        "apps": ("Outlook 2019", "Exchange Online"),
    }


def test_headings_become_sections_that_inherit_what_they_are_for() -> None:
    (found,) = read("a.md", _FOREIGN)
    assert [(part.heading, part.kind) for part in found.sections] == [
        ("", SectionKind.BODY),
        ("Symptoms", SectionKind.SYMPTOM),
        ("Resolution: Method 1: Restart", SectionKind.STEPS),
        ("Resolution: Method 2", SectionKind.BODY),
    ]
    intro, table, method, prose = (part.text for part in found.sections)
    assert intro.endswith("Note: Read the guide (https://example.com/guide) or this first.")
    assert table == "| Code | Text |\n| --- | --- |\n| 1 | a \\| b |"
    assert method.startswith("1. Open **Outlook**.\n   - Wait\n   ```powershell\n   Get-Mailbox <name>\n   ```\n2.")
    assert prose == "Call us on \\<server name>\\share.\nOr write.\n\nIn HTML\n\nquoted"
    assert found.sections[2].steps[1] == Step(2, "Run `x`.", Risk.ADMIN)


def test_text_without_front_matter_is_named_after_its_heading_or_first_line() -> None:
    assert read("a.md", "# Name\n\ntext")[0].title == "Name"
    assert read("a.md", "just *text*\n\nmore")[0].title == "just text"
    assert read("a.md", "---\n\ntext\n\n---\n\nmore")[0].sections[0].text.startswith("---") is False
    assert read("a.md", "---\nid: my-id\ntitle: T\n---\ntext")[0].key == "my-id"


def test_names_in_several_languages() -> None:
    (found,) = read("a.md", "---\ntitle: T\nlanguage: de\naliases: {de: [a, a, b], fr-FR: c, '?': d}\n---\nx")
    assert found.aliases == {"de": ("a", "b"), "fr": ("c",)}


@pytest.mark.parametrize(
    ("front", "detail"),
    [("title: a: b", "line 2"), ("a: &x 1\nb: *x", "YAML"), ("[" * 1_500, "nested"), ("a" * 70_000, "longer")],
)
def test_front_matter_that_cannot_be_read_is_named(front: str, detail: str) -> None:
    with pytest.raises(DocumentRefused, match=detail) as refused:
        read("a.md", f"---\n{front}\n---\ntext")
    assert refused.value.reason == "front_matter"


def test_control_characters_in_front_matter_are_taken_out_first() -> None:
    assert read("a.md", "---\ntitle: a\x07b\u200b\n---\ntext")[0].title == "ab"
