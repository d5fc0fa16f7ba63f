"""Servers that write answers: used when named, refused at start when they are not there or do not take the key."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import openai_server
import pytest
from openai_server import Act, Ask, serving

from app.config import Settings
from app.container import open_parts
from app.domain.answers import Outcome
from app.domain.conversations import Question
from app.errors import DependencyUnreachable, SettingsInvalid
from tests.knowledge_folder import Place, built, copy_of

ASKED = Question("vpn error 809 from home")
SAID = "1. Restart the router and connect the VPN again. 2. Allow UDP ports 500 and 4500 in the firewall."


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    with built(tmp_path_factory.mktemp("remote")) as root:
        yield root


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    return copy_of(original, tmp_path, monkeypatch)


def writing(ask: Ask) -> Sequence[Act]:
    """Answer with sentences that the article carries, and one that it does not."""
    if ask.method == "GET":
        return [openai_server.reply(200, b'{"data": []}')]
    return [openai_server.stream(openai_server.events(f"{SAID} 3. Buy a new computer at https://evil.example."))]


def failing(ask: Ask) -> Sequence[Act]:
    return writing(ask) if ask.method == "GET" else [openai_server.error(400)]


def refusing(ask: Ask) -> Sequence[Act]:
    return [openai_server.error(401)]


async def test_a_server_writes_and_what_it_writes_is_held_to_the_evidence(place: Place) -> None:
    async with serving(writing) as server:
        place.set(OPENAI_API_URL=server.url, LLM_MODEL_ID="some-model", API_KEY="k" * 20, ANSWER_MODE="auto")
        async with open_parts(Settings.load()) as opened:
            answer = await opened.chat.ask(ASKED)
    assert answer.draft.model == "some-model"
    assert "evil.example" not in answer.draft.text
    assert answer.draft.sentences
    assert not answer.draft.degraded
    assert server.asks[0].method == "GET"
    assert server.asks[0].headers["authorization"] == f"Bearer {'k' * 20}"


async def test_a_server_that_fails_leaves_the_evidence_and_says_so_and_is_not_cached(place: Place) -> None:
    async with serving(failing) as server:
        place.set(OPENAI_API_URL=server.url, LLM_MODEL_ID="some-model", LLM_BACKEND="openai")
        async with open_parts(Settings.load()) as opened:
            first, second = await opened.chat.ask(ASKED), await opened.chat.ask(ASKED)
    assert (first.draft.outcome, first.draft.degraded) == (Outcome.ANSWERED, True)
    assert not second.cached


async def test_a_server_that_is_not_there_refuses_the_start(place: Place) -> None:
    async with serving() as server:
        url = server.url
    place.set(OPENAI_API_URL=url, LLM_MODEL_ID="some-model")
    with pytest.raises(DependencyUnreachable, match="OPENAI_API_URL"):
        async with open_parts(Settings.load()):
            pytest.fail("it must not open")


async def test_a_key_that_is_refused_is_named(place: Place, capsys: pytest.CaptureFixture[str]) -> None:
    async with serving(refusing) as server:
        place.set(AZURE_API_URL=server.url.removesuffix("/v1"), AZURE_DEPLOYMENT="d", API_KEY="k" * 20)
        with pytest.raises(SettingsInvalid, match="API_KEY"):
            async with open_parts(Settings.load()):
                pytest.fail("it must not open")
        assert "k" * 20 not in capsys.readouterr().err


async def test_the_backend_extractive_asks_nobody(place: Place) -> None:
    async with serving(writing) as server:
        place.set(OPENAI_API_URL=server.url, LLM_MODEL_ID="some-model", LLM_BACKEND="extractive")
        async with open_parts(Settings.load()) as opened:
            assert (await opened.chat.ask(ASKED)).draft.model == "extractive"
    assert server.asks == []
