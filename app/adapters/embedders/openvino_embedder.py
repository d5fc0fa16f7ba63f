"""The embedding model on a CPU, through OpenVINO."""

import logging
import re
from collections.abc import Sequence
from functools import lru_cache
from pathlib import Path

import numpy as np

from app.adapters.embedders.batching import Batcher, BatchLimits
from app.adapters.embedders.conversion import DIGESTS, FILES, MODEL
from app.adapters.embedders.encoder import OpenVinoEncoder, Precision, native_precisions
from app.adapters.embedders.layout import Layout, NotConvertible, read_layout
from app.adapters.embedders.probes import read_expected, require_alike
from app.domain.models import EmbedderSpec, Vectors
from app.errors import ModelAltered
from app.modelfiles.apart import ApartFailed, run_apart
from app.modelfiles.digests import file_digest, files_digest
from app.modelfiles.locate import ModelFiles
from app.modelfiles.safety import read_json

log = logging.getLogger(__name__)

_CONVERSION = "app.adapters.embedders.conversion"
_CONVERSION_SECONDS = 900.0
# Raised whenever a conversion of the same model would come out differently.
_FORMAT = 2
_BYTES_PER_TOKEN = 4
_WORD_LETTERS = 32
_WORDS = 32_768


class OpenVinoEmbedder:
    """Embeds with a copy of the model that is converted at the first start and kept in the cache folder.

    Later starts import neither torch nor transformers, and still compare the copy with the original's vectors.
    `threads` bounds the cores used; None means all. `precisions` are tried in their order; None means what the CPU
    has: bfloat16, where it computes in it natively, is 1.5 to 2 times as fast and loses less than 0.0001 of cosine.
    """

    def __init__(
        self,
        files: ModelFiles,
        cache_dir: Path,
        threads: int | None = None,
        precisions: Sequence[Precision] | None = None,
    ) -> None:
        """Convert if need be, and load; blocks. Raises NotConvertible where torch has to run the model."""
        from tokenizers import Tokenizer  # noqa: PLC0415 - only where this adapter is chosen

        layout = read_layout(files.path)
        kept = _converted(files, cache_dir)
        self._encoder = _faithful(layout, kept, threads, precisions or native_precisions())
        # A tokenizer of its own: the other one belongs to the worker thread.
        self._counter = Tokenizer.from_file(str(layout.transformer / "tokenizer.json"))
        self._counter.no_truncation()
        self._counter.no_padding()
        self._count_word = lru_cache(_WORDS)(self._count)
        self._spec = EmbedderSpec(files.model_id, files.digest, self._encoder.dimension, "openvino")
        self._batcher = Batcher(self._encoder, BatchLimits(longest=_BYTES_PER_TOKEN * layout.max_tokens))

    @property
    def spec(self) -> EmbedderSpec:
        """The model at work."""
        return self._spec

    async def embed(self, texts: Sequence[str]) -> Vectors:
        """Return one unit row per text; see the port."""
        if not texts:
            return np.empty((0, self._spec.dimension), dtype=np.float32)
        return await self._batcher.submit(texts)

    def count_tokens(self, text: str) -> int:
        """Return the number of the model's tokens in `text`, special tokens left out."""
        # Words come again and again: every question's are looked up.
        return self._count_word(text) if len(text) <= _WORD_LETTERS else self._count(text)

    def _count(self, text: str) -> int:
        return len(self._counter.encode(text, add_special_tokens=False).ids)

    def close(self) -> None:
        """End the worker thread."""
        self._batcher.close()


def _faithful(layout: Layout, kept: Path, threads: int | None, precisions: Sequence[Precision]) -> OpenVinoEncoder:
    """Return the copy at the first precision that gives the original's vectors; NotConvertible where none does."""
    expected = read_expected(kept)
    *faster, last = precisions
    for precision in faster:
        encoder = OpenVinoEncoder(layout, kept / MODEL, precision, threads)
        try:
            require_alike(encoder, expected)
        except NotConvertible as error:
            log.warning("embedding precision not used", extra={"precision": precision, "reason": str(error)})
        else:
            return encoder
    encoder = OpenVinoEncoder(layout, kept / MODEL, last, threads)
    require_alike(encoder, expected)
    return encoder


def _converted(files: ModelFiles, cache_dir: Path) -> Path:
    """Return the folder of the converted model, made first where it is not there or is not as it was written."""
    # Everything but the weights: how vectors are pooled is converted along with the transformer.
    config = files_digest(files.path, list(files.path.rglob("*.json")), cache_dir)
    name = re.sub(r"[^\w.-]", "-", files.model_id)
    kept = cache_dir / "embedders" / f"{name}-{files.digest[:16]}-{config[:8]}-v{_FORMAT}"
    if not _intact(kept, cache_dir):
        try:
            run_apart(_CONVERSION, str(files.path), str(kept), seconds=_CONVERSION_SECONDS)
        except ApartFailed as error:
            raise NotConvertible(f"{files.model_id} was not converted: {error}", "see EMBEDDING_ENGINE") from error
    return kept


def _intact(folder: Path, cache_dir: Path) -> bool:
    if not all((folder / name).is_file() for name in (*FILES, DIGESTS)):
        return False
    try:
        expected = read_json(folder / DIGESTS)
    except ModelAltered:
        return False
    return all(file_digest(folder / name, cache_dir) == expected.get(name) for name in FILES)
