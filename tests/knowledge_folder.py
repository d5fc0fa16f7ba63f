"""A whole small installation in a folder: articles, tickets, questions, and the environment that points to it."""

import functools
import json
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app import config
from app.adapters.language import open_detector
from app.cli.main import main
from app.container import knowledge
from app.domain.evaluation import Half, half_of

MODELS = Path(__file__).parents[1] / ".cache" / "models"
"""The checkout's own cache of converted models: conversion takes long, and is tested elsewhere."""

_open_detector = functools.cache(open_detector)

_FRONT = """\
---
id: {id}
subject: "{subject}"
category: {category}
platform: [windows]
difficulty: easy
risk: none
language: en
reviewed: 2026-11-02
owner: service-desk
---
"""
ARTICLES = {
    "vpn-error-809": (
        "VPN error 809: the server does not respond",
        "vpn",
        "The VPN client on Windows reports error 809 and does not connect.",
        "A router drops the packets of the VPN tunnel.",
        ("Restart the router and connect the VPN again.", "[admin] Allow UDP ports 500 and 4500 in the firewall."),
        "Connect the VPN through a phone's hotspot.",
    ),
    "vpn-password-refused": (
        "VPN says the user name or password is wrong, error 691",
        "vpn",
        "The VPN reports error 691 and refuses the password.",
        "The account is locked or the password has expired.",
        ("Sign in to the portal with the same password.", "Reset the password if the portal refuses it as well."),
        "Call the service desk to unlock the account.",
    ),
    "password-reset": (
        "Reset a forgotten password",
        "accounts",
        "You forgot the password of your account and cannot sign in.",
        "Passwords expire after 90 days.",
        ("Open https://reset.example.com and enter your user name.", "Type the code from your phone."),
        "Visit the service desk with your badge.",
    ),
    "printer-offline": (
        "Printer is shown as offline",
        "printing",
        "Windows shows the network printer as offline and nothing prints.",
        "The printer got another address from the network.",
        (
            "Turn the printer off and on.",
            "Open **Settings > Printers & scanners** and remove the printer.",
            "Add it again.",
        ),
        "Print from another computer and tell us whether that works.",
    ),
    "teams-clear-cache": (
        "Clear the cache of Teams",
        "meetings",
        "Microsoft Teams hangs while it loads and shows a white window.",
        "The local cache of Teams is damaged.",
        (
            "Quit Teams from the notification area.",
            "[destructive] Delete the folder `%localappdata%\\MSTeams`.",
            "Start Teams.",
        ),
        "Reset the app in **Settings > Apps**.",
    ),
    "outlook-search-empty": (
        "Search in Outlook finds no mail",
        "email",
        "The search in Outlook finds nothing although the mail is there.",
        "The search index of Windows is incomplete.",
        ("Open **File > Options > Search** in Outlook.", "Select **Indexing options** and rebuild the index."),
        "Search in Outlook on the web.",
    ),
    "wifi-no-internet": (
        "Wi-Fi is connected but there is no internet",
        "network",
        "The laptop is connected to Wi-Fi, yet no web page opens.",
        "The sign-in page of the network was not confirmed.",
        (
            "Open http://neverssl.com in the browser and accept the terms.",
            "Forget the Wi-Fi network and join it again.",
        ),
        "Use a network cable.",
    ),
}
_TICKETS = (
    (
        "T-1",
        "VPN stopped at home",
        "VPN error 809 since the new router.",
        "The router was restarted and VPN was back.",
        "vpn-error-809",
    ),
    (
        "T-2",
        "Blank pages",
        "The printer prints blank pages since the new toner.",
        "The orange strip of the toner was pulled.",
        None,
    ),
)
_QUESTIONS = (
    ("the vpn client reports error 809", "en", "plain", ("vpn-error-809",), ("UDP ports 500", "udp 500")),
    ("I forgot the password of my account", "en", "plain", ("password-reset",), ("reset.example.com",)),
    ("microsoft teams hangs with a white window", "en", "plain", ("teams-clear-cache",), ("MSTeams",)),
    ("printer is shown as offline", "en", "terse", ("printer-offline",), ("Printers & scanners",)),
    ("search in outlook finds no mail", "en", "ambiguous", ("outlook-search-empty",), ("rebuild the index",)),
    ("WLAN ist verbunden, aber kein Internet", "de", "plain", ("wifi-no-internet",), ("neverssl",)),
    ("how long do I boil an egg", "en", "off_topic", (), None),
    ("who won the football match yesterday", "en", "off_topic", (), None),
)  # fmt: skip


