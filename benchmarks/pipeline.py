"""Answers a second of the whole pipeline in `generate` mode, beside a plain one, on our own questions, in one run.

python -m benchmarks.pipeline [--limit 100] [--askers 16] [--plain 6] [--tokens 150] [--tune] [--json]

The plain pipeline pastes the best four passages into the prompt and calls transformers.generate, one at a time:
what most tutorials build. It needs many seconds an answer, so it is asked `--plain` of the same questions, spread over
them; its answers a second are taken to be the same for all. Key-fact recall is given for those few questions of both,
and for all of ours. `--tune` asks the tune half, to choose by; without it the check half. The extractive composer's
first sentence is timed with one asker.
"""

import asyncio
import statistics
import sys
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import AsyncExitStack, aclosing
from dataclasses import dataclass
from typing import Any

import numpy as np

from app.adapters.caches.memory_cache import MemoryCache
from app.adapters.tokens import open_counter
from app.cli.evaluating import labelled
from app.config import Settings
from app.container.engines import loaded, open_generator
from app.container.parts import Parts, open_parts
from app.domain.answers import AnswerMode, Outcome
from app.domain.conversations import Question
from app.domain.evaluation import Half, Labelled
from app.domain.events import AnswerFinished, TextSaid
from app.domain.models import Delta, Generation, Prompt
from app.modelfiles.locate import embedding_model, language_model
from app.ports import Generator
from app.services.answering.composer import Composer, ComposeRules
from app.services.answering.prompting import SYSTEM
from app.services.chat import ChatService
from app.services.evaluation.answers import key_facts_found
from benchmarks.generation import Original
from benchmarks.printing import options_of, print_table, say

_TOP = 4
_QUICK = 20


@dataclass(frozen=True, slots=True)
class Asked:
    """One question answered; times in seconds from its being asked, None where it never came."""

    facts: tuple[int, int]
    first_sentence: float | None
    outcome: Outcome | None = None
    model: str = ""
    tokens: int = 0


class Timed:
    """A generator that notes how long its first piece takes."""

    def __init__(self, inner: Generator) -> None:
        self._inner = inner
        self.first: list[float] = []

    def __getattr__(self, name: str) -> Any:
        return getattr(self._inner, name)

    async def stream(self, prompt: Prompt, *, max_tokens: int) -> AsyncGenerator[Delta | Generation, None]:
        """Write as the inner one does."""
        begun = time.perf_counter()
        async with aclosing(self._inner.stream(prompt, max_tokens=max_tokens)) as pieces:
            async for number, piece in _numbered(pieces):
                if not number:
                    self.first.append(time.perf_counter() - begun)
                yield piece


async def _numbered(
    pieces: AsyncGenerator[Delta | Generation, None],
) -> AsyncGenerator[tuple[int, Delta | Generation], None]:
    number = 0
    async for piece in pieces:
        yield number, piece
        number += 1


class Plain:
    """Embed the question, paste the nearest passages, generate."""

    def __init__(self, parts: Parts, settings: Settings, tokens: int) -> None:
        from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds to import

        cache = settings.knowledge.model_cache_dir
        folder = embedding_model("all-MiniLM-L6-v2", cache).path
        self._embedder = SentenceTransformer(str(folder), device="cpu", local_files_only=True)
        self._passages = [passage.text for passage in parts.search.release.passages]
        self._vectors = np.asarray(self._embedder.encode(self._passages, normalize_embeddings=True))
        self._original = Original(language_model("SmolLM2-135M-Instruct", cache))
        self._tokens = tokens
        self.written = 0
        self.read = 0

    def answer(self, question: str) -> str:
        """Return what the model writes from the four nearest passages."""
        vector = np.asarray(self._embedder.encode(question, normalize_embeddings=True))
        best = np.argsort(-(self._vectors @ vector))[:_TOP]
        context = "\n\n".join(self._passages[at] for at in best)
        inputs = self._original.inputs(Prompt(SYSTEM, f"{context}\n\nQuestion: {question}"))
        output = self._original.model.generate(**inputs, max_new_tokens=self._tokens, do_sample=False)
        used = inputs["input_ids"].shape[1]
        self.read += used
        self.written += output.shape[1] - used
        return str(self._original.tokenizer.decode(output[0][used:], skip_special_tokens=True))


async def ask(chat: ChatService, question: Labelled, tokens: int) -> Asked:
    """Ask and read the whole stream."""
    begun, first = time.perf_counter(), None
    async with aclosing(chat.stream(Question(question.question, max_tokens=tokens))) as events:
        async for event in events:
            if isinstance(event, TextSaid) and first is None:
                first = time.perf_counter() - begun
            if isinstance(event, AnswerFinished):
                draft = event.answer.draft
                facts = key_facts_found(question, draft.text)
                return Asked(facts, first, draft.outcome, draft.model, draft.usage.completion_tokens)
    raise AssertionError("an answer ends with itself")


