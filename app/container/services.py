"""Opens everything that serves requests."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from dataclasses import replace

from app.adapters.catalogue.catalogue import Catalogue
from app.config import Settings
from app.container.access import open_access
from app.container.documents import open_documents
from app.container.files import open_files
from app.container.parts import open_parts
from app.services.bundle import Services
from app.services.conversation.retention import RetentionRules, keep_retention
from app.services.knowledge.building import Progress, no_progress


@asynccontextmanager
async def open_services(settings: Settings, progress: Progress = no_progress) -> AsyncIterator[Services]:
    """Open everything that serves requests; `progress` hears of an index being built."""
    # Before the rest: that documents cannot be kept is told at once.
    with Catalogue(settings.stores.state_dir) as catalogue:
        async with (
            open_access(settings) as access,
            open_parts(settings, progress) as parts,
            open_documents(settings, catalogue, parts.keeper, parts.keeper.release) as documents,
            _background(parts.keeper.follow()),
            _background(keep_retention(parts.store, RetentionRules(settings.stores.conversation_ttl_days))),
            documents.running(),
            open_files(settings.files, parts) as files,
        ):
            yield replace(parts.services, documents=documents, releases=parts.keeper, files=files, access=access)


@asynccontextmanager
async def _background(work: Coroutine[None, None, None]) -> AsyncIterator[None]:
    """Run something beside the block, and end it with the block; what it raises ends the block."""
    async with asyncio.TaskGroup() as group:
        task = group.create_task(work)
        try:
            yield
        finally:
            task.cancel()
