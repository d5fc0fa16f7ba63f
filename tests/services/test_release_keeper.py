"""Releases in use: compared before the switch, followed by other processes, gone back to."""

import asyncio
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from app.adapters.embedders.hashing_embedder import HashingEmbedder
from app.adapters.index.store import FolderReleaseStore
from app.domain.conversations import Question
from app.domain.evaluation import Labelled
from app.errors import IndexMismatch, KnowledgeInvalid, NotFound, NotReady, ReleaseWorse
from app.services.releases import keeper as module
from app.services.releases.current import CurrentSearch
from app.services.releases.keeper import ReleaseKeeper
from tests.builders import ListSource, document, keeper

PRINTER = document("printer", "Restart the spooler.", title="Printer jams")
VPN = document("vpn", "Open port 500.", title="VPN drops")
ASKED = (
    Labelled("q1", "printer jams", "en", "plain", ("printer",), (), answerable=True),
    Labelled("q2", "vpn drops", "en", "plain", ("vpn",), (), answerable=True),
    Labelled("q3", "is there cake?", "en", "off_topic", (), (), answerable=False),
    Labelled("q4", "and then?", "en", "followup", ("vpn",), (), answerable=True, history=(("user", "vpn drops"),)),
)


async def found(search: CurrentSearch, text: str) -> list[str]:
    return [hit.document.id for hit in (await search.search(Question(text))).hits]


async def test_before_the_first_release_nothing_can_be_searched(tmp_path: Path) -> None:
    _, search = keeper(tmp_path, ListSource([PRINTER]))
    assert search.release is None
    with pytest.raises(NotReady):
        search.pinned()


async def test_what_a_refresh_brought_is_found_at_once_and_what_began_stays_on_its_release(tmp_path: Path) -> None:
    source = ListSource([PRINTER])
    made, search = keeper(tmp_path, source)
    await made.start()
    begun = search.pinned()
    source.held.append(VPN)
    source.version = "2"
    manifest = await made.refresh()
    assert manifest.embedded == 1
    assert await found(search, "vpn drops") == ["vpn", "printer"]
    old = await begun.search(Question("vpn drops"))
    assert [hit.document.id for hit in old.hits] == ["printer"]
    assert old.release == begun.release.manifest.release != manifest.release


async def test_where_nothing_changed_the_release_in_use_is_opened_and_kept(tmp_path: Path) -> None:
    first = (await keeper(tmp_path, ListSource([PRINTER]))[0].start()).manifest
    made, search = keeper(tmp_path, ListSource([PRINTER]))
    done = await made.start()
    assert (done.manifest, done.built, done.difference) == (first, False, None)
    assert search.release is not None
    release = search.release
    await made.refresh()
    assert search.release is release


async def test_the_difference_names_documents_and_golden_questions(tmp_path: Path) -> None:
    source = ListSource([PRINTER, VPN, document("old", "Gone soon.")])
    made, _ = keeper(tmp_path, source, questions=ASKED)
    await made.start()
    source.held = [replace(PRINTER, title="Printer jams often"), VPN, document("new", "Just added.")]
    source.version = "2"
    done = await made.change()
    assert done.difference is not None
    assert (done.difference.added, done.difference.removed) == (("new",), ("old",))
    assert done.difference.changed == ("printer",)
    golden = done.difference.golden
    # Follow-ups and questions that nothing answers say little about an index by themselves.
    assert (golden.questions, golden.before, golden.after, golden.gained, golden.lost) == (2, 1.0, 1.0, (), ())


OTHERS = [document(f"other{number}", f"printer jams {number}", title=f"Printer jams {number}") for number in range(5)]
WORSE = [document("printer", "Nothing here.", title="Empty"), VPN, *OTHERS]
"""Documents among which the printer's is hidden behind five nearer ones."""


async def test_a_release_that_finds_less_is_not_activated(tmp_path: Path) -> None:
    source = ListSource([PRINTER, VPN])
    made, search = keeper(tmp_path, source, questions=ASKED)
    first = (await made.start()).manifest
    source.held, source.version = WORSE, "2"
    with pytest.raises(ReleaseWorse, match=r"finds 50\.0% of the golden questions, the one in use 100\.0%") as caught:
        await made.refresh()
    assert search.release is not None
    assert search.release.manifest == first
    # It is not built again and again; who wants it activates it.
    assert not (await made.change()).built
    assert (await made.activate(caught.value.release)).release == caught.value.release
    assert await found(search, "vpn drops")


