"""`keys`: make, list and revoke the keys that programs call the API with."""

from argparse import ArgumentParser, Namespace
from collections.abc import Sequence
from datetime import UTC, datetime

from rich.table import Table

from app.cli.console import err, out, print_json
from app.config import Settings
from app.container.access import open_key_desk
from app.domain.identities import ApiKey


def add_commands(command: ArgumentParser) -> None:
    """Add the subcommands."""
    kinds = command.add_subparsers(required=True, metavar="what", dest="what")
    added = kinds.add_parser("add", help="make a key, and print it this once")
    added.add_argument("name", help="what the key is for; no two keys in use have the same name")
    added.add_argument("--owner", help="whom conversations belong to; by default the name")
    added.add_argument("--expires", type=int, metavar="DAYS", help="how long it holds; by default until it is revoked")
    listed = kinds.add_parser("list", help="all keys, oldest first; never the keys themselves")
    listed.add_argument("--json", action="store_true")
    revoked = kinds.add_parser("revoke", help="end a key, and the sessions begun with it, within a second")
    revoked.add_argument("name", metavar="NAME|ID")


async def keys(options: Namespace) -> int:
    """Run a subcommand; raises InvalidInput, Conflict, NotFound, StoreFailed."""
    async with open_key_desk(Settings.load()) as desk:
        if options.what == "add":
            token, key = await desk.issue(options.name, options.owner, options.expires)
            err.print(f"key {key.id} of {key.owner}, {_until(key)}; it is told this once:")
            out.print(token)
        elif options.what == "list":
            _list(await desk.every(), as_json=options.json)
        else:
            key = await desk.revoke(options.name)
            out.print(f"revoked: {key.id} ({key.name}); running services refuse it within a second")
    return 0


def _list(held: Sequence[ApiKey], *, as_json: bool) -> None:
    if as_json:
        print_json({"keys": [_row(key) for key in held]})
        return
    table = Table(title="API keys")
    for heading in ("id", "name", "owner", "made", "state", "last used"):
        table.add_column(heading, overflow="fold")
    for key in held:
        used = f"{key.used_at:%Y-%m-%d %H h}" if key.used_at else "never"
        table.add_row(key.id, key.name, key.owner, f"{key.created_at:%Y-%m-%d}", _state(key), used)
    out.print(table)


def _row(key: ApiKey) -> dict[str, str | None]:
    times = {"created_at": key.created_at, "expires_at": key.expires_at, "revoked_at": key.revoked_at}
    told = {name: moment.isoformat() if moment else None for name, moment in times.items()}
    used = key.used_at.isoformat() if key.used_at else None
    return {"id": key.id, "name": key.name, "owner": key.owner, "state": _state(key), **told, "used_at": used}


def _state(key: ApiKey) -> str:
    if key.revoked_at:
        return "revoked"
    return _until(key) if key.holds(datetime.now(UTC)) else "expired"


def _until(key: ApiKey) -> str:
    return f"until {key.expires_at:%Y-%m-%d}" if key.expires_at else "in use"
