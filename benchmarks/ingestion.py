"""How long it takes to make documents findable: `python -m benchmarks.ingestion --articles FOLDER`.

Starts the service on a copy of the data, hands in every Markdown file of a folder over HTTP, and then changes one and
deletes one. A document counts as findable when the search returns it, not when its job says so.
"""

import argparse
import json
import sys
import time
import uuid
from collections.abc import Callable, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import httpx

from benchmarks.printing import print_table
from benchmarks.servers import free_port, running

BATCH = 100
_LOOK_SECONDS = 0.05
_PATIENCE_SECONDS = 1800.0


def main() -> None:
    """Run and print the table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--articles", type=Path, required=True, help="a folder of Markdown files")
    parser.add_argument("--changes", type=int, default=5, help="how many files are changed, and deleted, one by one")
    options = parser.parse_args()
    files = sorted(options.articles.rglob("*.md"))
    port = free_port()
    with TemporaryDirectory(prefix="ingestion-") as folder:
        places = {"STATE_DIR": f"{folder}/state", "INDEX_DIR": f"{folder}/index", "PORT": str(port)}
        with (
            running([sys.executable, "-m", "app", "serve"], port, places, "/readyz") as server,
            httpx.Client(base_url=f"http://127.0.0.1:{port}/api/v1", timeout=120) as client,
        ):
            figures = measure(client, files, options.changes, lambda: server.process.memory_info().rss / 2**20)
    print_table("ingestion", ("figure", "value"), [(name, str(value)) for name, value in figures.items()])


def measure(
    client: httpx.Client, files: Sequence[Path], changes: int, resident: Callable[[], float]
) -> dict[str, float]:
    """Hand in, hand in again, change and delete; return the figures."""
    before = resident()
    began = time.perf_counter()
    accepted, refused = 0, 0
    for start in range(0, len(files), BATCH):
        took, left_out = added(client, files[start : start + BATCH])
        accepted, refused = accepted + took, refused + left_out
    seconds = time.perf_counter() - began
    began = time.perf_counter()
    for start in range(0, len(files), BATCH):
        added(client, files[start : start + BATCH])
    again = time.perf_counter() - began
    changed = [change(client, files[at]) for at in range(changes)]
    deleted = [delete(client, files[at]) for at in range(changes, 2 * changes)]
    return {
        "files": len(files),
        "accepted": accepted,
        "refused": refused,
        "seconds": round(seconds, 1),
        "files/s": round(len(files) / seconds, 1),
        "more MiB": round(resident() - before),
        "again, seconds": round(again, 2),
        "changed, findable after s (worst)": round(max(changed), 2),
        "deleted, gone after s (worst)": round(max(deleted), 2),
    }


def added(client: httpx.Client, files: Sequence[Path]) -> tuple[int, int]:
    """Hand files in, wait for their job, and return how many are ready and how many were refused."""
    sent = [("files", (file.name, file.read_bytes(), "text/markdown")) for file in files]
    reply = client.post("/documents", files=sent)
    if reply.status_code == 409:
        return 0, len(files)
    reply.raise_for_status()
    body = reply.json()
    job = finished(client, body["job"]["id"]) if body["job"] else {"done": 0}
    return job["done"], len(files) - job["done"]


def finished(client: httpx.Client, job: str) -> dict[str, Any]:
    """Wait until a job has ended and return it."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while time.monotonic() < limit:
        found: dict[str, Any] = client.get(f"/documents/jobs/{job}").json()
        if found["state"] not in {"queued", "running"}:
            return found
        time.sleep(_LOOK_SECONDS)
    raise TimeoutError(job)


def change(client: httpx.Client, file: Path) -> float:
    """Replace a document by one that holds a new word; return the seconds until a search for it finds it."""
    word = f"zq{uuid.uuid4().hex[:10]}"
    began = time.perf_counter()
    text = file.read_text("utf-8") + f"\n\n## What is new\n\nThe gadget {word} must be restarted.\n"
    reply = client.put(f"/documents/{known(client, file)}", files={"files": (file.name, text.encode())})
    reply.raise_for_status()
    until(lambda: word in searched(client, f"restart the gadget {word}"))
    return time.perf_counter() - began


def delete(client: httpx.Client, file: Path) -> float:
    """Delete a document; return the seconds until searches do not return it any more."""
    document = known(client, file)
    title = client.get(f"/documents/{document}").json()["titles"][0]
    began = time.perf_counter()
    client.delete(f"/documents/{document}", params={"wait": "true"}).raise_for_status()
    until(lambda: document not in searched(client, title))
    return time.perf_counter() - began


def known(client: httpx.Client, file: Path) -> str:
    """Return the id of a file's document."""
    return str(client.get("/documents", params={"name": file.name}).json()["documents"][0]["id"])


def searched(client: httpx.Client, text: str) -> str:
    """Return what a search finds, as text."""
    reply = client.post("/search", json={"query": text[:2000], "top_k": 20})
    reply.raise_for_status()
    return json.dumps(reply.json()["search_results"])


def until(condition: Callable[[], bool]) -> None:
    """Wait until a condition holds."""
    limit = time.monotonic() + _PATIENCE_SECONDS
    while not condition():
        if time.monotonic() > limit:
            raise TimeoutError
        time.sleep(_LOOK_SECONDS)


if __name__ == "__main__":
    main()
