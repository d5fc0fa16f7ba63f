"""Keeps the release in use in step with its sources and with other processes.

Each change builds a new release aside, compares it with the one in use over golden questions, and switches in one step.
Whoever searches is never kept waiting: a release is opened beside the one in use, which answers until then.
"""

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from functools import partial

from app.domain.releases import Manifest, Refreshed, ReleaseContent, ReleaseDifference
from app.errors import IndexCorrupt, IndexMismatch, IndexMissing, NotFound, ReleaseWorse, ServiceError
from app.ports import Release, ReleaseShelf, ReleaseStore
from app.services.knowledge.building import ContentBuilder, Progress, no_progress
from app.services.releases.current import CurrentSearch
from app.services.releases.difference import documents_changed
from app.services.releases.golden import GoldenQuestions

log = logging.getLogger(__name__)

LOOK_SECONDS = 0.5
_LOCK_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class KeeperRules:
    """When a new release is used by itself.

    `golden` questions are asked of the old and the new release; the share that finds its document may fall by `drop`.
    """

    golden: int = 100
    drop: float = 0.1


class ReleaseKeeper:
    """Builds, compares, switches and follows releases; one change at a time, in all processes."""

    def __init__(
        self,
        builder: ContentBuilder,
        store: ReleaseStore,
        shelf: ReleaseShelf,
        golden: GoldenQuestions,
        current: CurrentSearch,
        rules: KeeperRules | None = None,
    ) -> None:
        self._builder = builder
        self._store = store
        self._shelf = shelf
        self._golden = golden
        self._current = current
        self._rules = rules or KeeperRules()
        self._changing = asyncio.Lock()

    async def start(self, progress: Progress = no_progress) -> Refreshed:
        """Open the release in use, having built it where the sources or the model changed.

        A new release that is worse than the one in use is left aside with a warning: a service that runs on yesterday's
        knowledge is better than none. Raises KnowledgeInvalid, StartRefused.
        """
        try:
            return await self.change(progress)
        except ReleaseWorse as error:
            log.warning("release not activated", extra={"release": error.release, "reason": str(error)})
            return await self.change(progress)

    async def refresh(self, progress: Progress = no_progress) -> Manifest:
        """Bring the release in use in step; what the sources yield is findable when this returns."""
        return (await self.change(progress)).manifest

    async def change(self, progress: Progress = no_progress, *, force: bool = False) -> Refreshed:
        """Build, compare and switch, where anything changed, or where it is forced to embed all anew.

        Raises KnowledgeInvalid, StartRefused, DependencyFailed, and ReleaseWorse; the release in use then stays.
        """
        # Asked before the lock is: an index that is in step may be on a disk that cannot be written to.
        if not force and (same := await self._in_step(await self._usable())):
            return Refreshed(same.manifest, built=False)
        async with self._alone():
            before = await self._usable()
            if not force and (same := await self._in_step(before)):
                return Refreshed(same.manifest, built=False)
            content = await self._builder.content(None if force else self._current.release, progress)
            return await self._use(content, before)

    async def activate(self, name: str) -> Manifest:
        """Use a release that is there; it stays until the sources change again. Raises NotFound, IndexMismatch."""
        async with self._alone():
            release = await self._opened(name)
            digest = await asyncio.to_thread(self._builder.source_digest)
            held = "" if release.manifest.sources == digest else digest
            await asyncio.to_thread(self._store.activate, name, held=held)
            self._current.switch(release)
            return release.manifest

    async def rollback(self) -> Manifest:
        """Use the newest release that is older than the one in use; raises NotFound where there is none."""
        return await self.activate((await self._two())[0])

    async def difference(self, old: str = "", new: str = "") -> ReleaseDifference:
        """Compare two releases over all golden questions; by default the one in use with the one before, or after, it.

        Raises NotFound, IndexMismatch, IndexCorrupt.
        """
        if not (old and new):
            others = await self._others()
            old, new = old or others[0], new or others[1]
        return await self._compared(await self._opened(old), await self._opened(new), None)

    def release(self) -> Release | None:
        """Return the release this process searches."""
        return self._current.release

    async def manifests(self) -> tuple[Manifest, ...]:
        """Return the manifests of all whole releases, newest first."""
        return await asyncio.to_thread(self._shelf.manifests)

    async def in_use(self) -> Manifest | None:
        """Return the manifest of the release that is current in the store."""
        return await asyncio.to_thread(self._store.current)

    async def follow(self) -> None:
        """Switch whenever another process made another release current; runs until it is cancelled."""
        refused = ""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            if self._changing.locked():
                continue
            try:
                await self._step_in()
            except ServiceError as error:
                if str(error) != refused:
                    log.warning("release in use stays", extra={"code": error.code, "reason": str(error)})
                refused = str(error)
            else:
                refused = ""

    async def _use(self, content: ReleaseContent, before: Release | None) -> Refreshed:
        """Write a release, compare it with the one before, and switch to it unless it is worse."""
        manifest = await asyncio.to_thread(self._store.write, content)
        release = await self._opened(manifest.release)
        difference = await self._compared(before, release, self._rules.golden) if before else None
        if before and difference and difference.golden.after < difference.golden.before - self._rules.drop:
            await asyncio.to_thread(self._store.activate, before.manifest.release, held=content.sources)
            raise ReleaseWorse(manifest.release, difference.golden.before, difference.golden.after)
        await asyncio.to_thread(self._store.activate, manifest.release)
        self._current.switch(release)
        log.info("release built", extra={"release": manifest.release, "embedded": manifest.embedded})
        return Refreshed(manifest, built=True, difference=difference)

    async def _compared(self, old: Release, new: Release, limit: int | None) -> ReleaseDifference:
        changes = documents_changed(old, new)
        golden = await self._golden.difference(old, new, limit)
        self._golden.forget(frozenset({old.manifest.release, new.manifest.release}))
        return ReleaseDifference(old.manifest.release, new.manifest.release, *changes, golden)

    async def _two(self) -> tuple[str, str]:
        """Return the names of the release before the one in use, and of that; raises NotFound."""
        now = await self.in_use()
        earlier = [item for item in await self.manifests() if now and item.release < now.release]
        if now is None or not earlier:
            raise NotFound("an earlier index release")
        return earlier[0].release, now.release

    async def _in_step(self, release: Release | None) -> Release | None:
        """Return the release if it was made of what the sources hold, or is held in spite of them."""
        if release is None:
            return None
        digest = await asyncio.to_thread(self._builder.source_digest)
        return release if digest in {release.manifest.sources, await asyncio.to_thread(self._shelf.held)} else None

    async def _others(self) -> tuple[str, str]:
        """Return two neighbouring releases, the older one first, one of them in use; raises NotFound."""
        try:
            return await self._two()
        except NotFound:
            names = [item.release for item in await self.manifests()]
            if len(names) > 1:
                return names[-1], names[-2]
            raise

    async def _usable(self) -> Release | None:
        """Return the release that is current in the store, opened; None where there is none that can be used."""
        try:
            return await self._step_in()
        except (IndexMissing, IndexCorrupt, IndexMismatch) as error:
            log.info("no index to begin with", extra={"reason": str(error)})
            return None

    async def _step_in(self) -> Release:
        """Switch to the release that is current in the store, unless it is in use already."""
        manifest = await asyncio.to_thread(self._store.current)
        now = self._current.release
        if manifest is not None and now is not None and manifest.release == now.manifest.release:
            return now
        release = await self._opened(None)
        self._current.switch(release)
        return release

    async def _opened(self, name: str | None) -> Release:
        spec = self._builder.embedder.spec
        return await asyncio.to_thread(partial(self._store.open, spec, name=name, before=self._current.release))

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        """Be the one who changes releases, in this process and among all."""
        async with self._changing:
            while True:
                with self._shelf.alone() as free:
                    if free:
                        yield
                        return
                await asyncio.sleep(_LOCK_SECONDS)
