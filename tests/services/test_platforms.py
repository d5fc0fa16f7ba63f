"""Which platform a question is about."""

import pytest

from app.domain.conversations import Device
from app.services.retrieval.platforms import is_for_another, platforms_of
from tests.builders import document

NAMED = {
    "Windows 11 update fails": {"windows"},
    "win10 is slow": {"windows"},
    "my MacBook and my iPad": {"macos", "ios"},
    "on a mac": {"macos"},
    "on macOS Sequoia": {"macos"},
    "Samsung Galaxy": {"android"},
    "Ubuntu and Red Hat": {"linux"},
    "the window is winning": set(),
    "what is the MAC address of my printer": set(),
    "MAC-Adresse und mac filter": set(),
    "l'adresse MAC, la dirección MAC": set(),
    "the MAC address of my Mac": {"macos"},
    "printer offline": set(),
}


@pytest.mark.parametrize(("text", "platforms"), NAMED.items())
def test_a_question_names_its_platforms(text: str, platforms: set[str]) -> None:
    assert platforms_of(text, Device()) == platforms


DEVICES = {
    "Windows 11 Pro": {"windows"},
    "win11": {"windows"},
    "Mac OS X 10.15": {"macos"},
    "macOS 15": {"macos"},
    "OS X": {"macos"},
    "osx": {"macos"},
    "Darwin 24": {"macos"},
    "iOS 18": {"ios"},
    "iPhone": {"ios"},
    "iPadOS 18": {"ios"},
    "Android 14": {"android"},
    "Fedora 41": {"linux"},
    "BeOS": set(),
    "": set(),
    "  ": set(),
}


@pytest.mark.parametrize(("system", "platforms"), DEVICES.items())
def test_where_a_question_names_none_the_device_tells(system: str, platforms: set[str]) -> None:
    assert platforms_of("it is slow", Device(os=system)) == platforms


def test_a_question_counts_before_the_device() -> None:
    assert platforms_of("on my iPhone", Device(os="Windows 11")) == {"ios"}


@pytest.mark.parametrize(
    ("own", "asked", "another"),
    [
        (["windows"], {"macos"}, True),
        (["windows", "macos"], {"macos"}, False),
        (["any"], {"macos"}, False),
        (["windows"], set(), False),
        ([], {"macos"}, False),
        (["windows"], {"windows", "macos"}, False),
        (["Windows"], {"windows"}, False),
        (["macOS 15", "OSX"], {"macos"}, False),
        (["ChromeOS"], {"windows"}, True),
        ("windows", {"windows"}, False),
        ("windows", {"macos"}, True),
    ],
)
def test_a_document_for_none_of_the_platforms_is_for_another(
    own: list[str] | str, asked: set[str], another: bool
) -> None:
    assert is_for_another(document("a", metadata={"platform": own}), frozenset(asked)) is another


def test_a_document_that_names_no_platform_is_for_none_in_particular() -> None:
    assert not is_for_another(document("a"), frozenset({"macos"}))
