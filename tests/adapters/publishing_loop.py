"""A process that publishes index releases.

Arguments: the folder, a word that all documents hold, and how many releases to publish before it ends. Without word and
number it waits for words on stdin: for each it forks a writer that publishes for ever and is to be killed, tells the
writer's process id, and says `dead` when it is. So that twenty writers need not load their libraries twenty times.
"""

import os
import sys
from itertools import count
from pathlib import Path

from app.adapters.index.store import FolderReleaseStore
from tests.builders import content, document

DIMENSION = 32
PAGES = 30


def say(line: str) -> None:
    os.write(1, f"{line}\n".encode())


def publish(folder: Path, word: str, number: int) -> None:
    """Publish a release whose every document tells which one it belongs to, and tell of it once it is current."""
    pages = (document(f"page-{page}", f"{word} {number} " * 20, title=word) for page in range(PAGES))
    whole = content(*pages, dimension=DIMENSION, sources=f"{word} {number}")
    say(FolderReleaseStore(folder).publish(whole).release)


def fork_writers(folder: Path) -> None:
    for word in sys.stdin:
        writer = os.fork()
        if not writer:
            for number in count():
                publish(folder, word.strip(), number)
        say(str(writer))
        os.waitpid(writer, 0)
        say("dead")


def main(folder: Path, word: str = "", releases: str = "") -> None:
    if not word:
        fork_writers(folder)
    for number in range(int(releases or 0)):
        publish(folder, word, number)


if __name__ == "__main__":
    main(Path(sys.argv[1]), *sys.argv[2:])
