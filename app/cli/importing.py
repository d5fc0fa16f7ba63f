"""`import-legacy`: takes the knowledge of an older installation."""

import argparse
import sys
from contextlib import redirect_stdout
from pathlib import Path
from typing import Any

from app.adapters.language import open_detector
from app.adapters.legacy.reader import LegacyPaths, read_legacy
from app.adapters.sources.imported import ImportedFolder
from app.cli import indexing
from app.cli.console import err, out, print_json
from app.config import Settings
from app.errors import StartRefused
from app.services.knowledge.importing import import_rows, report

FOLDER = "imported"
_NAMES = {
    "metadata": ("it_support_metadata.json", "it_support_metadata.pkl"),
    "index": ("it_support_faiss_index.bin",),
    "config": ("it_support_config.json",),
    "tickets": ("ticket_summaries.json",),
    "ticket_embeddings": ("ticket_embeddings.npy",),
}
"""What the files are called in a folder, the better first."""


def add_arguments(command: argparse.ArgumentParser) -> None:
    """Add the options of the command."""
    command.add_argument("folder", nargs="?", type=Path, help="where the old files are, under their usual names")
    for role in _NAMES:
        command.add_argument(f"--{role.replace('_', '-')}", type=Path, metavar="FILE", help="instead of a folder")
    command.add_argument("--dry-run", action="store_true", help="read and report, write nothing")
    command.add_argument("--no-index", action="store_true", help="do not build the index afterwards")
    command.add_argument("--json", action="store_true", help="print the report as JSON")


async def import_legacy(options: argparse.Namespace) -> int:
    """Read old files, keep what is new, report, and build the index.

    Returns 1 where no row at all could be used. Raises StartRefused where there is nothing to read, DocumentRefused for
    a file that cannot be used; nothing is written then.
    """
    settings = Settings.load()
    paths = _paths(options)
    data = read_legacy(paths)
    folder = ImportedFolder(settings.knowledge.data_dir / FOLDER)
    imported = import_rows(data, open_detector(), {document.id for document in folder.documents()})
    written = str(folder.add(imported.documents)) if imported.documents and not options.dry_run else None
    made = report(data, imported, written)
    if options.json:
        print_json(made)
    else:
        _print(made, dry_run=options.dry_run)
    if len(imported.refused) == imported.rows:
        return 1
    if options.dry_run or options.no_index:
        return 0
    # Whoever asked for JSON gets JSON alone.
    with redirect_stdout(sys.stderr if options.json else sys.stdout):
        return await indexing.index(force=False)


def _paths(options: argparse.Namespace) -> LegacyPaths:
    given: dict[str, Path] = {role: path for role in _NAMES if (path := getattr(options, role)) is not None}
    if (options.folder is None) == (not given):
        raise StartRefused("name a folder, or files by --metadata, --tickets, ...; not both", "import-legacy --help")
    found = given or _found(options.folder)
    if not {"metadata", "tickets"} & set(found):
        wanted = ", ".join((*_NAMES["metadata"], *_NAMES["tickets"]))
        raise StartRefused(f"there are no texts to import: none of {wanted}", "vectors alone hold no text")
    return LegacyPaths(**found)


def _found(folder: Path) -> dict[str, Path]:
    if not folder.is_dir():
        raise StartRefused(f"{folder} is not a folder", "name the folder that holds the old files")
    there = {role: [folder / name for name in names if (folder / name).exists()] for role, names in _NAMES.items()}
    for role, paths in there.items():
        for path in paths[1:]:
            err.print(f"{path} is not read: {paths[0].name} takes its place as {role}", style="yellow")
    return {role: paths[0] for role, paths in there.items() if paths}


def _print(made: dict[str, Any], *, dry_run: bool) -> None:
    for file in made["files"]:
        out.print(f"read {file['role']}: {file['path']}, {file['bytes']} bytes, sha256 {file['sha256']}")
    for table in made["tables"]:
        out.print(f"rows: {table['rows']} in {table['path']} ({table['shape']})")
    for found in made["vectors"]:
        finite = {True: "all finite", None: "values not looked at"}[found["finite"]]
        out.print(f"vectors: {found['count']} of {found['dimension']} in {found['path']} ({found['format']}), {finite}")
    verb = "would take" if dry_run else "taken"
    out.print(
        f"{verb} {made['taken']} of {made['rows']}, duplicates {made['duplicates']}, "
        f"already imported {made['already_imported']}, refused {made['refused']}"
    )
    for row in made["refused_rows"]:
        out.print(f"refused: {row['path']} row {row['row']}: {row['reason']}")
    if made["refused"] > len(made["refused_rows"]):
        out.print(f"refused: and {made['refused'] - len(made['refused_rows'])} more")
    for what in made["not_taken"]:
        out.print(f"not taken: {what}")
    if made["written"]:
        out.print(f"written: {made['written']}")
