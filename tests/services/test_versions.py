"""Which versions of which products a text names."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.services.retrieval.versions import FIRST, LAST, Number, Span, apart, mismatched, numbered, versions_of

NAMED: dict[str, dict[str, set[tuple[Number, Number]]]] = {
    "on Windows 11": {"windows": {((11,), (11,))}},
    "win10 is slow": {"windows": {((10,), (10,))}},
    "w11 laptop": {"windows": {((11,), (11,))}},
    "Windows 11/10 Pro": {"windows": {((11,), (11,)), ((10,), (10,))}},
    "Windows 7, 8.1 and 10": {"windows": {((7,), (7,)), ((8, 1), (8, 1)), ((10,), (10,))}},
    "Windows XP": {"windows": {((5,), (5,))}},
    "Windows 11 22H2 and later": {"windows": {((11, 22, 2), LAST)}},
    "Windows 11 25H2 and earlier": {"windows": {(FIRST, (11, 25, 2))}},
    "Windows 10.0.22631": {"windows": {((11,), (11,))}},
    "Windows 10.0.19045": {"windows": {((10,), (10,))}},
    "Windows Server 2012 R2": {"windows server": {((2012, 2), (2012, 2))}},
    "macOS Ventura to Sequoia": {"macos": {((13,), (13,)), ((13,), (15,)), ((15,), (15,))}},
    "macOS 13 Ventura and later": {"macos": {((13,), LAST)}},
    "macOS Monterey and older": {"macos": {(FIRST, (12,))}},
    "my Mac with Sonoma": {"macos": {((14,), (14,))}},
    "Mac OS X 10.15.7": {"macos": {((10, 15, 7), (10, 15, 7))}},
    "iOS 18 und 17": {"ios": {((18,), (18,)), ((17,), (17,))}},
    "iPadOS17.4": {"ios": {((17, 4), (17, 4))}},
    "Android 14+": {"android": {((14,), LAST)}},
    "Ubuntu 22.04, 24.04": {"ubuntu": {((22, 4), (22, 4)), ((24, 4), (24, 4))}},
    "Fedora 41": {"fedora": {((41,), (41,))}},
    "Debian 12": {"debian": {((12,), (12,))}},
    "Red Hat Enterprise Linux 9.2": {"rhel": {((9, 2), (9, 2))}},
    "Outlook 2016 or later": {"office": {((2016,), LAST)}},
    "Microsoft 365 Apps": {"office": {(LAST, LAST)}},
    "Exchange Online": {"exchange": {(LAST, LAST)}},
    "SharePoint Server 2019": {"sharepoint": {((2019,), (2019,))}},
    "the new Outlook": {"outlook edition": {((2,), (2,))}},
    "neues Outlook": {"outlook edition": {((2,), (2,))}},
    "Outlook (klassisch, Windows)": {"outlook edition": {((1,), (1,))}},
    "Outlook finds nothing, the classic one": {"outlook edition": {((1,), (1,))}},
    "from classic to new Teams": {"teams edition": {((1,), (1,)), ((2,), (2,))}},
    "Teams in classic Outlook": {"outlook edition": {((1,), (1,))}},
    "create a new Outlook profile": {},
    "the window is winning 11 to 10": {},
    "iPhone 15": {},
    "Windows 110": {},
    "Microsoft 365 mailbox": {},
    "printer offline": {},
    "": {},
}


@pytest.mark.parametrize(("text", "named"), NAMED.items())
def test_a_text_names_versions(text: str, named: dict[str, set[tuple[Number, Number]]]) -> None:
    found = versions_of(text)
    assert {name: {(span.low, span.high) for span in spans} for name, spans in found.items()} == named


def test_texts_are_taken_together_but_not_run_together() -> None:
    assert versions_of("Windows", "11") == {}
    assert versions_of("Windows 10", "Windows 11")["windows"] == {Span((10,), (10,)), Span((11,), (11,))}


@pytest.mark.parametrize(
    ("asked", "own", "other"),
    [
        ("Windows 11", "Windows 10", True),
        ("Windows 11", "Windows 11 24H2", False),
        ("Windows 11 25H2", "Windows 11 24H2 and earlier", True),
        ("macOS 14.5", "macOS Sonoma", False),
        ("macOS Monterey", "macOS Ventura to Sequoia", True),
        ("macOS Sonoma", "macOS Ventura to Sequoia", False),
        ("iOS 26", "iOS 18 and later", False),
        ("iOS 17", "iOS 18 and later", True),
        ("new Outlook", "Classic Outlook for Windows", True),
        ("Windows 11", "macOS 15", False),
        ("Windows 11", "Windows", False),
        ("Windows 10 and Windows 11", "Windows 10", False),
        ("Windows 11 and classic Outlook", "Windows 11, new Outlook", True),
    ],
)
def test_other_versions_of_the_same_product_are_told_apart(asked: str, own: str, other: bool) -> None:
    assert bool(mismatched(versions_of(asked), versions_of(own))) is other


def test_a_product_nobody_listed_is_read_by_its_name() -> None:
    assert numbered("FortiClient", "forticlient 7.2 and later") == {Span((7, 2), LAST)}
    assert numbered("Cisco Secure Client", "Cisco  Secure Client v5") == {Span((5,), (5,))}
    assert numbered("C++ (x64)", "C++ (x64) 14") == {Span((14,), (14,))}
    assert numbered("", "7") == numbered("FortiClient", "FortiClient") == frozenset()


def test_nothing_named_is_not_apart() -> None:
    assert not apart(frozenset(), versions_of("Windows 10")["windows"])


@given(st.text(max_size=300))
@settings(derandomize=True, deadline=None, max_examples=100)
def test_any_text_is_read(text: str) -> None:
    assert all(spans for spans in versions_of(text).values())
