"""`releases`: what there is, how two differ, and which one is in use."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from dataclasses import asdict

from rich.table import Table

from app.cli.console import out, print_json
from app.config import Settings
from app.container import open_keeper
from app.domain.releases import Manifest, ReleaseDifference
from app.errors import StartRefused

_NAMED = 10


def add_parser(command: ArgumentParser) -> None:
    """Add the subcommands."""
    kinds = command.add_subparsers(required=True, metavar="what", dest="what")
    listed = kinds.add_parser("list", help="all releases, newest first")
    listed.add_argument("--json", action="store_true")
    compared = kinds.add_parser("diff", help="documents and golden questions of two releases")
    compared.add_argument("old", nargs="?", default="", help="by default the one before the current one")
    compared.add_argument("new", nargs="?", default="", help="by default the current one")
    compared.add_argument("--json", action="store_true")
    chosen = kinds.add_parser("activate", help="use a release; running services follow")
    chosen.add_argument("release")
    kinds.add_parser("rollback", help="use the release before the current one")


async def releases(options: Namespace) -> int:
    """Run a subcommand; raises NotFound, IndexMismatch, IndexCorrupt."""
    async with open_keeper(Settings.load()) as keeper:
        if options.what == "list":
            current = await keeper.in_use()
            _list(await keeper.manifests(), current.release if current else "", as_json=options.json)
        elif options.what == "diff":
            difference = await keeper.difference(options.old, options.new)
            if options.json:
                print_json(asdict(difference))
            else:
                print_difference(difference)
        else:
            manifest = await (keeper.rollback() if options.what == "rollback" else keeper.activate(options.release))
            out.print(f"in use: release {manifest.release}, {manifest.documents} documents")
            out.print("It stays until the sources change again; running services follow within 2 s.")
    return 0


def _list(manifests: Sequence[Manifest], current: str, *, as_json: bool) -> None:
    if not manifests:
        raise StartRefused("there is no index release", "python -m app index")
    if as_json:
        rows = [{**asdict(item), "current": item.release == current} for item in manifests]
        print_json({"releases": rows})
        return
    table = Table(title="index releases")
    table.add_column("release", no_wrap=True)
    for heading in ("documents", "passages", "embedded", "index"):
        table.add_column(heading, overflow="fold")
    for item in manifests:
        mark = " *" if item.release == current else ""
        counts = (str(item.documents), str(item.passages), str(item.embedded))
        table.add_row(f"{item.release}{mark}", *counts, item.index_type)
    out.print(table)
    out.print("* in use")


def print_difference(difference: ReleaseDifference) -> None:
    """Print what changed from one release to another."""
    out.print(f"from {difference.old} to {difference.new}")
    for what, names in (
        ("added", difference.added),
        ("removed", difference.removed),
        ("changed", difference.changed),
        ("golden questions gained", difference.golden.gained),
        ("golden questions lost", difference.golden.lost),
    ):
        more = f" and {len(names) - _NAMED} more" if len(names) > _NAMED else ""
        out.print(f"  {what}: {len(names)}" + (f" ({', '.join(names[:_NAMED])}{more})" if names else ""))
    golden = difference.golden
    if golden.questions:
        shares = f"{golden.before:.1%} before, {golden.after:.1%} now"
        out.print(f"  golden questions that find their document: {shares} ({golden.questions} asked)")
