"""`index`: bring the index in step with its sources."""

from app.cli.console import out, progress
from app.config import Settings
from app.container import open_builder


async def index(*, force: bool) -> int:
    """Build a release where need be; raises KnowledgeInvalid, and then the release in use stays."""
    settings = Settings.load()
    async with open_builder(settings) as builder:
        with progress("building the index") as report:
            if force:
                manifest, built = await builder.build(report), True
            else:
                manifest, built = await builder.ensure(report)
    state = "built" if built else "up to date"
    out.print(f"{state}: release {manifest.release}, {manifest.documents} documents, {manifest.passages} passages")
    return 0
