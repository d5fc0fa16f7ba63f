"""Addresses and keys as people write them: understood, or refused by the name of the setting."""

import logging
import ssl
from pathlib import Path

import httpx
import pytest
from openai_server import KEY, TEXT, Hang, asking, count, endpoint, error, honest, reply, serving
from patient import asked

from app.adapters.remote.endpoint import AZURE_VERSION, azure_endpoint, openai_endpoint
from app.adapters.remote.limits import RemoteLimits, Route
from app.adapters.remote.openai_generator import OpenAiGenerator
from app.errors import DependencyUnreachable, GenerationFailed, SettingsInvalid

AZURE = "https://here.openai.azure.com"
ONCE = RemoteLimits(retry_burst=0)
CHAT = "/openai/deployments/dep-1/chat/completions"


@pytest.mark.parametrize(
    ("base", "chat"),
    [
        ("https://api.example.com/v1", "https://api.example.com/v1/chat/completions"),
        (" https://api.example.com/v1/ ", "https://api.example.com/v1/chat/completions"),
        ("https://api.example.com/v1/chat/completions", "https://api.example.com/v1/chat/completions"),
        ("http://localhost:11434/v1", "http://localhost:11434/v1/chat/completions"),
        ("http://127.0.0.9:8000/v1", "http://127.0.0.9:8000/v1/chat/completions"),
        ("http://[::1]:8000/v1", "http://[::1]:8000/v1/chat/completions"),
    ],
)
def test_addresses_of_compatible_servers(base: str, chat: str) -> None:
    found = openai_endpoint(base, "m", KEY)
    assert (found.chat_url, found.headers) == (chat, {"Authorization": f"Bearer {KEY}"})
    assert found.models_url == chat.replace("/chat/completions", "/models")
    assert openai_endpoint(base, "m").headers == {}


@pytest.mark.parametrize(
    ("address", "deployment", "version", "expected"),
    [
        (AZURE, "dep-1", None, f"{AZURE}{CHAT}?api-version={AZURE_VERSION}"),
        (f"{AZURE}/", "dep-1", "2025-01-01-preview", f"{AZURE}{CHAT}?api-version=2025-01-01-preview"),
        (f"{AZURE}/openai", "dep-1", None, f"{AZURE}{CHAT}?api-version={AZURE_VERSION}"),
        (f"{AZURE}{CHAT}?api-version=2023-05-15", None, None, f"{AZURE}{CHAT}?api-version=2023-05-15"),
        (f"{AZURE}{CHAT}?api-version=2023-05-15", "dep-1", "2023-05-15", f"{AZURE}{CHAT}?api-version=2023-05-15"),
        (f"{AZURE}{CHAT}", None, "v1", f"{AZURE}{CHAT}?api-version=v1"),
        (f"{AZURE}/openai/deployments/dep-1/", None, None, f"{AZURE}{CHAT}?api-version={AZURE_VERSION}"),
        ("https://gw.example.com/llm", "dep-1", "1", f"https://gw.example.com/llm{CHAT}?api-version=1"),
    ],
)
def test_addresses_of_azure(address: str, deployment: str | None, version: str | None, expected: str) -> None:
    found = azure_endpoint(address, KEY, deployment, version)
    assert (found.chat_url, found.headers) == (expected, {"api-key": KEY})
    assert (found.model_id, found.asked_model, found.engine) == ("dep-1", None, "azure")
    assert found.models_url == expected.replace("/deployments/dep-1/chat/completions", "/models")


@pytest.mark.parametrize(
    ("base", "key", "variable"),
    [
        ("http://api.example.com/v1", None, "OPENAI_API_URL"),
        ("http://10.0.0.1/v1", None, "OPENAI_API_URL"),
        ("http://localhost.example.com/v1", None, "OPENAI_API_URL"),
        ("ftp://localhost/v1", None, "OPENAI_API_URL"),
        ("localhost:8000/v1", None, "OPENAI_API_URL"),
        ("https:///v1", None, "OPENAI_API_URL"),
        ("https://[::1/v1", None, "OPENAI_API_URL"),
        ("https://me:hunter2@api.example.com/v1", None, "OPENAI_API_URL"),
        ("https://api.example.com/v1?key=hunter2", None, "OPENAI_API_URL"),
        ("https://api.example.com/v1#hunter2", None, "OPENAI_API_URL"),
        ("https://api.example.com/v1", "hunter2\n", "API_KEY"),
        ("https://api.example.com/v1", "hunter2 ", "API_KEY"),
        ("https://api.example.com/v1", "hunter2ö", "API_KEY"),
    ],
)
def test_what_no_compatible_server_has(base: str, key: str | None, variable: str) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        openai_endpoint(base, "m", key)
    assert caught.value.variable == variable
    assert "hunter2" not in str(caught.value) + caught.value.remedy


