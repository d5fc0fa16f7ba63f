"""Writes the tokenizer of a GGUF file as tokenizer.json, in a process of its own: `python -m <module> GGUF TARGET`.

OpenVINO reads it from the GGUF file as well, but holds Python's lock for seconds meanwhile, at every start.
"""

import sys
from pathlib import Path

from app.modelfiles.aside import written_aside


def export(source: Path, target: Path) -> None:
    """Write the tokenizer to `target`, whole or not at all."""
    from transformers import AutoTokenizer  # noqa: PLC0415 - only in the process that converts

    tokenizer = AutoTokenizer.from_pretrained(source.parent, gguf_file=source.name, local_files_only=True)
    with written_aside(target) as draft:
        tokenizer.backend_tokenizer.save(str(draft))


def main(arguments: list[str]) -> int:
    """Write the tokenizer of GGUF to TARGET."""
    source, target = arguments
    export(Path(source), Path(target))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
