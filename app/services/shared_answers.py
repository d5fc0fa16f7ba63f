"""Answers that are shared: known from before, under way for somebody else, or made now and kept for the next."""

from collections.abc import AsyncGenerator, Callable
from contextlib import aclosing
from dataclasses import dataclass
from typing import TypeAlias

from app.domain.answers import Draft
from app.domain.events import EvidenceFound, SourceCited, TextSaid
from app.domain.retrieval import Evidence
from app.ports import Leases, Release, ResponseCache
from app.services import answers_cache
from app.services.answering.telling import told
from app.services.single_flight import Landed, SingleFlight, leased


@dataclass(frozen=True, slots=True)
class Made:
    """How the making of an answer ends: its draft, the evidence it rests on, and whether it was kept from before."""

    draft: Draft
    evidence: Evidence
    cached: bool


Told: TypeAlias = EvidenceFound | TextSaid | SourceCited
Making: TypeAlias = AsyncGenerator[Told | Draft, None]
"""The evidence first, the draft last, and between them what is said of it."""


class SharedAnswers:
    """Makes each answer once, however many ask: a cache, single flight in this process, a lease between processes.

    Without leases, each process works for itself.
    """

    def __init__(self, cache: ResponseCache, leases: Leases | None = None) -> None:
        self._cache = cache
        self._leases = leases
        self._flights: SingleFlight[Told | Made] = SingleFlight()

    async def stream(self, key: str, release: Release, make: Callable[[], Making]) -> AsyncGenerator[Told | Made, None]:
        """Tell the answer kept under `key`; where there is none, follow or begin its making.

        Raises what the making raises, to all who follow it; no failure is kept. Closing the iterator stops the making
        where nobody else follows it.
        """
        known = answers_cache.load(key, await self._cache.get(key), release)
        if known is not None:
            for item in _retold(*known):
                yield item
            return
        async with aclosing(self._flights.join(key, lambda: self._made(key, release, make))) as items:
            async for item in items:
                yield item

    async def alone(self, make: Callable[[], Making]) -> AsyncGenerator[Told | Made, None]:
        """Tell an answer that is nobody else's: neither looked up, nor followed, nor kept."""
        async with aclosing(make()) as making:
            async for piece in making:
                if isinstance(piece, EvidenceFound):
                    evidence = piece.evidence
                yield Made(piece, evidence, cached=False) if isinstance(piece, Draft) else piece

    async def _made(
        self, key: str, release: Release, make: Callable[[], Making]
    ) -> AsyncGenerator[Told | Made | Landed[Told | Made], None]:
        async with leased(self._leases, key):
            # Whoever had the lease, or the flight just before, may have put it there meanwhile.
            known = answers_cache.load(key, await self._cache.get(key), release)
            if known is not None:
                *items, last = _retold(*known)
                for item in items:
                    yield item
                yield Landed(last)
                return
            async with aclosing(make()) as making:
                async for piece in making:
                    if isinstance(piece, EvidenceFound):
                        evidence = piece.evidence
                    if isinstance(piece, Draft):
                        await self._keep(key, piece, evidence, release)
                        yield Landed(Made(piece, evidence, cached=False))
                    else:
                        yield piece

    async def _keep(self, key: str, draft: Draft, evidence: Evidence, release: Release) -> None:
        # What stands in for a failed model's answer must not outlive the failure.
        if not draft.degraded:
            await self._cache.put(key, answers_cache.dump(key, draft, evidence, release))


def _retold(draft: Draft, evidence: Evidence) -> list[Told | Made]:
    """Return what was told of an answer that was kept, as it was when it was made."""
    return [EvidenceFound(evidence), *told(draft), Made(draft, evidence, cached=True)]