def write_article(folder: Path, name: str) -> Path:
    """Write one of the articles and return its path."""
    subject, category, symptom, cause, steps, fallback = ARTICLES[name]
    listed = "\n".join(f"{number}. {step}" for number, step in enumerate(steps, 1))
    sections = {"Symptom": symptom, "Cause": cause, "Steps": listed, "If that did not help": fallback}
    body = "".join(f"\n## {heading}\n\n{text}\n" for heading, text in sections.items())
    path = folder / category / f"{name}.md"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(_FRONT.format(id=name, subject=subject, category=category) + body, encoding="utf-8")
    return path


def write_knowledge(data: Path) -> None:
    """Write all articles, tickets and questions."""
    for name in ARTICLES:
        write_article(data / "knowledge", name)
    (data / "tickets.json").write_text(json.dumps([_ticket(*row) for row in _TICKETS]), encoding="utf-8")
    (data / "eval").mkdir()
    lines = [json.dumps(row) for row in questions()]
    (data / "eval" / "questions.jsonl").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _ticket(name: str, subject: str, description: str, resolution: str, article: str | None) -> dict[str, Any]:
    return {
        "id": name,
        "subject": subject,
        "description": description,
        "resolution": resolution,
        "summary": f"{subject}: {resolution}",
        "category": "other",
        "platform": ["windows"],
        "language": "en",
        "status": "solved",
        "created": "2026-03-09",
        "resolved": "2026-03-10",
        "article": article,
    }


def questions() -> Iterator[dict[str, Any]]:
    """Yield every question twice, once in each half."""
    for number, (text, language, kind, documents, fact) in enumerate(_QUESTIONS):
        for half in Half:
            name = next(f"{number}-{at}" for at in range(99) if half_of(f"{number}-{at}") is half)
            yield {
                "id": name,
                "question": text,
                "language": language,
                "kind": kind,
                "documents": documents,
                "key_facts": [fact] if fact else [],
                "answerable": bool(documents),
            }


class Place:
    """An installation in a folder of its own; the process's environment points to it."""

    def __init__(self, root: Path, patch: pytest.MonkeyPatch) -> None:
        self.root = root
        self.data = root / "data"
        self._patch = patch
        for name in config.names():
            patch.delenv(name, raising=False)
        for name, value in environment(root).items():
            patch.setenv(name, value)
        # The language model of questions takes most of a second to load, and is the same for all tests.
        patch.setattr(knowledge, "open_detector", _open_detector)
        patch.chdir(root)

    def set(self, **values: object) -> None:
        """Set environment variables."""
        for name, value in values.items():
            self._patch.setenv(name, str(value))

    @property
    def article(self) -> Path:
        """An article's file."""
        return self.data / "knowledge" / "vpn" / "vpn-error-809.md"

    @property
    def releases(self) -> list[str]:
        """The names of the index releases, oldest first."""
        return sorted(path.name for path in (self.root / "index" / "releases").iterdir())

    def run(self, *arguments: str) -> int:
        """Run a command in this process and return its exit code."""
        return main(arguments)


def environment(root: Path) -> dict[str, str]:
    """Return the settings of an installation below a folder."""
    return {
        "DATA_DIR": str(root / "data"),
        "INDEX_DIR": str(root / "index"),
        "STATE_DIR": str(root / "state"),
        "MODEL_CACHE_DIR": str(MODELS),
        "EMBEDDING_ENGINE": "openvino",
        "HF_HUB_OFFLINE": "1",
        "COLUMNS": "200",
    }


@contextmanager
def built(root: Path) -> Iterator[Path]:
    """Write the knowledge below a folder and build its index once, for tests to copy."""
    write_knowledge(root / "data")
    with pytest.MonkeyPatch.context() as patch:
        assert Place(root, patch).run("index") == 0
    yield root


def copy_of(original: Path, root: Path, patch: pytest.MonkeyPatch) -> Place:
    """Return an installation of its own, copied from a built one."""
    shutil.copytree(original, root, dirs_exist_ok=True)
    return Place(root, patch)
