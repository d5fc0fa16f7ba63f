"""Summaries of a file's chunks, made one after the other and given up one by one."""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from app.domain.files import ChunkFindings
from app.errors import DependencyFailed, Overloaded
from app.services.files.chunking import Chunk
from app.services.files.knowing import tried
from app.services.files.reading import ATTEMPTS
from app.services.files.scanning import Redact
from app.services.summarising import Part, Summariser

log = logging.getLogger(__name__)

_CHUNK_TOKENS = 60
_WHOLE_TOKENS = 150


@dataclass(frozen=True, slots=True)
class Summaries:
    """Summaries by the number of their chunk, one of the whole, and the chunks that have none because it failed."""

    whole: str
    by_chunk: dict[int, str]
    failed: dict[int, str]

    def told(self, chunks: Sequence[ChunkFindings]) -> tuple[ChunkFindings, ...]:
        """Return chunks with their summaries."""
        return tuple(
            replace(
                one,
                summary=self.by_chunk.get(one.number, ""),
                failure=one.failure or self.failed.get(one.number, ""),
                attempts=ATTEMPTS if one.number in self.failed else one.attempts,
            )
            for one in chunks
        )


async def summarised(
    summariser: Summariser, chunks: Sequence[Chunk], language: str, redact: Redact, tell: Callable[[int], None]
) -> Summaries:
    """Summarise chunks, and then all of them by their summaries; `tell` hears how many are done."""
    made: dict[int, str] = {}
    failed: dict[int, str] = {}
    for at, chunk in enumerate(sorted(chunks, key=lambda one: one.number), 1):
        text = redact("\n".join(row for _, row in chunk.rows))
        try:
            found = await tried(lambda text=text: summariser.summarise([Part(text)], _CHUNK_TOKENS, language))  # type: ignore[misc] # a lambda has no annotations
        except (Overloaded, DependencyFailed) as error:
            log.warning("chunk not summarised", exc_info=True, extra={"chunk": chunk.number})
            failed[chunk.number] = f"could not be summarised: {error.code}"
            continue
        made[chunk.number] = found.text
        tell(at)
    whole = "\n".join(made.values())
    if len(made) > 1:
        try:
            parts = [Part(text) for text in made.values()]
            whole = (await tried(lambda: summariser.summarise(parts, _WHOLE_TOKENS, language))).text
        except (Overloaded, DependencyFailed):
            log.warning("file not summarised as a whole", exc_info=True)
    return Summaries(whole, made, failed)
