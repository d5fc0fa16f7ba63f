"""`index add|remove|list|watch`: documents from this machine. Nothing slow is loaded before it is needed."""

import argparse
import asyncio
import uuid
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

from rich.table import Table

from app.adapters.catalogue.catalogue import Catalogue
from app.cli.console import err, out, print_json
from app.cli.folders import Changes, Seen, Taken, changes, origin_of, print_taken, take_in
from app.config import Settings
from app.container.documents import LazyIndexer, open_documents, open_indexer
from app.domain.documents import FileFilter, FileRecord, FileState
from app.domain.extraction import ColumnMapping
from app.errors import InvalidInput, StartRefused
from app.services.documents.mappings import parse_mapping
from app.services.documents.service import DocumentService

FAILED = 1
WATCH_SECONDS = 0.5
_MOST_LISTED = 100_000


@dataclass(frozen=True)
class Desk:
    """What the commands work with."""

    catalogue: Catalogue
    documents: DocumentService
    indexer: LazyIndexer


def add_commands(index: argparse.ArgumentParser) -> None:
    """Add the subcommands; `index` without one stays what it is."""
    kinds = index.add_subparsers(required=False, metavar="add|remove|list|watch")
    add = kinds.add_parser("add", help="take in files, and the files in folders")
    add.add_argument("paths", nargs="+", type=Path, metavar="PATH")
    add.add_argument("--mapping", default="", help="columns of tables: title=Subject,text=Body+Notes")
    add.add_argument("--prune", action="store_true", help="delete documents whose file below PATH is gone")
    add.set_defaults(run=lambda options: asyncio.run(add_files(options)))

    remove = kinds.add_parser("remove", help="delete documents")
    remove.add_argument("what", nargs="+", metavar="ID|PATH|GLOB", help="a glob is one of names, or of whole paths")
    remove.set_defaults(run=lambda options: asyncio.run(remove_files(options)))

    listed = kinds.add_parser("list", help="list documents")
    listed.add_argument("--json", action="store_true")
    listed.add_argument("--state", choices=[state.value for state in FileState])
    listed.set_defaults(run=lambda options: asyncio.run(list_files(options)))

    watch = kinds.add_parser("watch", help="take in what changes below a folder, until interrupted")
    watch.add_argument("path", type=Path, metavar="PATH")
    watch.add_argument("--mapping", default="", help="columns of tables: title=Subject,text=Body+Notes")
    watch.set_defaults(run=lambda options: asyncio.run(watch_folder(options)))


@asynccontextmanager
async def open_desk() -> AsyncIterator[Desk]:
    """Open the catalogue and what works on it; the models wait until something changed."""
    settings = Settings.load()
    async with AsyncExitStack() as stack:
        catalogue = stack.enter_context(Catalogue(settings.stores.state_dir))
        indexer = LazyIndexer(stack, partial(open_indexer, settings))
        documents = await stack.enter_async_context(open_documents(settings, catalogue, indexer))
        yield Desk(catalogue, documents, indexer)


async def add_files(options: Namespace) -> int:
    """Take in what is new or changed below some paths; 1 where anything was refused."""
    mapping = _mapping(options.mapping)
    async with open_desk() as desk:
        found = Changes()
        for path in options.paths:
            found.add(
                await asyncio.to_thread(changes, desk.catalogue, path, desk.documents.submission.suffixes, mapping)
            )
        taken = await take_in(desk.documents, found, mapping, prune=options.prune)
    print_taken(taken)
    return FAILED if taken.faults else 0


async def remove_files(options: Namespace) -> int:
    """Delete what is named by id, path or pattern; 1 where something named is not there."""
    status = 0
    async with open_desk() as desk:
        records = await desk.documents.report.files(FileFilter(), 0, _MOST_LISTED)
        meant: set[str] = set()
        for what in options.what:
            ids = await _meant(desk, what, {record.id for record in records[0]})
            if not ids:
                err.print(f"no document is meant by {what}")
                status = FAILED
            meant |= ids
        taken = Taken()
        if meant:
            await taken.remove(desk.documents, frozenset(meant))
    out.print(f"removed: {taken.removed}")
    return FAILED if taken.faults else status


async def _meant(desk: Desk, what: str, known: set[str]) -> set[str]:
    if _is_id(what):
        return {what} & known
    if not set(what) & set("*?["):
        return {record.id for record in desk.catalogue.origins(origin_of(Path(what))).values()}
    by_name, _ = await desk.documents.report.files(FileFilter(name=what), 0, _MOST_LISTED)
    by_path, _ = await desk.documents.report.files(FileFilter(origin=origin_of(Path(what))), 0, _MOST_LISTED)
    return {record.id for record in (*by_name, *by_path)}


async def list_files(options: Namespace) -> int:
    """Print all documents, newest first."""
    state = FileState(options.state) if options.state else None
    async with open_desk() as desk:
        records, total = await desk.documents.report.files(FileFilter(state=state), 0, _MOST_LISTED)
    if options.json:
        print_json({"documents": [_row(record) for record in records], "total": total})
        return 0
    table = Table("id", "name", "state", "documents", "from", "reason", title=f"{total} documents")
    for record in records:
        table.add_row(record.id, record.name, record.state, str(record.documents), record.origin, record.reason)
    out.print(table)
    return 0


def _row(record: FileRecord) -> dict[str, object]:
    return {
        "id": record.id,
        "name": record.name,
        "origin": record.origin,
        "state": record.state.value,
        "reason": record.reason,
        "revision": record.revision,
        "documents": record.documents,
        "size": record.size,
        "sha256": record.digest,
        "updated_at": record.updated_at.isoformat(),
    }


async def watch_folder(options: Namespace) -> int:
    """Take in what changes below a folder, and delete what is gone, until interrupted."""
    mapping = _mapping(options.mapping)
    async with open_desk() as desk:
        await desk.indexer.load()
        err.print(f"watching {options.path}; Ctrl-C stops")
        suffixes = desk.documents.submission.suffixes
        seen: Seen = {}
        while True:
            found = await asyncio.to_thread(changes, desk.catalogue, options.path, suffixes, mapping, seen)
            if found.changed or found.gone:
                taken = await take_in(desk.documents, found, mapping, prune=True, quiet=True)
                out.print(taken.line())
            await asyncio.sleep(WATCH_SECONDS)


def _is_id(text: str) -> bool:
    try:
        return str(uuid.UUID(text)) == text.lower()
    except ValueError:
        return False


def _mapping(text: str) -> ColumnMapping:
    try:
        return parse_mapping(text)
    except InvalidInput as error:
        raise StartRefused(str(error), "for example --mapping title=Subject,text=Body+Notes") from error
