"""Writing one answer: the service's OpenVINO adapter beside transformers.generate on the same GGUF file, in one run.

python -m benchmarks.generation [--rounds 5] [--json]

Both get the same prompts of 155 tokens by turns and write 100 tokens. `new prompt` differs from its first sentence on,
so nothing can be reused; `same prompt` was asked before, as when a user tries again, or instructions stay the same.
"""

import argparse
import asyncio
import json
import os
import statistics
import sys
import time
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from app.adapters.generators.chat import messages
from app.adapters.generators.openvino_generator import OpenVinoGenerator
from app.domain.models import Prompt
from app.modelfiles.locate import ModelFiles, language_model

PROMPT_TOKENS = 155
NEW_TOKENS = 100
MANY = 16
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

    def write(self, prompt: Prompt) -> float:
        """Return the tokens written a second."""
        inputs = self.inputs(prompt)
        start = time.perf_counter()
        output = self.model.generate(**inputs, max_new_tokens=NEW_TOKENS, min_new_tokens=NEW_TOKENS, do_sample=False)
        return float(output.shape[1] - inputs["input_ids"].shape[1]) / (time.perf_counter() - start)

    def prompt(self, number: int) -> Prompt:
        """Return a prompt of the wanted length that differs from every other from its first words on."""
        words = f"Case {number}. " + FILLER * 20
        user = "Write a long guide on how to set up a new laptop for a colleague."
        length = len(words)
        while self.inputs(Prompt(words[:length], user))["input_ids"].shape[1] > PROMPT_TOKENS:
            length -= 1
        return Prompt(words[:length], user)


async def write(generator: OpenVinoGenerator, prompt: Prompt) -> tuple[float, int, int]:
    """Return the tokens written a second, how many there were, and how many the prompt had."""
    start = time.perf_counter()
    answer = await generator.generate(prompt, max_tokens=NEW_TOKENS)
    return answer.completion_tokens / (time.perf_counter() - start), answer.completion_tokens, answer.prompt_tokens


async def measure(cache_dir: Path, rounds: int) -> dict[str, Any]:
    """Let both write by turns; rates in tokens a second."""
    files = language_model("SmolLM2-135M-Instruct", cache_dir)
    generator = OpenVinoGenerator(files, cache_dir)
    original = Original(files)
    while not generator.ready():  # noqa: ASYNC110 - the port knows no event
        await asyncio.sleep(0.1)
    prompts = [original.prompt(number) for number in range(rounds + 1)]
    rates: dict[str, list[float]] = {"transformers.generate": [], "new prompt": [], "same prompt": []}
    for number, prompt in enumerate(prompts):
        theirs = original.write(prompt)
        new, written, used = await write(generator, prompt)
        again, _, _ = await write(generator, prompt)
        # The first round warms both up.
        if number:
            for name, rate in zip(rates, (theirs, new, again), strict=True):
                rates[name].append(rate)
    others = [original.prompt(1000 + number) for number in range(MANY)]
    start = time.perf_counter()
    together = await asyncio.gather(*(write(generator, prompt) for prompt in others))
    many = sum(count for _, count, _ in together) / (time.perf_counter() - start)
    generator.close()
    medians = {name: statistics.median(values) for name, values in rates.items()}
    base = medians["transformers.generate"]
    return {
        "prompt_tokens": used,
        "new_tokens": written,
        "tokens_per_second": medians,
        "times_transformers": {name: rate / base for name, rate in medians.items()},
        f"tokens_per_second_{MANY}_at_once": many,
    }


def show(result: dict[str, Any]) -> None:
    """Print the result as a table."""
    title = f"SmolLM2-135M-Instruct, {result['prompt_tokens']} tokens in, {result['new_tokens']} out"
    table = Table(title=title)
    table.add_column("one answer at a time")
    table.add_column("tokens/s", justify="right")
    table.add_column("times transformers", justify="right")
    for name, rate in result["tokens_per_second"].items():
        label = name if name.startswith("transformers") else f"service (OpenVINO), {name}"
        table.add_row(label, f"{rate:.1f}", f"{result['times_transformers'][name]:.2f}")
    many = result[f"tokens_per_second_{MANY}_at_once"]
    table.add_row(f"service (OpenVINO), {MANY} answers at once", f"{many:.1f}", "")
    Console().print(table)


def main(arguments: list[str]) -> int:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--cache", type=Path, default=Path(".cache/models"))
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    result = asyncio.run(measure(options.cache, options.rounds))
    if options.json:
        print(json.dumps(result, indent=2))
    else:
        show(result)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
