"""`init-db`: the conversation store, made or brought up to date, as every start does it. Doing it twice is harmless."""

import sqlite3
from contextlib import closing
from pathlib import Path

from app.adapters.stores.sqlite_schema import version_of
from app.adapters.stores.sqlite_store import SqliteStore
from app.cli.console import out
from app.config import Settings
from app.container.stores import DATABASE
from app.errors import StartRefused


async def init_db() -> int:
    """Make or migrate what the settings name.

    Raises DependencyUnreachable where a configured server cannot be reached, StartRefused where the store is of a newer
    version or cannot be used as it is.
    """
    stores = Settings.load().stores
    if stores.mongodb_uri is None:
        await _init_sqlite(stores.state_dir / DATABASE)
    else:
        await _init_mongo(stores.mongodb_uri.get_secret_value())
    return 0


async def _init_sqlite(path: Path) -> None:
    before = _version(path)
    async with SqliteStore(path):
        pass
    _print(f"SQLite, {path}", before or 0, _version(path) or 0, created=before is None)


async def _init_mongo(uri: str) -> None:
    from app.adapters.stores.mongo_store import MongoStore  # noqa: PLC0415 - the driver is imported when it is chosen

    async with MongoStore(uri) as store:
        prepared = store.prepared
    _print(f"MongoDB, database {prepared.database}", prepared.before, prepared.version, created=prepared.created)
    out.print("text index: " + ("yes" if prepared.text_search else "none on this server, searched word by word"))


def _version(path: Path) -> int | None:
    """Return a file's schema version, None where there is no file; raises StartRefused for one that is no database."""
    if not path.exists():
        return None
    try:
        # Immutable is not said: what another process has just written may still be in the log beside the file.
        with closing(sqlite3.connect(path.absolute().as_uri() + "?mode=ro", uri=True)) as connection:
            return version_of(connection)
    except sqlite3.Error as error:
        remedy = "set STATE_DIR to a folder that can be written to"
        raise StartRefused(f"{path}: conversations cannot be kept there ({error})", remedy) from error


def _print(where: str, before: int, version: int, *, created: bool) -> None:
    done = "created" if created else "up to date" if before == version else f"migrated from schema {before}"
    out.print(f"{done}: {where}, schema {version}")
