"""Three ways to compose an answer from the same evidence, against gold answers, in one run.

python -m benchmarks.composing --data DIR [--sets own nlu mtrag] [--limit 20] [--tokens 150] [--json]

- extractive: the evidence's own sentences, no model
- free: the language model writes freely, the guard leaves out what the evidence does not carry, and the extractive
  answer takes its place where too little is left
- constrained: a grammar lets the model write nothing but sentences of the evidence (SmolLM2 on OpenVINO)

Questions are those of our check half, and with DIR, the folder of the public sets, of nlu_stackexchange and mtrag that
have a gold answer. Whether the evidence is enough is not asked: what is measured is the composing. Key facts are those
of our own questions; hard facts said must stand in the evidence (precision); token F1 is against the gold answer.
"""

import argparse
import asyncio
import json
import re
import sys
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.adapters.evaluation_files import read_corpus
from app.adapters.generators.openvino_pipeline import OpenVinoPipeline, PipelineLimits
from app.adapters.generators.prepared import readable_model
from app.adapters.index.analysis import analyse
from app.adapters.tokens import open_counter
from app.cli.evaluating import labelled
from app.config import Settings
from app.container import open_embedder, open_parts, open_search_over
from app.container.engines import loaded, open_generator
from app.domain.answers import AnswerMode, Draft, Usage
from app.domain.conversations import Question, Turn
from app.domain.evaluation import Half, Labelled
from app.domain.models import Prompt
from app.domain.retrieval import Evidence
from app.errors import GenerationFailed
from app.modelfiles.locate import language_model
from app.services.answering import prompting
from app.services.answering.composer import Composer, ComposeRules
from app.services.answering.extractive import extract
from app.services.answering.grounding import Grounder, GroundingRules, source_of
from app.services.answering.sentences import is_whole, sentences
from app.services.evaluation.answers import key_facts_found
from app.services.evaluation.metrics import mean
from app.services.evaluation.texts import Likeness, alike, share
from app.services.evaluation.turns import turns_of
from app.services.retrieval.retriever import Retriever
from benchmarks.mtrag import read_tasks
from benchmarks.printing import print_table

