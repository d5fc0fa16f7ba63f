"""`init-db`: both stores made, found up to date, migrated, refused; nothing else is needed for it."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pymongo
import pytest
from server_processes import Server

from app.adapters.stores.mongo_schema import VERSION
from app.adapters.stores.sqlite_schema import STEPS
from app.cli.databases import init_db
from app.container.stores import DATABASE
from app.errors import DependencyUnreachable, SettingsInvalid, StartRefused

pytest_plugins = ["live_servers"]

Printed = pytest.CaptureFixture[str]


@pytest.fixture(autouse=True)
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Let the environment name a folder that is not there yet, and no server."""
    for variable in ("MONGODB_URI", "REDIS_URL"):
        monkeypatch.delenv(variable, raising=False)
    folder = tmp_path / "state"
    monkeypatch.setenv("STATE_DIR", str(folder))
    return folder


def printed(capsys: Printed) -> str:
    """Run the command and return what it printed."""
    assert asyncio.run(init_db()) == 0
    return capsys.readouterr().out


def test_an_sqlite_file_is_created_once(state: Path, capsys: Printed) -> None:
    where = f"SQLite, {state / DATABASE}, schema {len(STEPS)}\n"
    assert printed(capsys) == f"created: {where}"
    assert printed(capsys) == f"up to date: {where}"


def test_an_older_sqlite_file_is_migrated(state: Path, capsys: Printed) -> None:
    state.mkdir()
    with closing(sqlite3.connect(state / DATABASE)) as connection:
        for statement in STEPS[0]:
            connection.execute(statement)
        connection.execute("PRAGMA user_version = 1")
        connection.commit()
    assert printed(capsys).startswith("migrated from schema 1: SQLite")
    assert printed(capsys).startswith("up to date: SQLite")


def test_a_newer_sqlite_file_is_refused(state: Path, capsys: Printed) -> None:
    state.mkdir()
    with closing(sqlite3.connect(state / DATABASE)) as connection:
        connection.execute("PRAGMA user_version = 999")
    with pytest.raises(StartRefused, match="newer version"):
        printed(capsys)


def test_what_is_no_database_is_refused(state: Path, capsys: Printed) -> None:
    state.mkdir()
    (state / DATABASE).write_bytes(b"no database, but as long as the head of one would be" * 10)
    with pytest.raises(StartRefused) as refused:
        printed(capsys)
    assert "STATE_DIR" in refused.value.remedy


def test_a_mongodb_is_created_once(mongo_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    name = mongo_uri.rpartition("/")[2]
    index = "text index: none on this server, searched word by word\n"
    assert printed(capsys) == f"created: MongoDB, database {name}, schema {VERSION}\n{index}"
    assert printed(capsys) == f"up to date: MongoDB, database {name}, schema {VERSION}\n{index}"


def test_a_mongodb_of_another_program_is_migrated(
    mongo_uri: str, monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("MONGODB_URI", mongo_uri)
    with pymongo.MongoClient[dict[str, Any]](mongo_uri) as client:
        client.get_default_database().create_collection("conversations")
    assert printed(capsys).startswith("migrated from schema 0: MongoDB")
    assert printed(capsys).startswith("up to date: MongoDB")


def test_a_text_index_is_told(text_mongo: Server, monkeypatch: pytest.MonkeyPatch, capsys: Printed) -> None:
    monkeypatch.setenv("MONGODB_URI", f"{text_mongo.address}/told")
    assert printed(capsys).endswith("text index: yes\n")


@pytest.mark.parametrize(
    ("uri", "error"),
    [("mongodb://ann:hunter2@127.0.0.1:1/", DependencyUnreachable), ("http://hunter2/", SettingsInvalid)],
)
def test_a_server_that_cannot_be_used_is_named_by_its_variable(
    uri: str, error: type[StartRefused], monkeypatch: pytest.MonkeyPatch, capsys: Printed
) -> None:
    monkeypatch.setenv("MONGODB_URI", uri)
    with pytest.raises(error, match="MONGODB_URI") as refused:
        printed(capsys)
    said = capsys.readouterr()
    assert "hunter2" not in f"{refused.value} {refused.value.remedy} {said.out} {said.err}"