async def test_at_start_a_worse_release_leaves_the_old_one_in_use(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    first = await keeper(tmp_path, ListSource([PRINTER, VPN]), questions=ASKED)[0].refresh()
    made, search = keeper(tmp_path, ListSource(WORSE, "2"), questions=ASKED)
    assert (await made.start()).manifest == first
    assert search.release is not None
    assert "release not activated" in caplog.text


async def test_a_drop_that_is_allowed_is_activated(tmp_path: Path) -> None:
    source = ListSource([PRINTER, VPN])
    made, _ = keeper(tmp_path, source, questions=ASKED, drop=0.5)
    await made.start()
    source.held, source.version = WORSE, "2"
    done = await made.change()
    assert done.built
    assert done.difference is not None
    assert done.difference.golden.lost == ("q1",)


async def test_going_back_lasts_until_the_sources_change_again(tmp_path: Path) -> None:
    source = ListSource([PRINTER])
    made, search = keeper(tmp_path, source)
    first = (await made.start()).manifest
    source.held, source.version = [PRINTER, VPN], "2"
    second = await made.refresh()
    assert await made.rollback() == first
    assert await found(search, "vpn drops") == ["printer"]
    again, searched = keeper(tmp_path, source)
    assert (await again.start()).manifest == first
    assert searched.release is not None
    source.version = "3"
    third = await made.refresh()
    assert third.release not in {first.release, second.release}
    assert await found(search, "vpn drops") == ["vpn", "printer"]


async def test_a_release_that_is_in_step_is_activated_without_being_held(tmp_path: Path) -> None:
    source = ListSource([PRINTER])
    made, _ = keeper(tmp_path, source)
    await made.start()
    forced = (await made.change(force=True)).manifest
    await made.rollback()
    assert FolderReleaseStore(tmp_path).held() == ""
    await made.activate(forced.release)
    assert await made.in_use() == forced
    assert next(item.release for item in await made.manifests()) == forced.release


async def test_where_there_is_nothing_earlier_there_is_no_way_back(tmp_path: Path) -> None:
    made, _ = keeper(tmp_path, ListSource([PRINTER]))
    with pytest.raises(NotFound):
        await made.rollback()
    await made.start()
    with pytest.raises(NotFound):
        await made.difference()
    with pytest.raises(NotFound):
        await made.activate("../../etc/passwd")


async def test_two_releases_are_compared_by_name_or_the_last_two(tmp_path: Path) -> None:
    source = ListSource([PRINTER])
    made, _ = keeper(tmp_path, source, questions=ASKED)
    first = (await made.start()).manifest
    source.held, source.version = [PRINTER, VPN], "2"
    second = await made.refresh()
    compared = await made.difference()
    assert (compared.old, compared.new, compared.added) == (first.release, second.release, ("vpn",))
    back = await made.difference(second.release, first.release)
    assert (back.removed, back.golden.questions) == (("vpn",), 1)


async def test_a_release_of_another_model_is_refused(tmp_path: Path) -> None:
    first = (await keeper(tmp_path, ListSource([PRINTER]))[0].start()).manifest
    made, search = keeper(tmp_path, ListSource([PRINTER]), embedder=HashingEmbedder(32))
    second = (await made.start()).manifest
    with pytest.raises(IndexMismatch):
        await made.activate(first.release)
    assert search.release is not None
    assert search.release.manifest == second


@pytest.fixture
def quick(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LOOK_SECONDS", 0.01)


async def until(search: CurrentSearch, name: str) -> None:
    async with asyncio.timeout(5):
        while search.release is None or search.release.manifest.release != name:  # noqa: ASYNC110 - what ships tells nobody
            await asyncio.sleep(0.01)


async def followed(made: ReleaseKeeper, search: CurrentSearch, name: str) -> None:
    task = asyncio.create_task(made.follow())
    try:
        await until(search, name)
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


@pytest.mark.usefixtures("quick")
async def test_what_another_process_activates_is_followed(tmp_path: Path) -> None:
    made, search = keeper(tmp_path, ListSource([PRINTER]))
    await made.start()
    other, _ = keeper(tmp_path, ListSource([PRINTER, VPN], "2"))
    await followed(made, search, (await other.refresh()).release)
    assert await found(search, "vpn drops") == ["vpn", "printer"]


@pytest.mark.usefixtures("quick")
async def test_a_damaged_release_is_not_followed_and_said_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    made, search = keeper(tmp_path, ListSource([PRINTER]))
    first = (await made.start()).manifest
    task = asyncio.create_task(made.follow())
    (tmp_path / "CURRENT").write_bytes(b"20260301T120000Z-0123456789ab\n")
    await asyncio.sleep(0.3)
    assert search.release is not None
    assert search.release.manifest == first
    assert caplog.text.count("release in use stays") == 1
    FolderReleaseStore(tmp_path).activate(first.release)
    other, _ = keeper(tmp_path, ListSource([PRINTER, VPN], "2"))
    await until(search, (await other.refresh()).release)
    task.cancel()


async def test_builders_in_two_processes_wait_for_one_another(tmp_path: Path) -> None:
    source = ListSource([PRINTER])
    made, _ = keeper(tmp_path, source)
    store = FolderReleaseStore(tmp_path)
    with store.alone() as free:
        assert free
        waiting = asyncio.create_task(made.refresh())
        await asyncio.sleep(0.15)
        assert not waiting.done()
        assert store.current() is None
    assert (await waiting).documents == 1


async def test_a_fault_in_the_sources_frees_the_lock(tmp_path: Path) -> None:
    made, search = keeper(tmp_path, ListSource([]))
    with pytest.raises(KnowledgeInvalid):
        await made.start()
    assert search.release is None
    with FolderReleaseStore(tmp_path).alone() as free:
        assert free