_EVIDENCE_TOKENS = 200
_CONTEXT = 4096
_SPECIAL = re.compile(r"[\\^$.|?*+()\[\]{}]")
count = open_counter()


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, what was said before, and what a right answer holds."""

    text: str
    history: tuple[Turn, ...] = ()
    gold: str = ""
    labels: Labelled | None = None


@dataclass(frozen=True, slots=True)
class Said:
    """An answer, what it cost, and in which seconds."""

    text: str
    usage: Usage
    seconds: float
    by_model: bool = False


Compose = Callable[[Question, Evidence], Awaitable[Said]]


class Constrained(OpenVinoPipeline):
    """The pipeline of the service, in this process, under a grammar set before each answer."""

    regex = ""

    def _config(self, max_tokens: int) -> Any:
        import openvino_genai  # noqa: PLC0415 - after its telemetry is out of the way

        config = super()._config(max_tokens)
        config.structured_output_config = openvino_genai.StructuredOutputConfig(regex=self.regex)
        return config

    def write(self, prompt: Prompt, choices: Sequence[str], most: int) -> tuple[str, Usage]:
        """Return an answer made of whole `choices`, one a line."""
        each = "|".join(_SPECIAL.sub(r"\\\g<0>", choice) for choice in choices)
        self.regex = f"({each})(\n({each})){{0,5}}"
        stream = self.start(prompt, most)
        while (done := stream.finished()) is None:
            self.step()
        whole = [line for line in dict.fromkeys(done.text.split("\n")) if line in set(choices)]
        return "\n".join(whole), Usage(done.prompt_tokens, done.completion_tokens)


@asynccontextmanager
async def asked_of(name: str, data: Path | None, limit: int) -> AsyncIterator[tuple[Retriever, list[Asked]]]:
    """Open a set: a search over its documents, and its first questions."""
    settings = Settings.load()
    if name == "own":
        items = [item for item in labelled(settings) if item.half is Half.CHECK and item.answerable and item.key_facts]
        step = max(1, len(items) // limit)
        async with open_parts(settings, ephemeral=True, mode=AnswerMode.EXTRACT) as parts:
            chosen = [Asked(item.question, turns_of(item), labels=item) for item in items[::step]][:limit]
            yield parts.search, chosen
        return
    if data is None:
        raise SystemExit("--data is needed for public sets")
    folder = data / ("nlu_stackexchange" if name == "nlu" else name)
    asked = (_nlu(folder) if name == "nlu" else _mtrag(folder))[:limit]
    documents = read_corpus(folder / "corpus.jsonl", ("title", "text"))
    async with open_search_over(settings, documents) as search:
        yield search, asked


def _nlu(folder: Path) -> list[Asked]:
    rows = [json.loads(line) for line in (folder / "qa.jsonl").read_text(encoding="utf-8").splitlines()]
    return [Asked(row["question"], gold=row["answer"]) for row in rows if row["answer"]]


def _mtrag(folder: Path) -> list[Asked]:
    rows = [json.loads(line) for line in (folder / "tasks.jsonl").read_text(encoding="utf-8").splitlines()]
    gold = {row["id"]: row["gold_answer"] for row in rows}
    tasks = [task for task in read_tasks(folder / "tasks.jsonl") if task.relevant]
    return [Asked(task.text, task.history, gold[task.id]) for task in tasks]


def composing(composer: Composer, search: Retriever) -> Compose:
    """Return a composer as a way."""

    async def compose(question: Question, evidence: Evidence) -> Said:
        begun = time.perf_counter()
        draft: Draft = await composer.compose(question, evidence, search.release)
        text = "\n".join(sentence.text for sentence in draft.sentences)
        by_model = draft.grounding.method == "generative" and not draft.grounding.fallback
        return Said(text, draft.usage, time.perf_counter() - begun, by_model=by_model)

    return compose


def constrained(pipeline: Constrained, search: Retriever) -> Compose:
    """Return the way that lets a model choose among the sentences of the evidence."""

    async def compose(question: Question, evidence: Evidence) -> Said:
        begun = time.perf_counter()
        main, _ = extract(question.text, evidence, search.release, count, question.max_tokens)
        others = [text for hit in evidence.hits for text in sentences(hit.passage.text) if is_whole(text)]
        choices = list(dict.fromkeys([*(item.text for item in main), *others]))[:16]
        prompt = prompting.build(question.text, prompting.pack(evidence.hits, main, count, _EVIDENCE_TOKENS))
        try:
            text, usage = await asyncio.to_thread(pipeline.write, prompt, choices, question.max_tokens)
        except GenerationFailed:
            text, usage = "", Usage()
        return Said(text, usage, time.perf_counter() - begun, by_model=True)

    return compose


async def judged(asked: Sequence[Asked], search: Retriever, compose: Compose, tokens: int) -> dict[str, float]:
    """Compose every answer, one at a time, and measure."""
    said: list[Said] = []
    found: list[Likeness] = []
    facts: list[tuple[int, int]] = []
    for item in asked:
        question = Question(item.text, max_tokens=tokens)
        evidence = await search.search(question, item.history)
        answer = await compose(question, evidence)
        source = "\n".join(source_of(hit.document, part) for hit in evidence.hits for part in _parts(search, hit))
        said.append(answer)
        found.append(alike(answer.text, item.gold, source))
        facts.append(key_facts_found(item.labels, answer.text) if item.labels else (0, 0))
    figures = {"key_fact_recall": share(facts)} if any(every for _, every in facts) else {}
    if any(item.gold for item in asked):
        figures |= {"token_f1": mean([each.f1 for each in found])}
        figures |= {"gold_hard_fact_recall": share([each.recalled for each in found])}
    return {
        "questions": len(asked),
        **figures,
        "hard_fact_precision": share([each.precise for each in found]),
        "said_nothing": sum(not answer.text for answer in said),
        "by_model": sum(answer.by_model for answer in said),
        "prompt_tokens": mean([float(answer.usage.prompt_tokens) for answer in said]),
        "answer_tokens": mean([float(answer.usage.completion_tokens) for answer in said]),
        "seconds": mean([answer.seconds for answer in said]),
    }


def _parts(search: Retriever, hit: Any) -> Sequence[Any]:
    return search.release.own_passages(hit.document.id) or (hit.passage,)


async def measure(options: argparse.Namespace) -> dict[str, dict[str, dict[str, float]]]:
    """Return, per set, a row per way."""
    settings, rows = Settings.load(), dict[str, dict[str, dict[str, float]]]()
    cache = settings.knowledge.model_cache_dir
    async with AsyncExitStack() as stack:
        embedder = await open_embedder(stack, settings)
        generator = await open_generator(stack, settings, AnswerMode.GENERATE, {})
        if generator is None:
            raise SystemExit("there is no language model")
        await loaded(generator)
        grounder = Grounder(embedder, analyse, GroundingRules())
        model = readable_model(language_model("SmolLM2-135M-Instruct", cache), cache)
        pipeline = await asyncio.to_thread(Constrained, model, cache, PipelineLimits(_CONTEXT, 2 * _CONTEXT))
        for name in options.sets:
            async with asked_of(name, options.data, options.limit) as (search, asked):
                taken = Composer(count, None, grounder, ComposeRules(AnswerMode.EXTRACT))
                free = Composer(count, generator, grounder, ComposeRules(AnswerMode.GENERATE))
                ways = {
                    "extractive": composing(taken, search),
                    "free": composing(free, search),
                    "constrained": constrained(pipeline, search),
                }
                rows[name] = {way: await judged(asked, search, each, options.tokens) for way, each in ways.items()}
    return rows


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--data", type=Path, help="the folder of the public sets")
    parser.add_argument("--sets", nargs="+", choices=["own", "nlu", "mtrag"], default=["own"])
    parser.add_argument("--limit", type=int, default=20)
    parser.add_argument("--tokens", type=int, default=150)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    rows = asyncio.run(measure(options))
    if options.json:
        print(json.dumps(rows, indent=2))
        return 0
    for name, ways in rows.items():
        lines = [(figure, *(f"{row[figure]:.3g}" for row in ways.values())) for figure in ways["extractive"]]
        print_table(name, ("figure", *ways), lines)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
