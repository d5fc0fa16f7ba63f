"""Hard facts: what is either right or wrong in a sentence, and whether a text holds it."""

import time

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.answering.facts import hard_facts, plain, stands_in

FOUND = {
    "Open https://a.example.com/x?y=1 now.": "https://a.example.com/x?y=1",
    "Type chrome://net-internals/#dns there.": "chrome://net-internals/#dns",
    "Write to help.desk@example.com today.": "help.desk@example.com",
    "Go to portal.example.org/start today.": "portal.example.org/start",
    r"Look into C:\Windows\Temp\vpn.log today.": r"C:\Windows\Temp\vpn.log",
    r"Open %localappdata%\Packages today.": r"%localappdata%\Packages",
    r"Open \\server\share today.": r"\\server\share",
    "Edit /etc/ssh/sshd_config now.": "/etc/ssh/sshd_config",
    "Edit ~/.ssh/config now.": "~/.ssh/config",
    "Add --verbose to it.": "--verbose",
    "Add -v to it.": "-v",
    r"Look at HKLM\SYSTEM\Services now.": r"HKLM\SYSTEM\Services",
    "Press Ctrl+Shift+Esc now.": "Ctrl+Shift+Esc",
    "Press F12 now.": "F12",
    "It says ERR_CERT_DATE_INVALID now.": "ERR_CERT_DATE_INVALID",
    "It says 0x80070002 now.": "0x80070002",
    "It says 5.7.13 now.": "5.7.13",
    "At 10:30 it stops.": "10:30",
    "End ms-teams.exe first.": "ms-teams.exe",
    "Wait 15 minutes first.": "15 minutes",
    "It needs 4 GB free.": "4 GB",
    "Run `sfc /scannow` first.": "sfc /scannow",
    "Choose **Quit** there.": "Quit",
    'Choose "Sign out" there.': "Sign out",
    "Choose „Beenden“ or «Quitter» there.": "Quitter",
    "Open Settings > Apps & features > Advanced options there.": "Settings > Apps & features > Advanced",
    "Start Outlook there.": "Outlook",
    "Start the VPN there.": "VPN",
    "Use DisplayPort there.": "DisplayPort",
}


@pytest.mark.parametrize(("sentence", "fact"), FOUND.items())
def test_hard_facts_are_found_as_they_are_written(sentence: str, fact: str) -> None:
    assert fact in hard_facts(sentence)


def test_a_fact_is_told_once_and_without_the_end_of_the_sentence() -> None:
    assert hard_facts("Use port 443, then port 443.") == ["443"]


def test_a_sentence_without_hard_facts_has_none() -> None:
    assert hard_facts("Close the window and wait a little, e.g. over lunch.") == []
    assert hard_facts("Restart it.") == []


MENUS = {
    "Go to Settings > Apps > Installed apps, then wait.": "Settings > Apps > Installed",
    "Open **Settings > Network & internet > VPN**.": "Settings > Network & internet > VPN",
    "In the app choose File > Save as and wait.": "File > Save",
    "choose file > save": "file > save",
}


@pytest.mark.parametrize(("sentence", "path"), MENUS.items())
def test_a_menu_path_is_one_fact(sentence: str, path: str) -> None:
    assert path in hard_facts(sentence)


HELD = [
    ("80", "Port 80 is open", True),
    ("80", "802.1X is on", False),
    ("80", "Port 1802 is open", False),
    ("80", "It is 80.", True),
    ("80", "It is 80.5 now", False),
    ("5", "It took 1.5 hours", False),
    ("5.7.1", "Error 5.7.1.", True),
    ("5.7.1", "Error 5.7.13", False),
    ("5.7.1", "Error 15.7.1", False),
    ("7.1", "Error 5.7.1", False),
    ("10", "At 10:30 it stops", False),
    ("Ctrl+A", "press `ctrl+a` then", True),
    ("Team", "Microsoft Teams", False),
    ("Settings > Apps", "open **Settings > Apps > Reset**", True),
    ("Apps > Settings", "open **Settings > Apps > Reset**", False),
    ("don’t", "they don't", True),
    ("a–b", "a-b", True),
    ("%localappdata%", r"open %localappdata%\Packages", True),
    ("-v", "ssh -v", True),
]


@pytest.mark.parametrize(("fact", "text", "held"), HELD)
def test_a_fact_stands_in_a_text_as_a_whole_or_not_at_all(fact: str, text: str, held: bool) -> None:
    assert stands_in(fact, text) is held


def test_markup_space_quotes_and_case_do_not_matter() -> None:
    assert plain("  **Bold**\t`code`\n“Quoted” – it’s ") == 'bold code "quoted" - it\'s'


@given(st.text(), st.text())
@settings(derandomize=True, deadline=None, max_examples=300)
def test_any_text_can_be_looked_at(one: str, other: str) -> None:
    for fact in hard_facts(one):
        assert fact.strip()
        assert stands_in(fact, one) in {True, False}
    assert stands_in(other, one) in {True, False}


@pytest.mark.parametrize("piece", ["a.", "a-", "A > ", "`", "\\", "1.", "1,", "@a.", "/a", "F1_", "%a", '"', "--a"])
def test_repetition_costs_no_time(piece: str) -> None:
    began = time.perf_counter()
    hard_facts(piece * 2000)
    assert time.perf_counter() - began < 2