@pytest.mark.parametrize(
    ("address", "key", "deployment", "version", "variable"),
    [
        (AZURE, None, "dep-1", None, "API_KEY"),
        (AZURE, KEY, None, None, "AZURE_DEPLOYMENT"),
        (AZURE, KEY, "dep/../1", None, "AZURE_DEPLOYMENT"),
        (AZURE, KEY, "dep-1", "1&x=2", "AZURE_API_VERSION"),
        (f"{AZURE}{CHAT}", KEY, "dep-2", None, "AZURE_DEPLOYMENT"),
        (f"{AZURE}{CHAT}?api-version=1", KEY, None, "2", "AZURE_API_VERSION"),
        (f"{AZURE}/v1/chat/completions", KEY, "dep-1", None, "AZURE_API_URL"),
        (f"{AZURE}/?key=1", KEY, "dep-1", None, "AZURE_API_URL"),
        ("http://here.openai.azure.com", KEY, "dep-1", None, "AZURE_API_URL"),
    ],
)
def test_what_azure_does_not_have(
    address: str, key: str | None, deployment: str | None, version: str | None, variable: str
) -> None:
    with pytest.raises(SettingsInvalid) as caught:
        azure_endpoint(address, key, deployment, version)
    assert caught.value.variable == variable


@pytest.mark.parametrize("status", [200, 400, 404, 405, 429, 500])
async def test_any_server_that_answers_is_there(status: int) -> None:
    async with asking(lambda _: [error(status)]) as (generator, server):
        await generator.reach()
        assert generator.ready()
        assert (server.asks[0].method, server.asks[0].target) == ("GET", "/v1/models")
        assert server.asks[0].headers["authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("status", [401, 403, 301, 307])
async def test_a_server_that_will_not_serve_us_is_told_at_start(status: int) -> None:
    async with asking(lambda _: [error(status, location="https://elsewhere.example.com")]) as (generator, server):
        with pytest.raises(SettingsInvalid) as caught:
            await generator.reach()
        assert caught.value.variable == ("API_KEY" if status in {401, 403} else "OPENAI_API_URL")
        assert len(server.asks) == 1


async def test_a_server_that_is_not_there_is_told_at_start() -> None:
    async with serving() as server:
        pass
    generator = OpenAiGenerator(endpoint(server), count, ONCE)
    with pytest.raises(DependencyUnreachable, match=r"OPENAI_API_URL: 127\.0\.0\.1 cannot be reached"):
        await generator.reach()
    with pytest.raises(GenerationFailed, match="cannot be reached"):
        await asked(generator, streaming=False)
    await generator.aclose()
    async with asking(lambda _: [Hang], RemoteLimits(connect_seconds=0.1)) as (silent, _):
        with pytest.raises(DependencyUnreachable, match="does not answer"):
            await silent.reach()


async def test_certificates_of_ones_own(tmp_path: Path) -> None:
    target = openai_endpoint("https://api.example.com/v1", "m")
    for path in (tmp_path / "none.pem", tmp_path):
        with pytest.raises(SettingsInvalid, match="LLM_CA_FILE"):
            OpenAiGenerator(target, count, route=Route(ca_file=path))
    own = tmp_path / "own.pem"
    own.write_text(ssl.DER_cert_to_PEM_cert(httpx.create_ssl_context().get_ca_certs(binary_form=True)[0]))
    generator = OpenAiGenerator(target, count, route=Route(ca_file=own))
    assert generator.ready()
    await generator.aclose()


async def test_the_environment_names_no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    async with serving(lambda _: [reply(500, b"I read your keys.")]) as thief:
        for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
            monkeypatch.setenv(name, thief.url.removesuffix("/v1"))
        async with asking() as (generator, _):
            assert (await asked(generator, streaming=False)).text == TEXT
        assert thief.asks == []
        async with serving() as server:
            route = Route(proxy=thief.url.removesuffix("/v1"))
            generator = OpenAiGenerator(endpoint(server), count, ONCE, route=route)
            with pytest.raises(GenerationFailed):
                await asked(generator, streaming=False)
            assert thief.asks
            await generator.aclose()
        assert "127" not in repr(route)


async def test_the_key_shows_nowhere(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    shown: list[object] = []
    for act in (honest, lambda _: [error(401, KEY, KEY, KEY)], lambda _: [error(302)], lambda _: [b"rubbish\r\n\r\n"]):
        async with asking(act, ONCE) as (generator, _):
            shown += [generator.__dict__, generator.spec]
            for call in (asked(generator, streaming=False), generator.reach()):
                try:
                    await call
                except (GenerationFailed, SettingsInvalid, DependencyUnreachable) as failed:
                    shown += [failed, failed.__cause__, vars(failed)]
    assert KEY not in f"{shown} {[vars(record) for record in caplog.records]} {caplog.text}"
