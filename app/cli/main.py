"""Reads the command line and runs one command.

Exit codes: 0 done, 1 a check found a fault or the command failed on its way, 2 it cannot begin as things are configured
(or as it is called), 130 interrupted.
"""

import argparse
import asyncio
import logging
from collections.abc import Callable, Sequence
from pathlib import Path

from app import __version__
from app.cli import (
    asking,
    calibrating,
    databases,
    doctor,
    documents,
    evaluating,
    importing,
    indexing,
    keys,
    ranking_parser,
    releases,
    serving,
)
from app.cli.console import print_refusal
from app.errors import ServiceError, StartRefused

FAILED = 1
REFUSED = 2


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code."""
    options = parser().parse_args(arguments)
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s %(message)s")
    run: Callable[[argparse.Namespace], int] = options.run
    try:
        return run(options)
    except StartRefused as error:
        print_refusal(error)
        return REFUSED
    except ServiceError as error:
        print_refusal(error)
        return FAILED
    except KeyboardInterrupt:
        return 130


def parser() -> argparse.ArgumentParser:
    """Return the parser of the whole command line."""
    top = argparse.ArgumentParser(prog="python -m app", description="An IT-support answering service.")
    top.add_argument("--version", action="version", version=__version__)
    commands = top.add_subparsers(required=True, metavar="command")

    serve = commands.add_parser("serve", help="build the index if need be, and serve")
    serve.set_defaults(run=serving.serve)

    index = commands.add_parser("index", help="build the index where anything changed; add, remove, list, watch")
    index.add_argument("--force", action="store_true", help="build it even if nothing changed")
    index.set_defaults(run=lambda options: asyncio.run(indexing.index(force=options.force)))
    documents.add_commands(index)

    shelf = commands.add_parser("releases", help="index releases: list, compare, activate, go back")
    releases.add_parser(shelf)
    shelf.set_defaults(run=lambda options: asyncio.run(releases.releases(options)))

    old = commands.add_parser("import-legacy", help="take the knowledge of an older installation, once")
    importing.add_arguments(old)
    old.set_defaults(run=lambda options: asyncio.run(importing.import_legacy(options)))

    ask = commands.add_parser("ask", help="answer one question")
    ask.add_argument("question")
    ask.add_argument("--json", action="store_true", help="print the whole answer as JSON")
    ask.add_argument("--max-tokens", type=_bounded(50, 500), default=150)
    ask.set_defaults(run=lambda options: asyncio.run(asking.ask(options)))

    database = commands.add_parser("init-db", help="make the conversation store, or bring it up to date")
    database.set_defaults(run=lambda _options: asyncio.run(databases.init_db()))

    held = commands.add_parser("keys", help="API keys: make, list, revoke")
    keys.add_commands(held)
    held.set_defaults(run=lambda options: asyncio.run(keys.keys(options)))

    check = commands.add_parser("doctor", help="name what is wrong with this installation")
    check.add_argument("--json", action="store_true")
    check.set_defaults(run=lambda options: asyncio.run(doctor.doctor(as_json=options.json)))

    _add_eval(commands.add_parser("eval", help="measure retrieval and answers"))
    return top


def _add_eval(command: argparse.ArgumentParser) -> None:
    kinds = command.add_subparsers(required=True, metavar="what")

    ranking_parser.add_commands(kinds, _bounded(1, 1000))

    answers = kinds.add_parser("answers", help="refusals, grounding, key facts and latency over labelled questions")
    answers.add_argument("--questions", type=Path, help="questions.jsonl; ours by default")
    answers.add_argument("--half", choices=("check", "tune", "all"), default="check")
    answers.add_argument("--mode", choices=("auto", "extract", "generate"), help="instead of ANSWER_MODE")
    answers.add_argument("--limit", type=_bounded(1, 100_000), help="only the first so many questions")
    answers.add_argument("--json", action="store_true")
    answers.set_defaults(run=lambda options: asyncio.run(evaluating.answers(options)))

    calibrate = kinds.add_parser("calibrate", help="fit scores and thresholds on the tune half and keep them")
    calibrate.set_defaults(run=lambda _options: asyncio.run(calibrating.calibrate()))

    weights = kinds.add_parser("tune", help="learn fusion weights from the tune half, where that helps, and keep them")
    weights.set_defaults(run=lambda _options: asyncio.run(calibrating.tune()))

    modes = kinds.add_parser("modes", help="measure which answers this model is better at, and keep it")
    modes.add_argument("--limit", type=_bounded(1, 100_000), help="only the first so many questions")
    modes.set_defaults(run=lambda options: asyncio.run(calibrating.measure_modes(options)))


def _bounded(least: int, most: int) -> Callable[[str], int]:
    """Return a parser of whole numbers between two limits."""

    def parse(text: str) -> int:
        value = int(text) if text.isdecimal() else least - 1
        if not least <= value <= most:
            raise argparse.ArgumentTypeError(f"must be a whole number between {least} and {most}")
        return value

    return parse
