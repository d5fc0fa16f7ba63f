"""`index`: bring the index in step with its sources."""

from app.cli.console import out, progress
from app.cli.releases import print_difference
from app.config import Settings
from app.container import open_keeper


async def index(*, force: bool) -> int:
    """Build a release where need be; raises KnowledgeInvalid, and then the release in use stays."""
    async with open_keeper(Settings.load()) as keeper:
        with progress("building the index") as report:
            done = await keeper.change(report, force=force)
    manifest = done.manifest
    state = f"built ({manifest.embedded} of {manifest.passages} passages embedded)" if done.built else "up to date"
    out.print(f"{state}: release {manifest.release}, {manifest.documents} documents, {manifest.passages} passages")
    if done.difference is not None:
        print_difference(done.difference)
    return 0
