"""Settings: what is wrong is refused at start, by the name of the variable."""

import dataclasses
import traceback
from pathlib import Path

import pytest
from pydantic import ValidationError

from app.config import Settings, closest, names
from app.errors import SettingsInvalid

STRONG = "9f1c7be2a4d05836" * 4


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in names():
        monkeypatch.delenv(name, raising=False)


def load(folder: Path, text: str) -> Settings:
    path = folder / ".env"
    path.write_text(text, encoding="utf-8")
    return Settings.load(path)


def refused(folder: Path, text: str) -> SettingsInvalid:
    with pytest.raises(SettingsInvalid) as caught:
        load(folder, text)
    return caught.value


CONTRADICTIONS = {
    "reachable by others": ("HOST=0.0.0.0", "HOST", "ALLOW_ANONYMOUS=true"),
    "a host name of another machine": ("HOST=helpdesk.example", "HOST", "HOST=127.0.0.1"),
    "any origin": ("CORS_ORIGINS=https://a.example,*", "CORS_ORIGINS", "list the origins"),
    "a short secret": ("SECRET_KEY=abc", "SECRET_KEY", "openssl rand -hex 32"),
    "a well-known secret": ("SECRET_KEY=ChangeMe", "SECRET_KEY", "openssl rand -hex 32"),
    "no room for a question": ("MAX_TOKENS=512\nREPLY_TOKENS=512", "REPLY_TOKENS", ""),
    "two servers": (
        "AZURE_API_URL=https://a.example\nOPENAI_API_URL=https://b.example/v1\nLLM_MODEL_ID=m",
        "LLM_BACKEND",
        "set azure or openai",
    ),
    "a server without an address": ("LLM_BACKEND=azure", "AZURE_API_URL", ""),
    "a server's model that is not named": (
        "OPENAI_API_URL=https://b.example/v1",
        "LLM_MODEL_ID",
        "set it to what the server calls its model",
    ),
}


@pytest.mark.parametrize(("text", "variable", "remedy"), CONTRADICTIONS.values(), ids=CONTRADICTIONS)
def test_a_contradiction_names_its_variable_and_the_way_out(
    tmp_path: Path, text: str, variable: str, remedy: str
) -> None:
    error = refused(tmp_path, text)
    assert error.variable == variable
    assert str(error).startswith(f"{variable}: ")
    assert remedy in error.remedy


AGREEMENTS = {
    "reachable on purpose": f"HOST=0.0.0.0\nALLOW_ANONYMOUS=true\nSECRET_KEY={STRONG}",
    "loopback by name": "HOST=localhost",
    "loopback in IPv6": "HOST=::1",
    "origins by name": "CORS_ORIGINS=https://a.example, https://b.example",
    "a strong secret": f"SECRET_KEY={STRONG}",
    "room for a question": "MAX_TOKENS=512\nREPLY_TOKENS=511",
}


@pytest.mark.parametrize("text", AGREEMENTS.values(), ids=AGREEMENTS)
def test_settings_that_agree_are_taken(tmp_path: Path, text: str) -> None:
    load(tmp_path, text)


VALUES = {
    "PORT": "70000",
    "API_V1_PREFIX": "api",
    "LOG_LEVEL": "LOUD",
    "LEXICAL_WEIGHT": "nan",
    "ANSWER_THRESHOLD": "1.5",
    "EMBEDDING_ENGINE": "cuda",
    "ANSWER_MODE": "invent",
    "CACHE_TTL_SECONDS": "-1",
    "CHUNK_SIZE_TOKENS": "many",
    "MAX_FILE_SIZE_MB": "0",
}


@pytest.mark.parametrize(("name", "value"), VALUES.items())
def test_a_value_out_of_bounds_names_its_variable(tmp_path: Path, name: str, value: str) -> None:
    error = refused(tmp_path, f"{name}={value}")
    assert error.variable == name
    assert error.remedy == "see .env.example"


