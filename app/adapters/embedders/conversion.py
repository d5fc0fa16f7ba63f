"""Converts an embedding model for OpenVINO, once, in a process of its own: `python -m <this module> FOLDER TARGET`.

The process imports torch and all that hangs on it (half a gigabyte); the service that waits for it never does.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path

import numpy as np

from app.adapters.embedders.encoder import OpenVinoEncoder, unit_rows
from app.adapters.embedders.layout import Layout, NotConvertible, read_layout
from app.domain.models import Vectors
from app.modelfiles.apart import block_telemetry
from app.modelfiles.aside import written_aside

MODEL = "model.xml"
WEIGHTS = "model.bin"
DIGESTS = "digests.json"
MIN_COSINE = 0.9995

_PROBES = (
    "How do I reset my password?",
    "VPN",
    "The printer shows error 0x0000011b after the update, and nobody on the second floor can print.",
    "Mein Bildschirm bleibt schwarz, nachdem ich den Laptop zugeklappt habe.",
    "ネットワークに接続できません。",
    "Open Settings > Accounts > Sign-in options.\n\n1. Choose PIN.\n2. Choose Change.",
    # Longer than what small models read: the cut must be at the same token.
    "Restart the print spooler, then send the page again and wait for the queue to empty. " * 60,
)


def convert(folder: Path, target: Path) -> None:
    """Write the folder's transformer in OpenVINO's format to the folder `target`, whole or not at all.

    Raises NotConvertible where the copy does not give the original's vectors.
    """
    layout = read_layout(folder)
    with written_aside(target) as draft:
        draft.mkdir()
        # Tracing a model warns of what is deprecated inside the libraries that do it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = _export(folder, draft / MODEL)
        _compare(layout, draft / MODEL, expected)
        digests = {name: hashlib.sha256((draft / name).read_bytes()).hexdigest() for name in (MODEL, WEIGHTS)}
        (draft / DIGESTS).write_text(json.dumps(digests), "utf-8")


def _export(folder: Path, path: Path) -> Vectors:
    """Save the transformer at `path`; return the original's vectors of the probe texts."""
    block_telemetry()
    import openvino  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds, and only here

    model = SentenceTransformer(
        str(folder), device="cpu", local_files_only=True, model_kwargs={"use_safetensors": True}
    ).eval()
    sample = model.preprocess(list(_PROBES[:2]))
    names = ("input_ids", "attention_mask", "token_type_ids")
    traced = {name: sample[name] for name in names if name in sample}
    converted = openvino.convert_model(model[0].auto_model, example_input=traced)
    openvino.save_model(converted, path, compress_to_fp16=False)
    return unit_rows(model.encode(list(_PROBES), convert_to_numpy=True, show_progress_bar=False))


def _compare(layout: Layout, path: Path, expected: Vectors) -> None:
    encoder = OpenVinoEncoder(layout, path)
    alone = np.concatenate([encoder([text]) for text in _PROBES])
    for found in (alone, encoder(_PROBES)):
        least = float(np.min(np.sum(found * expected, axis=1)))
        if not least >= MIN_COSINE:
            raise NotConvertible(f"the converted model differs from the original (cosine {least:.4f})")


def main(arguments: list[str]) -> int:
    """Convert FOLDER into TARGET; the last line on stderr says why it failed."""
    folder, target = arguments
    convert(Path(folder), Path(target))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
