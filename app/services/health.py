"""How the parts are: asked anew for every report, each within its own short time."""

import asyncio

from app.domain.health import Check, Condition, Health
from app.domain.models import EmbedderSpec
from app.errors import StoreFailed
from app.ports import ConversationStore, Generator
from app.services.releases.current import CurrentSearch

PING_SECONDS = 1.0


class HealthService:
    """The HealthReport protocol over the parts a service has."""

    def __init__(
        self, search: CurrentSearch, embedder: EmbedderSpec, generator: Generator | None, store: ConversationStore
    ) -> None:
        self._search = search
        self._embedder = embedder
        self._generator = generator
        self._store = store

    async def report(self) -> Health:
        """Return all checks."""
        return Health((self._index(), self._embedding(), self._generation(), await self._conversations()))

    def _index(self) -> Check:
        release = self._search.release
        if release is None:
            return Check("index", Condition.LOADING, "no release is in use yet", vital=True)
        manifest = release.manifest
        detail = f"release {manifest.release}, {manifest.documents} documents, {manifest.passages} passages"
        return Check("index", Condition.OK, detail, vital=True)

    def _embedding(self) -> Check:
        detail = f"{self._embedder.model_id} on {self._embedder.engine}, {self._embedder.dimension} dimensions"
        return Check("embedding", Condition.OK, detail, vital=True)

    def _generation(self) -> Check:
        if self._generator is None:
            return Check("generation", Condition.OK, "answers are extractive, no language model is loaded", vital=True)
        spec = self._generator.spec
        loaded = self._generator.ready()
        condition = Condition.OK if loaded else Condition.LOADING
        return Check("generation", condition, f"{spec.model_id} on {spec.engine}, {spec.device}", vital=True)

    async def _conversations(self) -> Check:
        """Ask the store; without it questions are still answered, but not kept."""
        try:
            async with asyncio.timeout(PING_SECONDS):
                await self._store.ping()
        except (StoreFailed, TimeoutError):
            return Check("conversations", Condition.DEGRADED, "answers are not persisted", vital=False)
        return Check("conversations", Condition.OK, "reachable", vital=False)
