"""What the caller's context changes in what is found, and what it never does."""

from pathlib import Path

import pytest

from app.domain.conversations import Device, Question
from app.domain.knowledge import Document
from app.domain.retrieval import Filters, HitWarning
from tests.builders import document, release, retriever

STEPS = "Open the settings and add the printer of the floor by its name, then print a test page"
PRINTERS = (
    document("ten", STEPS, title="Add a printer in Windows 10", metadata={"platform": ["windows"]}),
    document("eleven", STEPS, title="Add a printer in Windows 11", metadata={"platform": ["windows"]}),
)


async def found(folder: Path, *documents: Document, text: str = "add a printer", **asked: object) -> list[str]:
    filters = asked.pop("filters", Filters())
    assert isinstance(filters, Filters)
    question = Question(text, device=Device(**asked), filters=filters)  # type: ignore[arg-type]
    return [hit.document.id for hit in (await retriever(release(folder, *documents)).search(question)).hits]


@pytest.mark.parametrize(("system", "first"), [("Windows 10", "ten"), ("Windows 11", "eleven")])
async def test_the_article_for_the_right_version_comes_first(system: str, first: str, tmp_path: Path) -> None:
    opened = retriever(release(tmp_path, *PRINTERS))
    evidence = await opened.search(Question("add a printer", device=Device(os=system)))
    best, other = evidence.hits
    assert (best.document.id, best.warnings, best.duplicates) == (first, (), ())
    assert other.warnings == (HitWarning.VERSION_MISMATCH,)


async def test_an_article_for_another_version_is_better_than_none(tmp_path: Path) -> None:
    evidence = await retriever(release(tmp_path, PRINTERS[0])).search(Question("add a printer in Windows 11"))
    (hit,) = evidence.hits
    assert hit.warnings == (HitWarning.VERSION_MISMATCH,)


async def test_near_duplicates_are_found_once(tmp_path: Path) -> None:
    same = document("zzz", STEPS, title="Add a printer in Windows 10", metadata={"platform": ["windows"]})
    evidence = await retriever(release(tmp_path, *PRINTERS, same)).search(Question("add a printer in Windows 10"))
    assert [(hit.document.id, hit.duplicates) for hit in evidence.hits] == [("ten", ("zzz",)), ("eleven", ())]


BERLIN = document("berlin", STEPS, title="Printer", metadata={"site": "Berlin"})
PARIS = document("paris", STEPS, title="Printer", metadata={"site": "Paris"})
EVERY = document("every", "Printers are somewhere", title="Printer")


async def test_articles_of_other_sites_are_left_out(tmp_path: Path) -> None:
    assert await found(tmp_path / "a", BERLIN, PARIS, EVERY, site="Paris") == ["paris", "every"]
    assert len(await found(tmp_path / "b", BERLIN, PARIS, EVERY)) == 3


async def test_where_only_other_sites_have_an_article_it_says_so(tmp_path: Path) -> None:
    evidence = await retriever(release(tmp_path, BERLIN)).search(Question("printer", device=Device(site="Paris")))
    (hit,) = evidence.hits
    assert hit.warnings == (HitWarning.OTHER_SITE,)


async def test_the_right_site_is_found_behind_many_others(tmp_path: Path) -> None:
    crowd = [document(f"b{at}", f"{STEPS} {at}", title="Printer", metadata={"site": "Berlin"}) for at in range(260)]
    assert await found(tmp_path, *crowd, EVERY, text="add a printer by its name", site="Paris") == ["every"]


async def test_filters_stay_strict_whatever_the_site(tmp_path: Path) -> None:
    wanted = Filters({"site": frozenset({"Lyon"})})
    assert await found(tmp_path, BERLIN, PARIS, site="Paris", filters=wanted) == []


async def test_the_application_in_front_of_the_caller_tips_the_scales(tmp_path: Path) -> None:
    steps = "Sign out, close it, and sign in again to make it show messages"
    outlook = document("outlook", steps, title="No messages", metadata={"apps": ("Microsoft Outlook",)})
    teams = document("teams", steps, title="No messages", metadata={"apps": ("Microsoft Teams",)})
    for app in ("outlook", "teams"):
        assert (await found(tmp_path / app, outlook, teams, text="no messages", app=app))[0] == app


async def test_any_context_finds_something_where_something_is(tmp_path: Path) -> None:
    device = {"os": "macOS 15", "app": "Numbers", "version": "14.1", "site": "Lyon"}
    assert await found(tmp_path, *PRINTERS, BERLIN, **device)
