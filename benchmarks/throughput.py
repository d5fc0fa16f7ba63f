"""Searches over HTTP under load: the service beside a plain handler and txtai, the same corpus and model, in one run.

python -m benchmarks.throughput --corpus corpus.jsonl --queries queries.jsonl [--txtai PYTHON] [--seconds 10] [--json]

The corpus has {id, title, text} a line, the queries {id, text}. The service runs unchanged, over a temporary folder in
which every document is an article. Every request asks another question, so nothing comes from a cache. txtai is not
among our dependencies: name the interpreter of an environment that has `txtai[api]`.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.evaluation_files import read_corpus
from app.modelfiles.locate import ModelFiles, embedding_model
from benchmarks.printing import print_table, say
from benchmarks.servers import Running, free_port, running

CLIENTS = (1, 16, 64)
OURS, PLAIN, TXTAI = "service", "plain handler", "txtai"
_MODEL = "all-MiniLM-L6-v2"
_WARM_UP_SECONDS = 2
_STRIDE = 1_000_000

_INDEX_TXTAI = """
import json, sys
from txtai import Embeddings
corpus, model, folder = sys.argv[1:]
rows = [json.loads(line) for line in open(corpus, encoding="utf-8")]
made = Embeddings(path=model, content=True)
made.index([(row["id"], (row.get("title") or "") + "\\n" + row["text"]) for row in rows])
made.save(folder)
"""


@dataclass(frozen=True, slots=True)
class Server:
    """Where a server takes searches, and how."""

    name: str
    running: Running
    method: str
    path: str


def write_articles(corpus: Path, folder: Path) -> int:
    """Write every document of a corpus as an article; returns how many."""
    documents = read_corpus(corpus, ("title", "text"))
    folder.mkdir(parents=True)
    for number, document in enumerate(documents):
        front = {
            "id": f"d-{number}",
            "subject": document.title[:300].strip() or document.id,
            "category": "page",
            "platform": ["any"],
            "difficulty": "easy",
            "risk": "none",
            "language": "en",
            "reviewed": "2026-01-01",
            "owner": "nobody",
        }
        # JSON is YAML; a line of the text that looks like a heading of an article is moved in by a blank.
        head = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in front.items())
        body = document.sections[0].text.replace("\n## ", "\n ## ").replace("\0", " ")
        (folder / f"{number}.md").write_text(f"---\n{head}\n---\n\n {body}\n", "utf-8")
    return len(documents)


def serve_ours(stack: ExitStack, corpus: Path, work: Path) -> Server:
    """Start the service over the corpus."""
    write_articles(corpus, work / "data" / "knowledge")
    port = free_port()
    environment = {
        "PORT": str(port),
        "DATA_DIR": str(work / "data"),
        "INDEX_DIR": str(work / "index"),
        "STATE_DIR": str(work / "state"),
        "ANSWER_MODE": "extract",
    }
    server = stack.enter_context(running([sys.executable, "-m", "app", "serve"], port, environment, "/readyz"))
    return Server(OURS, server, "POST", "/api/v1/search")


def serve_plain(stack: ExitStack, corpus: Path, model: ModelFiles) -> Server:
    """Start the plain handler."""
    port = free_port()
    command = [sys.executable, "-m", "benchmarks.plain", str(corpus), str(model.path), str(port)]
    return Server(PLAIN, stack.enter_context(running(command, port, {}, "/ready")), "POST", "/search")


def serve_txtai(stack: ExitStack, corpus: Path, model: ModelFiles, work: Path, python: str) -> Server:
    """Index the corpus with txtai and start its API."""
    index, config, port = work / "txtai", work / "txtai.yml", free_port()
    subprocess.run([python, "-c", _INDEX_TXTAI, str(corpus), str(model.path), str(index)], check=True)
    config.write_text(f"path: {index}\nwritable: false\nembeddings:\n  path: {model.path}\n  content: true\n")
    command = [python, "-m", "uvicorn", "txtai.api:app", "--port", str(port), "--log-level", "warning"]
    server = stack.enter_context(running(command, port, {"CONFIG": str(config)}, "/count"))
    return Server(TXTAI, server, "GET", "/search")


def loaded(server: Server, queries: Path, clients: int, seconds: float, first: int) -> dict[str, float]:
    """Let a process of its own ask; requests a second, percentiles, and the server's processor time for one request.

    That time says what the server could do where nothing else runs on the machine.
    """
    port = str(server.running.port)
    command = [sys.executable, "-m", "benchmarks.load", port, server.method, server.path, str(queries)]
    options = ["--connections", str(clients), "--seconds", str(seconds), "--first", str(first)]
    before = server.running.cpu_seconds()
    found = json.loads(subprocess.run([*command, *options], check=True, capture_output=True).stdout)
    cuts = statistics.quantiles(found["milliseconds"], n=100, method="inclusive")
    return {
        "requests_per_second": found["requests"] / found["seconds"],
        "p50_ms": cuts[49],
        "p95_ms": cuts[94],
        "p99_ms": cuts[98],
        "cpu_ms": 1000 * (server.running.cpu_seconds() - before) / found["requests"],
    }


def measured(servers: list[Server], queries: Path, seconds: float) -> Iterator[dict[str, Any]]:
    """Load the servers one after another, with more and more clients."""
    for number, clients in enumerate(CLIENTS):
        for server in servers:
            loaded(server, queries, clients, _WARM_UP_SECONDS, _STRIDE * (2 * number + 1))
            row = loaded(server, queries, clients, seconds, _STRIDE * 2 * number)
            # Torch's threads stay busy for a moment after their work is done.
            time.sleep(0.5)
            yield {"server": server.name, "clients": clients, **row}


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Start all servers, load them, and set the service's throughput beside the others'."""
    model = embedding_model(_MODEL, options.cache)
    with ExitStack() as stack:
        work = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="it-support-throughput-")))
        queries = work / "queries.txt"
        lines = options.queries.read_text("utf-8").splitlines()
        queries.write_text("\n".join(" ".join(json.loads(row)["text"].split()) for row in lines), "utf-8")
        servers = [serve_ours(stack, options.corpus, work), serve_plain(stack, options.corpus, model)]
        if options.txtai:
            servers.append(serve_txtai(stack, options.corpus, model, work, options.txtai))
        rows = list(measured(servers, queries, options.seconds))
    return {"not_run": [] if options.txtai else [TXTAI], "rows": rows, "times": _times(rows)}


