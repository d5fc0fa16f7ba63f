"""Writing answers: the service's OpenVINO adapter beside transformers.generate on the same GGUF file, in one run.

python -m benchmarks.generation [--rounds 5] [--loop 3] [--json]

Both get the same prompts of 155 tokens by turns and write 100 tokens. `new prompt` differs from its first sentence on,
so nothing can be reused; `same prompt` was asked before, as when a user tries again, or instructions stay the same;
`streamed` is a new prompt whose answer is sent piece by piece. Then 16 at once, whole and streamed by turns. Last, the
shape of answers from evidence: 16 different prompts of 590 tokens, 80 tokens each, at once; transformers' loop does
`--loop` of them one at a time, and its rate is taken for all.
"""

import asyncio
import os
import statistics
import sys
import time
from collections.abc import Sequence
from contextlib import aclosing
from pathlib import Path
from typing import Any

from app.adapters.generators.chat import messages
from app.adapters.generators.openvino_generator import OpenVinoGenerator
from app.domain.models import Generation, Prompt
from app.modelfiles.locate import ModelFiles, language_model
from benchmarks.printing import options_of, print_table, say

PROMPT_TOKENS = 155
NEW_TOKENS = 100
MANY = 16
LONG_PROMPT_TOKENS = 590
FEW_TOKENS = 80
FILLER = "Explain every step in full, and say why it is needed and what may go wrong. "


