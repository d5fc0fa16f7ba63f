"""A process to be killed: takes documents in for ever and says on stdout what is acknowledged.

Arguments: the folder, and a number that sets this run's documents apart.
"""

import asyncio
import os
import sys
from itertools import count
from pathlib import Path

from tests.document_builders import candidate, opened


async def main(root: Path, run: str) -> None:
    """Add three documents, replace one, delete one, again and again, with a runner beside it."""
    with opened(root) as place:
        place.indexer.wait = 0.005
        async with place.documents.running():
            os.write(1, b"open\n")
            for number in count():
                names = [f"{run}-{number}-{at}" for at in range(3)]
                submitted = await place.documents.add([candidate(name, f"{name}.md") for name in names])
                os.write(1, "".join(f"added {name}\n" for name in names).encode())
                record = submitted.outcomes[0].record
                assert record is not None
                await place.documents.replace(record.id, candidate(f"{names[0]} new", "n.md"))
                os.write(1, f"replaced {names[0]}\n".encode())
                await asyncio.sleep(0.002)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