def _times(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    rates = {(row["server"], row["clients"]): row["requests_per_second"] for row in rows}
    return [
        {"server": server, "clients": clients, "service_is_times_as_fast": rates[OURS, clients] / rate}
        for (server, clients), rate in rates.items()
        if server != OURS
    ]


def show(result: dict[str, Any]) -> None:
    """Print the result as a table."""
    times = {(row["server"], row["clients"]): row["service_is_times_as_fast"] for row in result["times"]}
    rows = [
        (
            row["server"],
            str(row["clients"]),
            *(f"{row[name]:.1f}" for name in ("requests_per_second", "p50_ms", "p95_ms", "p99_ms", "cpu_ms")),
            f"{times.get((row['server'], row['clients']), 1):.1f}",
        )
        for row in result["rows"]
    ]
    headings = (
        "server",
        "clients",
        "requests/s",
        "p50 ms",
        "p95 ms",
        "p99 ms",
        "CPU ms/request",
        "service is times as fast",
    )
    print_table("Searches over HTTP", headings, rows)
    for name in result["not_run"]:
        print(f"{name} was not run: name an interpreter that has it with --{name}.")


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, required=True)
    parser.add_argument("--queries", type=Path, required=True)
    parser.add_argument("--txtai", help="a Python interpreter that has txtai[api]")
    parser.add_argument("--seconds", type=float, default=10)
    parser.add_argument("--cache", type=Path, default=Path(".cache/models"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    say(measure(options), show, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