async def ask_all(
    questions: Sequence[Labelled], askers: int, one: Callable[[Labelled], Awaitable[Asked]]
) -> tuple[dict[str, Asked], float]:
    """Let some askers share the questions; returns what came of each, and the answers a second."""
    waiting, found = iter(questions), dict[str, Asked]()

    async def asker() -> None:
        for question in waiting:
            found[question.id] = await one(question)

    begun = time.perf_counter()
    async with asyncio.TaskGroup() as group:
        for _ in range(askers):
            group.create_task(asker())
    return found, len(questions) / (time.perf_counter() - begun)


def recall(asked: Sequence[Asked]) -> float:
    """Return the share of key facts that were said."""
    return sum(item.facts[0] for item in asked) / max(1, sum(item.facts[1] for item in asked))


def _median(values: Sequence[float | None]) -> float:
    return statistics.median([value for value in values if value is not None] or [float("nan")])


async def measure(options: Any) -> dict[str, Any]:
    """Ask ours with many askers, the extractive composer with one, and the plain pipeline a few questions."""
    settings, half = Settings.load(), Half.TUNE if options.tune else Half.CHECK
    every = [item for item in labelled(settings) if item.half is half and item.answerable and item.language == "en"]
    questions = [item for item in every if not item.history][: options.limit]
    async with AsyncExitStack() as stack:
        parts = await stack.enter_async_context(open_parts(settings, ephemeral=True, mode=AnswerMode.EXTRACT))
        generator = await open_generator(stack, settings, AnswerMode.GENERATE, {})
        if generator is None:
            raise RuntimeError("there is no language model")
        await loaded(generator)
        timed = Timed(generator)
        composer = Composer(open_counter(), timed, parts.grounder, ComposeRules(AnswerMode.GENERATE))
        chat = ChatService(search=lambda: parts.search, composer=composer, store=parts.store, cache=MemoryCache(1, 0))
        await ask(chat, questions[-1], options.tokens)
        timed.first.clear()
        ours, rate = await ask_all(questions, options.askers, lambda question: ask(chat, question, options.tokens))
        quick, _ = await ask_all(questions[:_QUICK], 1, lambda question: ask(parts.chat, question, options.tokens))
        result = _ours([*ours.values()], rate, timed.first)
        result["first_extractive_sentence_p50_ms"] = 1000 * _median([one.first_sentence for one in quick.values()])
        # The plain one last: torch's threads keep the cores busy for a while after their work is done.
        few = questions[:: max(1, len(questions) // max(1, options.plain))][: options.plain]
        if few:
            result |= await asyncio.to_thread(_plain, Plain(parts, settings, options.tokens), few)
            result["key_fact_recall_same_questions"] = recall([ours[question.id] for question in few])
            result["times_plain"] = rate / result["plain_answers_per_second"]
    return {"questions": len(questions), "askers": options.askers, **result}


def _ours(asked: Sequence[Asked], rate: float, first: Sequence[float]) -> dict[str, Any]:
    written = [one for one in asked if one.model not in {"extractive", "none"}]
    return {
        "answers_per_second": rate,
        "key_fact_recall": recall(asked),
        "answers_by_model": len(written),
        "answered_in_full": sum(one.outcome is Outcome.ANSWERED for one in asked),
        "refused": sum(one.outcome is Outcome.NO_CONTEXT for one in asked),
        "tokens_per_answer": statistics.mean(one.tokens for one in asked),
        "first_token_p50_s": _median(first),
        "first_grounded_sentence_p50_s": _median([one.first_sentence for one in asked]),
    }


def _plain(plain: Plain, questions: Sequence[Labelled]) -> dict[str, Any]:
    plain.answer(questions[0].question)
    plain.read = plain.written = 0
    begun = time.perf_counter()
    facts = [Asked(key_facts_found(question, plain.answer(question.question)), None) for question in questions]
    seconds = time.perf_counter() - begun
    return {
        "plain_questions": len(questions),
        "plain_answers_per_second": len(questions) / seconds,
        "plain_key_fact_recall": recall(facts),
        "plain_prompt_tokens": plain.read / len(questions),
        "plain_tokens_per_answer": plain.written / len(questions),
    }


def show(result: dict[str, Any]) -> None:
    """Print the result as a table."""
    title = f"{result['questions']} questions, {result['askers']} askers, generate mode"
    print_table(title, ("figure", "value"), [(name, f"{value:.4g}") for name, value in result.items()])
    if "plain_questions" in result:
        print(f"The plain pipeline was asked {result['plain_questions']} of the questions; its rate is taken for all.")


def main(arguments: list[str]) -> int:
    """Measure and print."""
    numbers = {"limit": 100, "askers": 16, "plain": 6, "tokens": 150, "tune": 0}
    say(asyncio.run(measure(options_of(__doc__, arguments, numbers))), show, as_json="--json" in arguments)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
