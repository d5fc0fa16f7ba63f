"""Converts an embedding model for OpenVINO, once, in a process of its own: `python -m <this module> FOLDER TARGET`.

The process imports torch and all that hangs on it (half a gigabyte); the service that waits for it never does. What
is converted is the whole of the model, from tokens to the vector: its pooling, dense layers and normalisation are its
own. The original's vectors of some probe texts are kept beside the copy, so that every later start can tell without
torch whether the copy, on that start's CPU and library, still gives the same.
"""

import hashlib
import json
import sys
import warnings
from pathlib import Path
from typing import Any

import numpy as np

from app.adapters.embedders.encoder import OpenVinoEncoder, unit_rows
from app.adapters.embedders.layout import NotConvertible, read_layout
from app.adapters.embedders.probes import EXPECTED, PROBES, require_alike
from app.domain.models import Vectors
from app.modelfiles.apart import block_telemetry
from app.modelfiles.aside import written_aside

MODEL = "model.xml"
WEIGHTS = "model.bin"
DIGESTS = "digests.json"
FILES = (MODEL, WEIGHTS, EXPECTED)

_INPUTS = ("input_ids", "attention_mask", "token_type_ids")
_RESULT = "sentence_embedding"


def convert(folder: Path, target: Path) -> None:
    """Write the folder's model in OpenVINO's format to the folder `target`, whole or not at all.

    Raises NotConvertible where the copy does not give the original's vectors.
    """
    layout = read_layout(folder)
    with written_aside(target) as draft:
        draft.mkdir()
        # Tracing a model warns of what is deprecated inside the libraries that do it.
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = _export(folder, draft / MODEL)
        np.save(draft / EXPECTED, expected, allow_pickle=False)
        encoder = OpenVinoEncoder(layout, draft / MODEL)
        require_alike(encoder, expected)
        # One at a time as well: how a text is padded must make no difference.
        require_alike(lambda texts: np.concatenate([encoder([text]) for text in texts]), expected)
        digests = {name: hashlib.sha256((draft / name).read_bytes()).hexdigest() for name in FILES}
        (draft / DIGESTS).write_text(json.dumps(digests), "utf-8")


def _export(folder: Path, path: Path) -> Vectors:
    """Save the model at `path`; return the original's vectors of the probe texts, a row each."""
    block_telemetry()
    import openvino  # noqa: PLC0415
    from sentence_transformers import SentenceTransformer  # noqa: PLC0415 - seconds, and only here

    model = SentenceTransformer(
        str(folder),
        device="cpu",
        local_files_only=True,
        # Attention as plain arithmetic: what other kernels do to a mask depends on the texts it was traced with.
        model_kwargs={"use_safetensors": True, "attn_implementation": "eager"},
    ).eval()
    sample = model.preprocess(list(PROBES[:3]))
    traced = {name: sample[name] for name in _INPUTS if name in sample}
    try:
        converted = openvino.convert_model(_whole(model, tuple(traced)), example_input=tuple(traced.values()))
        for port, name in zip(converted.inputs, traced, strict=True):
            port.get_tensor().set_names({name})
        openvino.save_model(converted, path, compress_to_fp16=False)
    except (RuntimeError, ValueError, TypeError) as error:
        raise NotConvertible(f"OpenVINO cannot convert it ({type(error).__name__})") from error
    return unit_rows(model.encode(list(PROBES), convert_to_numpy=True, show_progress_bar=False))


def _whole(model: Any, names: tuple[str, ...]) -> Any:
    """Return the model as one function of tensors."""
    import torch  # noqa: PLC0415

    class Whole(torch.nn.Module):  # type: ignore[misc] # torch is not followed, see pyproject.toml
        """Tokens, mask and, where there are any, segment numbers to the sentence's vector."""

        def __init__(self) -> None:
            super().__init__()
            self.inner = model

        def forward(self, *tensors: Any) -> Any:
            return self.inner(dict(zip(names, tensors, strict=True)))[_RESULT]

    return Whole().eval()


def main(arguments: list[str]) -> int:
    """Convert FOLDER into TARGET; the last line on stderr says why it failed."""
    folder, target = arguments
    convert(Path(folder), Path(target))
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
