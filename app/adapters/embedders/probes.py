"""Whether an engine gives a model's own vectors: shown on texts of several languages and lengths."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Final

import numpy as np

from app.adapters.embedders.layout import NotConvertible
from app.domain.models import Vectors

EXPECTED: Final = "probes.npy"
"""The original's vectors of the probe texts, by torch in 32-bit floats on a CPU."""

MIN_COSINE: Final = 0.9995
"""How near an engine on a CPU must come to the original."""

MIN_COSINE_HALF: Final = 0.999
"""How near half precision on a GPU must come: 11 bits of mantissa through a dozen layers cost about 0.0001."""

# The empty text, and one longer than what models read: the cut must be at the same token.
PROBES: Final = (
    "How do I reset my password?",
    "VPN",
    "The printer shows error 0x0000011b after the update, and nobody on the second floor can print.",
    "Mein Bildschirm bleibt schwarz, nachdem ich den Laptop zugeklappt habe.",
    "L'écran reste noir quand j'ouvre l'ordinateur.",
    "¿Cómo configuro el correo en un teléfono nuevo?",
    "ネットワークに接続できません。",
    "Не удаётся подключиться к сети.",
    "Open Settings > Accounts > Sign-in options.\n\n1. Choose PIN.\n2. Choose Change.",
    "",
    "Restart the print spooler, then send the page again and wait for the queue to empty. " * 600,
)
_LONG = -1


def require_alike(encode: Callable[[Sequence[str]], Vectors], expected: Vectors, least: float = MIN_COSINE) -> None:
    """Raise NotConvertible where an engine's vectors of the probe texts differ from the original's."""
    if expected.shape[0] != len(PROBES):
        raise NotConvertible("the original's vectors are of other texts")
    # The long one apart: the others would be padded to its length, which takes seconds in a large model.
    found = np.concatenate([encode(PROBES[:_LONG]), encode(PROBES[_LONG:])])
    if found.shape != expected.shape:
        raise NotConvertible(f"vectors have {found.shape[1]} dimensions, the original's {expected.shape[1]}")
    nearness = float(np.min(np.sum(found * expected, axis=1)))
    if not nearness >= least:
        raise NotConvertible(f"the converted model differs from the original (cosine {nearness:.4f}, least {least})")


def read_expected(folder: Path) -> Vectors:
    """Return the original's vectors that are kept with a converted model. Raises NotConvertible."""
    try:
        rows = np.load(folder / EXPECTED, allow_pickle=False)
    except (OSError, ValueError) as error:
        raise NotConvertible(
            "the original's vectors cannot be read", "remove the folder of converted models"
        ) from error
    return np.asarray(rows, dtype=np.float32)
