"""A process that publishes index releases: for ever, to be killed, or so many and then ends.

Arguments: the folder, a word that all its documents hold, and how many releases (0: for ever).
"""

import os
import sys
from itertools import count, islice
from pathlib import Path

from app.adapters.index.store import FolderReleaseStore
from tests.builders import content, document

DIMENSION = 32
PAGES = 30


def publish(folder: Path, word: str, number: int) -> str:
    """Publish a release whose every document tells which one it belongs to."""
    pages = (document(f"page-{page}", f"{word} {number} " * 20, title=word) for page in range(PAGES))
    return FolderReleaseStore(folder).publish(content(*pages, dimension=DIMENSION, sources=f"{word} {number}")).release


def main(folder: Path, word: str, releases: int) -> None:
    """Publish, and tell of every release once it is current."""
    for number in islice(count(), releases or None):
        os.write(1, f"{publish(folder, word, number)}\n".encode())


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2], int(sys.argv[3]))
