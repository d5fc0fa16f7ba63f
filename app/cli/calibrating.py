"""`eval calibrate` and `eval modes`: what is measured on the tune half and kept in `data/calibration.json`."""

from argparse import Namespace
from collections.abc import Iterable, Sequence
from dataclasses import asdict, replace

from app.adapters.calibration_file import Measured, read_measured, write_measured
from app.cli.console import counting, out, print_figures
from app.cli.evaluating import labelled, near_misses
from app.config import Settings
from app.container import Parts, open_parts
from app.container.knowledge import CALIBRATION
from app.domain.answers import AnswerMode
from app.domain.evaluation import Half, Labelled, RankedQuery
from app.errors import StartRefused
from app.services.answering.grounding import GroundingRules
from app.services.evaluation import modes, thresholds, tuning
from app.services.evaluation.answers import AnswerJudge, Judged
from app.services.evaluation.ranking import rank_questions
from app.services.retrieval.fusion import Weights


async def calibrate() -> int:
    """Fit scores and thresholds on the tune halves, keep them, and say what they do to both halves."""
    from app.services.evaluation import calibrating  # noqa: PLC0415 - scikit-learn takes seconds to import

    settings = Settings.load()
    asked, hard = labelled(settings), near_misses(settings)
    async with open_parts(settings, ephemeral=True, mode=AnswerMode.EXTRACT) as parts:
        with counting("scores", len(asked) + len(hard)) as tick:
            rows = await calibrating.examples(parts.search, asked, tick)
            hard_rows = await calibrating.examples(parts.search, hard, tick)
        tune = [row for row in rows if row.question.half is Half.TUNE]
        _need_both(row.question.answerable for row in tune)
        rules = await _grounding(parts)
        digest = parts.embedder.spec.digest
        fitted = calibrating.fit(tune, digest, [row for row in hard_rows if row.question.half is Half.TUNE])
    _keep(settings, replace(parts.measured or Measured(digest), **asdict(fitted), **asdict(rules)))
    figures = {
        f"{name}{half}": calibrating.refusals(fitted, [row for row in part if row.question.half is half])
        for name, part in (("", rows), ("near misses ", hard_rows))
        if part
        for half in Half
    }
    print_figures("refusals", figures)
    return 0


async def tune() -> int:
    """Learn the fusion weights of this knowledge base from the tune half; the default stays unless it is beaten."""
    settings = Settings.load()
    asked = [item for item in labelled(settings) if item.half is Half.TUNE and item.answerable]
    async with open_parts(settings, ephemeral=True, mode=AnswerMode.EXTRACT) as parts:

        async def rank(weights: Weights) -> Sequence[RankedQuery]:
            return (await rank_questions(parts.weighted(weights), asked)).rows

        with counting("weights", len(tuning.GRID)) as tick:
            tuned = await tuning.tune(rank, tick=tick)
    weights = tuned.weights if tuned.better else None
    measured = replace(
        parts.measured or Measured(parts.embedder.spec.digest),
        lexical_weight=weights.words if weights else None,
        length_weight=weights.length if weights else None,
    )
    figures = {"questions": tuned.questions, "default": tuned.default, "learned": tuned.learned, "error": tuned.error}
    print_figures("nDCG@10 on folds left out", {"all": figures})
    out.print(f"chosen: {weights}" if weights else "the default stays: learning does not beat it by more than chance")
    _keep(settings, measured)
    return 0


def _need_both(answerable: Iterable[bool]) -> None:
    """Raise StartRefused unless there are questions that can be answered and questions that cannot."""
    if set(answerable) != {True, False}:
        reason = "the tune half has no questions that can be answered, or none that cannot"
        raise StartRefused(reason, "add questions of both kinds to eval/questions.jsonl")


async def _grounding(parts: Parts) -> GroundingRules:
    release = parts.search.release
    with counting("grounding", len(release.documents)) as tick:
        verdicts = await thresholds.collect(release, parts.grounder, tick)
    rules, table = thresholds.choose(verdicts)
    shares = {name: _column(table, name) for name in ("carried", "falsely carried")}
    print_figures("grounding: shares of rephrasings and of foreign sentences", shares)
    out.print(f"chosen: cosine {rules.min_cosine}, words {rules.min_words}")
    return rules


def _column(table: dict[str, dict[str, float]], name: str) -> dict[str, float]:
    return {row: figures[name] for row, figures in table.items()}


async def measure_modes(options: Namespace) -> int:
    """Answer the tune half both ways, keep which is better for this model, and print the table."""
    settings = Settings.load()
    asked = [item for item in labelled(settings) if item.half is Half.TUNE and item.key_facts][: options.limit]
    judged = {mode: await _judged(settings, mode, asked) for mode in (AnswerMode.EXTRACT, AnswerMode.GENERATE)}
    table = modes.compare(judged)
    chosen = modes.better(table)
    measured = read_measured(settings.knowledge.data_dir / CALIBRATION) or Measured("")
    model = settings.generation.llm_model_id
    _keep(settings, replace(measured, modes={**measured.modes, model: chosen}))
    print_figures(f"answers with {model}", table)
    out.print(f"chosen for {model}: {chosen}")
    return 0


async def _judged(settings: Settings, mode: AnswerMode, asked: Sequence[Labelled]) -> list[Judged]:
    async with open_parts(settings, ephemeral=True, mode=mode) as parts:
        judge = AnswerJudge(parts.chat, parts.store, parts.grounder, parts.search.release)
        with counting(mode.value, len(asked)) as tick:
            return await judge.run(asked, tick)


def _keep(settings: Settings, measured: Measured) -> None:
    path = settings.knowledge.data_dir / CALIBRATION
    write_measured(path, measured)
    out.print(f"kept in {path}")
