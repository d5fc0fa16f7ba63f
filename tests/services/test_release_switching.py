"""Switching under load: nobody is refused, and nobody is told of two releases at once."""

import asyncio
from pathlib import Path

import pytest

from app.domain.conversations import Question
from app.domain.knowledge import Document
from app.services.releases.current import CurrentSearch
from tests.builders import ListSource, document, keeper

PAGES = 5
PER_SECOND = 50


def pages(number: int) -> list[Document]:
    """Return pages that all tell which release they belong to."""
    return [document(f"p{page}", f"spooler {number}", title=f"Page {page}") for page in range(PAGES)]


async def asked_on_and_on(search: CurrentSearch, ended: asyncio.Event) -> list[set[str]]:
    """Ask so many times a second until the end; return what each answer's evidence said."""
    asking: list[asyncio.Task[set[str]]] = []

    async def ask() -> set[str]:
        evidence = await search.search(Question("spooler", top_k=PAGES))
        return {hit.passage.text for hit in evidence.hits} | {evidence.release}

    async with asyncio.TaskGroup() as group:
        while not ended.is_set():
            asking.append(group.create_task(ask()))
            await asyncio.sleep(1 / PER_SECOND)
    return [task.result() for task in asking]


async def switched(folder: Path, times: int) -> None:
    source = ListSource(pages(0), "0")
    made, search = keeper(folder, source, keep=1)
    ended = asyncio.Event()
    releases = {(await made.start()).manifest.release: "spooler 0"}
    async with asyncio.TaskGroup() as group:
        asking = group.create_task(asked_on_and_on(search, ended))
        for number in range(1, times + 1):
            source.held, source.version = pages(number), str(number)
            releases[(await made.refresh()).release] = f"spooler {number}"
        ended.set()
    answers = asking.result()
    assert len(answers) > times / 20
    for answer in answers:
        # One text, of the release that the evidence names.
        assert len(answer) == 2
        assert {releases[name] for name in answer if name in releases} <= answer
    assert len({frozenset(answer) for answer in answers}) > 1


async def test_a_tenth_of_the_switches(tmp_path: Path) -> None:
    await switched(tmp_path, 100)


@pytest.mark.slow
async def test_a_thousand_switches(tmp_path: Path) -> None:
    await switched(tmp_path, 1000)
