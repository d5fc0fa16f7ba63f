"""`eval answers`: figures over labelled questions."""

from argparse import Namespace
from collections.abc import Sequence
from pathlib import Path

from app.adapters.evaluation_files import read_questions
from app.cli.console import counting, print_figures, print_json
from app.config import Settings
from app.container import open_parts
from app.domain.answers import AnswerMode
from app.domain.evaluation import Labelled
from app.services.evaluation.answers import AnswerJudge, Judged, summarise


async def answers(options: Namespace) -> int:
    """Ask the questions and print the figures: for all, per language without the ambiguous ones, and for those."""
    settings = Settings.load()
    asked = labelled(settings, options.questions)
    if options.half != "all":
        asked = [item for item in asked if item.half.value == options.half]
    asked = asked[: options.limit]
    mode = AnswerMode(options.mode) if options.mode else None
    async with open_parts(settings, ephemeral=True, mode=mode) as parts:
        judge = AnswerJudge(parts.chat, parts.store, parts.grounder, parts.search.release)
        with counting("asking", len(asked)) as tick:
            judged = await judge.run(asked, tick)
    rows = {name: summarise(group) for name, group in _groups(judged).items()}
    if options.json:
        print_json(rows)
    else:
        print_figures("answers", rows)
    return 0


def _groups(judged: Sequence[Judged]) -> dict[str, list[Judged]]:
    clear = [item for item in judged if not item.question.ambiguous]
    groups = {
        "all": list(judged),
        "English": [item for item in clear if item.question.language == "en"],
        "other languages": [item for item in clear if item.question.language != "en"],
        "ambiguous": [item for item in judged if item.question.ambiguous],
        "off topic": [item for item in judged if item.question.kind == "off_topic"],
        "IT, no article": [item for item in judged if item.question.kind == "unanswerable"],
    }
    return {name: group for name, group in groups.items() if group}


def labelled(settings: Settings, path: Path | None = None) -> list[Labelled]:
    """Read labelled questions: ours, unless another file is named."""
    return read_questions(path or settings.knowledge.data_dir / "eval" / "questions.jsonl")


def near_misses(settings: Settings) -> list[Labelled]:
    """Read the hard questions beside ours, if any: near misses, and what is far from its article's words."""
    path = settings.knowledge.data_dir / "eval" / "near_misses.jsonl"
    return read_questions(path) if path.exists() else []