class Original:
    """The model as transformers runs it: 32-bit, greedy, the key-value cache on."""

    def __init__(self, files: ModelFiles) -> None:
        os.environ["TQDM_DISABLE"] = "1"
        from transformers import AutoModelForCausalLM, AutoTokenizer  # noqa: PLC0415
        from transformers.utils import logging  # noqa: PLC0415

        logging.disable_progress_bar()

        place = {"pretrained_model_name_or_path": str(files.path.parent), "gguf_file": files.path.name}
        self.tokenizer = AutoTokenizer.from_pretrained(**place, local_files_only=True)
        self.model = AutoModelForCausalLM.from_pretrained(**place, local_files_only=True, dtype="float32").eval()

    def inputs(self, prompt: Prompt) -> Any:
        """Return the prompt as the model's chat template writes it, in tokens."""
        return self.tokenizer.apply_chat_template(
            messages(prompt), add_generation_prompt=True, return_tensors="pt", return_dict=True
        )

    def write(self, prompt: Prompt, tokens: int = NEW_TOKENS) -> float:
        """Return the tokens written a second."""
        inputs = self.inputs(prompt)
        start = time.perf_counter()
        output = self.model.generate(**inputs, max_new_tokens=tokens, min_new_tokens=tokens, do_sample=False)
        return float(output.shape[1] - inputs["input_ids"].shape[1]) / (time.perf_counter() - start)

    def prompt(self, number: int, tokens: int = PROMPT_TOKENS) -> Prompt:
        """Return a prompt of the wanted length that differs from every other from its first words on."""
        words = f"Case {number}. " + FILLER * (tokens // 8)
        user = "Write a long guide on how to set up a new laptop for a colleague."
        length = len(words)
        while self.inputs(Prompt(words[:length], user))["input_ids"].shape[1] > tokens:
            length -= 4
        return Prompt(words[:length], user)


async def write(
    generator: OpenVinoGenerator, prompt: Prompt, tokens: int = NEW_TOKENS, *, streamed: bool = False
) -> tuple[float, int, int]:
    """Return the tokens written a second, how many there were, and how many the prompt had."""
    start = time.perf_counter()
    answer = await (_gathered(generator, prompt, tokens) if streamed else generator.generate(prompt, max_tokens=tokens))
    return answer.completion_tokens / (time.perf_counter() - start), answer.completion_tokens, answer.prompt_tokens


async def _gathered(generator: OpenVinoGenerator, prompt: Prompt, tokens: int) -> Generation:
    async with aclosing(generator.stream(prompt, max_tokens=tokens)) as pieces:
        async for piece in pieces:
            if isinstance(piece, Generation):
                return piece
    raise AssertionError("a stream ends with the whole")


async def at_once(
    generator: OpenVinoGenerator, prompts: Sequence[Prompt], tokens: int, *, streamed: bool = False
) -> float:
    """Return the tokens written a second in all."""
    start = time.perf_counter()
    together = await asyncio.gather(*(write(generator, prompt, tokens, streamed=streamed) for prompt in prompts))
    return sum(count for _, count, _ in together) / (time.perf_counter() - start)


async def measure(cache_dir: Path, rounds: int, loop: int) -> dict[str, Any]:
    """Let both write by turns; rates in tokens a second."""
    files = language_model("SmolLM2-135M-Instruct", cache_dir)
    generator = OpenVinoGenerator(files, cache_dir)
    original = Original(files)
    while not generator.ready():  # noqa: ASYNC110 - the port knows no event
        await asyncio.sleep(0.1)
    rates: dict[str, list[float]] = {"transformers.generate": [], "new prompt": [], "same prompt": [], "streamed": []}
    for number in range(rounds + 1):
        prompt, other = original.prompt(number), original.prompt(500 + number)
        theirs = original.write(prompt)
        new, written, used = await write(generator, prompt)
        again, _, _ = await write(generator, prompt)
        streamed, _, _ = await write(generator, other, streamed=True)
        # The first round warms both up.
        if number:
            for name, rate in zip(rates, (theirs, new, again, streamed), strict=True):
                rates[name].append(rate)
    whole, pieces = await many(generator, original, max(2, rounds // 2))
    medians = {name: statistics.median(values) for name, values in rates.items()}
    base = medians["transformers.generate"]
    result = {
        "prompt_tokens": used,
        "new_tokens": written,
        "tokens_per_second": medians,
        "times_transformers": {name: rate / base for name, rate in medians.items()},
        f"tokens_per_second_{MANY}_at_once": whole,
        f"tokens_per_second_{MANY}_at_once_streamed": pieces,
        "evidence": await from_evidence(generator, original, loop),
    }
    generator.close()
    return result


async def many(generator: OpenVinoGenerator, original: Original, rounds: int) -> tuple[float, float]:
    """Return the tokens a second of many answers at once, whole and streamed, by turns."""
    rates: tuple[list[float], list[float]] = ([], [])
    for number in range(2 * rounds):
        prompts = [original.prompt(1000 + MANY * number + at) for at in range(MANY)]
        rates[number % 2].append(await at_once(generator, prompts, NEW_TOKENS, streamed=bool(number % 2)))
    return statistics.median(rates[0]), statistics.median(rates[1])


async def from_evidence(generator: OpenVinoGenerator, original: Original, loop: int) -> dict[str, float]:
    """Measure long prompts and short answers: rates in tokens a second, and the seconds of one answer alone."""
    prompts = [original.prompt(5000 + number, LONG_PROMPT_TOKENS) for number in range(MANY + loop)]
    theirs, ours = [], []
    for prompt in prompts[:loop]:
        theirs.append(original.write(prompt, FEW_TOKENS))
        ours.append((await write(generator, prompt, FEW_TOKENS))[0])
    together = await at_once(generator, prompts[loop:], FEW_TOKENS)
    base, alone = statistics.median(theirs), statistics.median(ours)
    return {
        "transformers_tokens_per_second": base,
        "alone_tokens_per_second": alone,
        "at_once_tokens_per_second": together,
        "alone_is_times_sooner": alone / base,
        "at_once_is_times_as_fast": together / base,
    }


def show(result: dict[str, Any]) -> None:
    """Print the result as a table."""
    title = f"SmolLM2-135M-Instruct, {result['prompt_tokens']} tokens in, {result['new_tokens']} out"
    rows = []
    for name, rate in result["tokens_per_second"].items():
        label = name if name.startswith("transformers") else f"service (OpenVINO), {name}"
        rows.append((label, f"{rate:.1f}", f"{result['times_transformers'][name]:.2f}"))
    many = result[f"tokens_per_second_{MANY}_at_once"]
    rows.append((f"service (OpenVINO), {MANY} answers at once", f"{many:.1f}", ""))
    streamed = result[f"tokens_per_second_{MANY}_at_once_streamed"]
    rows.append((f"service (OpenVINO), {MANY} at once, streamed", f"{streamed:.1f}", ""))
    print_table(title, ("one answer at a time", "tokens/s", "times transformers"), rows)
    evidence = [(name.replace("_", " "), f"{value:.2f}") for name, value in result["evidence"].items()]
    title = f"{LONG_PROMPT_TOKENS} tokens in, {FEW_TOKENS} out, {MANY} different prompts"
    print_table(title, ("figure", "value"), evidence)


def main(arguments: list[str]) -> int:
    """Measure and print."""
    options = options_of(__doc__, arguments, {"rounds": 5, "loop": 3})
    say(asyncio.run(measure(options.cache, options.rounds, options.loop)), show, as_json=options.json)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
