"""Follow-up questions on MTRAG: `python -m benchmarks.mtrag --data DIR [--limit N] [--json]`.

DIR is the folder of the public sets. The tasks that have a history are searched for in the reference passages of all
tasks, by several readings: the question alone, together with all earlier ones, with the last one, with the words of the
earlier ones that tell most, as the standalone question the service would make of it, and by the service itself, which
decides whether a question follows at all. The full collections are not part of the set: the figures are not comparable
with published ones. p is of a paired randomisation test of the service against the question alone.
"""

import argparse
import asyncio
import json
import sys
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from app.adapters.evaluation_files import read_corpus
from app.cli.console import counting, print_refusal, progress
from app.config import Settings
from app.container import open_search_over
from app.domain.conversations import Role, Turn
from app.errors import KnowledgeInvalid, ServiceError
from app.services.evaluation.comparing import bootstrap, randomisation_test
from app.services.evaluation.conversations import SERVICE, Found, Task, figures, follow
from benchmarks.printing import print_table

ALONE = "the question alone"
_ANSWERED = {"ANSWERABLE", "PARTIAL"}
_MOST_CHARS = 2000
"""As long as a question to the service may be."""


def read_tasks(path: Path) -> list[Task]:
    """Read the tasks; raises KnowledgeInvalid with the line at fault."""
    if not path.is_file():
        raise KnowledgeInvalid(path, 1, "does not exist")
    with path.open(encoding="utf-8") as file:
        return [_task(path, line, text) for line, text in enumerate(file, 1)]


def _task(path: Path, line: int, text: str) -> Task:
    now = datetime.now(UTC)
    try:
        row: dict[str, Any] = json.loads(text)
        roles = {"user": Role.USER, "agent": Role.ASSISTANT}
        turns = [
            Turn(f"{row['id']}-{at}", roles[turn["role"]], turn["text"].strip(), now)
            for at, turn in enumerate(row["history"])
        ]
        answered = row["answerability"] in _ANSWERED
        return Task(
            id=row["id"],
            domain=row["domain"],
            text=row["query"].strip()[:_MOST_CHARS],
            history=tuple(turns),
            relevant=tuple(row["gold_passages"]) if answered else (),
            label=row["answerability"],
        )
    except (ValueError, KeyError, TypeError) as error:
        raise KnowledgeInvalid(path, line, "is not a task of this set") from error


async def measure(data: Path, limit: int | None) -> dict[str, list[Found]]:
    """Index the passages and search for every task that has a history."""
    tasks = [task for task in read_tasks(data / "mtrag" / "tasks.jsonl") if task.history][:limit]
    documents = read_corpus(data / "mtrag" / "corpus.jsonl", ("title", "text"))
    with ExitStack() as stack:
        report = stack.enter_context(progress("indexing the passages"))
        async with open_search_over(Settings.load(), documents, report) as search:
            tick = stack.enter_context(counting("asking", len(tasks)))
            return await follow(search, tasks, tick)


def compared(found: dict[str, list[Found]]) -> dict[str, float]:
    """Return the service's gain in nDCG@10 over the question alone, its 95 % interval, and p."""
    pairs = zip(found[ALONE], found[SERVICE], strict=True)
    gains = [ours.ndcg - alone.ndcg for alone, ours in pairs if ours.task.relevant]
    mean = bootstrap(gains)
    return {"gain": mean.mean, "low": mean.low, "high": mean.high, "p": randomisation_test(gains)}


def show(found: dict[str, list[Found]]) -> None:
    """Print a column per reading."""
    columns = {name: figures(rows) for name, rows in found.items()}
    tasks = found[SERVICE]
    title = f"{sum(bool(item.task.relevant) for item in tasks)} follow-ups that can be answered, {len(tasks)} in all"
    names = dict.fromkeys(name for rows in columns.values() for name in rows)
    print_table(title, ("", *columns), [(name, *(f"{rows[name]:.3f}" for rows in columns.values())) for name in names])
    gain = compared(found)
    print(f"nDCG@10, {SERVICE} over {ALONE}: {gain['gain']:+.3f} [{gain['low']:+.3f}, {gain['high']:+.3f}]", end="")
    print(f", p = {gain['p']:.3f}")


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, required=True, help="the folder of the public sets")
    parser.add_argument("--limit", type=int)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    try:
        found = asyncio.run(measure(options.data, options.limit))
    except ServiceError as error:
        print_refusal(error)
        return 2
    if options.json:
        print(json.dumps({name: figures(rows) for name, rows in found.items()} | {"gain": compared(found)}, indent=2))
    else:
        show(found)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
