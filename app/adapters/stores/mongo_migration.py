"""Brings a database to what `mongo_schema` says, new, older or made by another program. Doing it twice is harmless."""

import logging
from dataclasses import dataclass
from typing import Any

from app.adapters.stores import mongo_faults as faults
from app.adapters.stores.mongo_connection import VARIABLE, patience
from app.adapters.stores.mongo_schema import (
    CONVERSATIONS,
    INDEXES,
    TEXT_INDEX,
    VALIDATORS,
    VERSION,
    VERSIONS,
)
from app.errors import DependencyUnreachable, StartRefused

# Indexes of a large collection made by another program take a while; this happens once.
_PREPARE_SECONDS = 120.0
_ID = "conversations"

logger = logging.getLogger(__name__)


@dataclass(frozen=True)
class Prepared:
    """What was found and made in a database of this name.

    `before` is the version that was recorded, 0 where none was; `created` tells that there were no conversations yet,
    `text_search` that their texts are indexed.
    """

    database: str
    before: int
    version: int
    created: bool
    text_search: bool


async def prepare(database: Any) -> Prepared:
    """Make collections, validators and indexes where they are missing, and record the version.

    Raises StartRefused where the database is of a newer version or cannot be used as it is, DependencyUnreachable
    where the server fails on the way.
    """
    try:
        async with patience(_PREPARE_SECONDS):
            return await _prepared(database)
    except faults.RAISED as error:
        if faults.is_refusal(error):
            remedy = f"see that `{CONVERSATIONS}` may be altered and holds no conversation twice for a user"
            raise StartRefused(f"{VARIABLE}: {faults.refusal(error)}", remedy) from error
        raise DependencyUnreachable(VARIABLE, f"failed while it was prepared ({type(error).__name__})") from error


async def _prepared(database: Any) -> Prepared:
    before = await _version(database)
    if before > VERSION:
        raise StartRefused(
            f"the conversations were written by a newer version (schema {before}, known here: {VERSION})",
            f"start the newer version, or name another database in {VARIABLE}",
        )
    made = await _validate(database, older=before < VERSION)
    for collection, index in INDEXES:
        await _index(database[collection], index)
    text_search = await _index_text(database[CONVERSATIONS])
    if before < VERSION:
        # The greatest wins: a newer process may have been preparing at the same moment.
        await database[VERSIONS].update_one({"_id": _ID}, {"$max": {"version": VERSION}}, upsert=True)
        logger.info("conversations prepared", extra={"schema_before": before, "schema": VERSION})
    return Prepared(database.name, before, VERSION, CONVERSATIONS in made, text_search)


async def _version(database: Any) -> int:
    found = await database[VERSIONS].find_one({"_id": _ID})
    version = 0 if found is None else found.get("version")
    if not isinstance(version, int):
        raise StartRefused(f"{VARIABLE}: `{VERSIONS}` holds no number for {_ID}", f"correct `{VERSIONS}`")
    return version


async def _validate(database: Any, *, older: bool) -> list[str]:
    """Make the collections with their validators; one that is there gets its validator where it is older.

    Not at every start: whoever may read and write need not be allowed to change validators.
    Return the names of those that were made.
    """
    made = []
    for name, validator in VALIDATORS.items():
        try:
            await database.create_collection(name, validator=validator)
            made.append(name)
        except (faults.Refused, faults.Taken) as error:
            if not faults.is_there_already(error):
                raise
            if older:
                await database.command("collMod", name, validator=validator)
    return made


async def _index(collection: Any, index: dict[str, Any]) -> None:
    """Make an index; the same one under another name, made by another program, will do."""
    try:
        await collection.create_index(**index)
    except faults.Refused:
        for there in (await collection.index_information()).values():
            if there["key"] == index["keys"] and there.get("unique") == index.get("unique"):
                return
        raise


async def _index_text(collection: Any) -> bool:
    """Make the text index; tell whether there is one over the conversations' text, by whatever name and language."""
    try:
        await collection.create_index(**TEXT_INDEX)
    except faults.Refused as error:
        there = (await collection.index_information()).values()
        if any("conversation_text" in index.get("weights", {}) for index in there):
            return True
        logger.warning("server makes no text index; searching goes on without", extra={"server_code": error.code})
        return False
    return True
