"""A model that maps a text to its length and can be held up, and questions to ask it."""

import asyncio
import threading

import numpy as np

from app.adapters.embedders.batching import Batcher
from app.domain.models import Vectors


class Model:
    """Maps a text to its length, notes its runs, and can be held up or made to fail."""

    def __init__(self) -> None:
        self.runs: list[list[str]] = []
        self.open = threading.Event()
        self.open.set()
        self.entered = threading.Event()
        self.error: Exception | None = None

    def __call__(self, texts: list[str]) -> Vectors:
        self.runs.append(texts)
        self.entered.set()
        assert self.open.wait(10)
        if self.error is not None:
            raise self.error
        return np.array([[len(text)] for text in texts], dtype=np.float32)

    async def hold(self, batcher: Batcher) -> "asyncio.Task[Vectors]":
        """Return a job that is running and stays so until `open` is set."""
        self.open.clear()
        self.entered.clear()
        first = asyncio.create_task(batcher.submit(["first"]))
        await asyncio.to_thread(self.entered.wait, 10)
        return first


def jobs(batcher: Batcher, *texts: str) -> list["asyncio.Task[Vectors]"]:
    return [asyncio.create_task(batcher.submit([text])) for text in texts]


async def settle() -> None:
    """Let new tasks reach the queue."""
    for _ in range(3):
        await asyncio.sleep(0)