def test_the_environment_wins_over_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PORT", "9001")
    assert load(tmp_path, "PORT=9002\nMAX_BODY_KB=64").service.port == 9001
    assert Settings.load(tmp_path / ".env").service.max_body_kb == 64


def test_a_name_that_is_set_but_empty_counts_as_unset(tmp_path: Path) -> None:
    assert load(tmp_path, "PORT=\nMONGODB_URI=\nANSWER_THRESHOLD").service.port == 8000
    assert Settings.load(tmp_path / ".env").stores.mongodb_uri is None


def test_names_are_read_in_any_case(tmp_path: Path) -> None:
    assert load(tmp_path, "log_level=DEBUG").logs.log_level == "DEBUG"


def test_lists_are_split_at_commas(tmp_path: Path) -> None:
    loaded = load(tmp_path, "ALLOWED_EXTENSIONS=txt, ,pdf,\nCORS_ORIGINS=https://a.example")
    assert loaded.files.allowed_extensions == ("txt", "pdf")
    assert loaded.service.cors_origins == ("https://a.example",)


def test_an_unknown_name_is_refused_with_the_nearest_there_is(tmp_path: Path) -> None:
    error = refused(tmp_path, "MONGO_URI=mongodb://localhost")
    assert error.variable == "MONGO_URI"
    assert error.remedy == "did you mean MONGODB_URI?"
    assert ".env" in str(error)


def test_an_unknown_name_like_no_other_is_refused_too(tmp_path: Path) -> None:
    assert refused(tmp_path, "FAVOURITE_COLOUR=blue").remedy == "see .env.example for the names there are"


@pytest.mark.parametrize(("typed", "meant"), [("LOGLEVEL", "LOG_LEVEL"), ("redis_ulr", "REDIS_URL"), ("x", None)])
def test_a_mistyped_name_finds_the_one_that_was_meant(typed: str, meant: str | None) -> None:
    assert closest(typed) == meant


def test_names_of_other_programs_in_the_environment_are_none_of_ours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("MONGO_URI", "mongodb://elsewhere")
    assert Settings.load(None).stores.mongodb_uri is None


def test_a_file_in_another_encoding_is_refused_by_name(tmp_path: Path) -> None:
    path = tmp_path / ".env"
    path.write_bytes("PROJECT_NAME=Störung\n".encode("latin-1"))
    with pytest.raises(SettingsInvalid, match=r"^\.env: is not UTF-8$"):
        Settings.load(path)


def test_a_file_that_is_not_there_holds_nothing(tmp_path: Path) -> None:
    assert Settings.load(tmp_path / ".env") == Settings.load(None)


def test_secrets_never_show(tmp_path: Path) -> None:
    hidden = {
        "SECRET_KEY": STRONG,
        "API_KEY": "key-3141592653",
        "MONGODB_URI": "mongodb://ann:hunter2-mongo@localhost",
        "REDIS_URL": "redis://:hunter2-redis@localhost",
    }
    loaded = load(tmp_path, "\n".join(f"{name}={value}" for name, value in hidden.items()))
    shown = repr(loaded) + str(loaded) + repr(dataclasses.asdict(loaded)) + repr(loaded.stores.model_dump())
    assert not [value for value in hidden.values() if value in shown]
    assert loaded.stores.redis_url is not None
    assert loaded.stores.redis_url.get_secret_value() == hidden["REDIS_URL"]


def test_a_secret_that_is_refused_does_not_show_either(tmp_path: Path) -> None:
    error = refused(tmp_path, "SECRET_KEY=correct-horse-battery")
    assert "correct-horse-battery" not in "".join(traceback.format_exception(error)) + error.remedy


def test_a_wrong_value_does_not_show_in_its_refusal(tmp_path: Path) -> None:
    error = refused(tmp_path, "LLM_BACKEND=sk-pasted-in-the-wrong-place")
    assert "sk-pasted" not in "".join(traceback.format_exception(error))


def test_settings_cannot_be_changed_afterwards() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        setattr(Settings.load(None).service, "port", 1)  # noqa: B010 - the type checker refuses it as well
