"""How a document fits the environment a question is about."""

import pytest

from app.domain.conversations import Device, Question
from app.domain.knowledge import Document
from app.domain.retrieval import HitWarning
from app.services.retrieval.environment import (
    OTHER_DEVICE,
    OTHER_VERSION,
    SAME_APP,
    Environment,
    Fitting,
    environment_of,
    name_words,
)
from app.services.retrieval.platforms import platforms_of
from app.services.retrieval.query import Query
from app.services.retrieval.versions import versions_of
from tests.builders import document

WIN10 = document("win10", title="Add a printer in Windows 10", metadata={"platform": ["windows"]})


def around(text: str, device: Device | None = None, earlier: str = "") -> Environment:
    told = device or Device()
    whole = f"{earlier}\n{text}" if earlier else text
    platforms = platforms_of(text, Device()) or platforms_of(whole, told)
    return environment_of(Question(text, device=told), Query(whole, whole, "en", (), platforms, bool(earlier)))


def warned(found: Document, where: Environment) -> list[HitWarning]:
    return list(Fitting({found.id: found}).warnings(found, where))


def penalty(found: Document, where: Environment) -> float:
    return Fitting({found.id: found}).penalty(found.id, where)


@pytest.mark.parametrize(
    ("text", "device", "other"),
    [
        ("printer on Windows 11", Device(), True),
        ("printer on Windows 10", Device(), False),
        ("printer", Device(), False),
        ("printer", Device(os="Windows 11"), True),
        ("printer", Device(os="Windows", version="11"), True),
        ("printer", Device(os="Windows 10", version="22H2"), False),
        ("printer on Windows 10", Device(os="Windows 11"), False),
        ("printer on my colleague's Windows", Device(os="Windows 11"), True),
    ],
)
def test_a_document_for_other_versions_says_so_and_stands_back(text: str, device: Device, other: bool) -> None:
    where = around(text, device)
    assert warned(WIN10, where) == [HitWarning.VERSION_MISMATCH] * other
    assert penalty(WIN10, where) == pytest.approx(OTHER_VERSION * other)


def test_the_laptop_says_nothing_about_the_phone() -> None:
    assert "windows" not in around("mail on my iPhone", Device(os="Windows 11")).versions
    assert "windows" in around("mail", Device(os="Windows 11")).versions


def test_what_is_asked_now_counts_before_what_was_asked_earlier() -> None:
    assert around("and on Windows 10?", earlier="printer in Windows 11").versions == versions_of("Windows 10")
    assert around("and now?", earlier="printer in Windows 11").versions == versions_of("Windows 11")


def test_an_application_has_versions_too() -> None:
    new = document("new", title="Reply from new Outlook")
    assert warned(new, around("reply", Device(app="Outlook", version="classic"))) == [HitWarning.VERSION_MISMATCH]
    assert warned(new, around("reply", Device(app="Outlook", version="new"))) == []
    assert "windows" not in around("reply", Device(os="Windows", app="Outlook", version="11")).versions


@pytest.mark.parametrize(
    ("text", "device", "other"),
    [
        ("FortiClient 6.4 stops", Device(), True),
        ("FortiClient 7.2 stops", Device(), False),
        ("it stops", Device(app="FortiClient", version="6.4"), True),
        ("it stops", Device(app="FortiClient", version="7"), False),
        ("it stops", Device(app="FortiClient"), False),
    ],
)
def test_documents_name_products_nobody_listed(text: str, device: Device, other: bool) -> None:
    found = document("vpn", title="VPN", metadata={"versions": ["FortiClient 7"]})
    assert warned(found, around(text, device)) == [HitWarning.VERSION_MISMATCH] * other


@pytest.mark.parametrize(
    ("app", "version", "title", "other"),
    [
        ("FortiClient", "6.4", "FortiClient 7.2 does not connect", True),
        ("FortiClient", "7.2.4", "FortiClient 7.2 does not connect", False),
        ("FortiClient", "6.4", "FortiClient does not connect", False),
        ("FortiClient", "", "FortiClient 7.2 does not connect", False),
        ("Outlook", "16.0", "Outlook 2019 does not start", False),
    ],
)
def test_titles_name_products_nobody_listed(app: str, version: str, title: str, other: bool) -> None:
    where = around("it stops", Device(app=app, version=version))
    assert warned(document("vpn", title=title), where) == [HitWarning.VERSION_MISMATCH] * other


def test_an_applications_version_is_no_part_of_its_name() -> None:
    assert name_words("Microsoft Outlook 2019 (classic)") == {"outlook"}


@pytest.mark.parametrize("name", ["version", "versions"])
def test_a_bare_version_is_one_of_the_only_platform(name: str) -> None:
    found = document("bare", title="Printers", metadata={"platform": "windows", name: "10"})
    assert warned(found, around("printer on Windows 11")) == [HitWarning.VERSION_MISMATCH]
    several = document("bare", title="Printers", metadata={"platform": ["windows", "macos"], name: "10"})
    assert warned(several, around("printer on Windows 11")) == []


def test_another_platform_costs_more_where_the_device_tells() -> None:
    mac = document("mac", metadata={"platform": ["macos"]})
    guessed, told = around("on Windows"), around("slow", Device(os="Windows"))
    assert warned(mac, guessed) == warned(mac, told) == [HitWarning.OTHER_PLATFORM]
    assert (penalty(mac, guessed), penalty(mac, told)) == (0.0, OTHER_DEVICE)
    assert warned(WIN10, told) == []


def test_what_is_done_in_a_browser_is_done_on_every_platform() -> None:
    web = document("web", metadata={"platform": ["web"]})
    assert warned(web, around("slow", Device(os="Windows"))) == []
    assert penalty(web, around("slow", Device(os="Windows"))) == 0.0


ABOUT = {
    "title": document("a", title="Outlook does not start"),
    "apps": document("a", metadata={"apps": ("Microsoft Outlook",)}),
    "app": document("a", metadata={"app": "Outlook"}),
    "category": document("a", metadata={"category": "outlook"}),
    "aliases": document("a", aliases={"de": ("Outlook hängt",)}),
}


@pytest.mark.parametrize("place", ABOUT)
def test_a_document_about_the_application_is_preferred(place: str) -> None:
    assert penalty(ABOUT[place], around("slow", Device(app="Microsoft Outlook"))) == -SAME_APP
    assert penalty(ABOUT[place], around("slow", Device(app="Teams"))) == 0.0
    assert penalty(ABOUT[place], around("slow", Device(app="Microsoft"))) == 0.0


@pytest.mark.parametrize(
    ("own", "asked", "holds"),
    [
        ("Berlin", " berlin ", True),
        (("Berlin", "Paris"), "Paris", True),
        ("Berlin", "Paris", False),
        ("any", "Paris", True),
        ((), "Paris", True),
        ("Berlin", "", True),
    ],
)
def test_a_document_holds_at_its_sites(own: object, asked: str, holds: bool) -> None:
    found = document("a", metadata={"site": own} if own else {})
    where = around("slow", Device(site=asked))
    assert Fitting({"a": found}).holds_at_site("a", where) is holds
    assert warned(found, where) == [HitWarning.OTHER_SITE] * (not holds)
