"""Weights in fewer bits, by the setting LLM_QUANTISATION: what each engine makes of it.

transformers quantises while loading, with bitsandbytes, on a GPU. OpenVINO runs GGUF files and its own format as they
are, which is 8 bits or fewer already; 4 bits are a matter of the file, since what it reads of Q4_1 is not faithful.
"""

import importlib.util
from enum import StrEnum
from typing import Any

from app.errors import SettingsInvalid

VARIABLE = "LLM_QUANTISATION"


class Quantisation(StrEnum):
    """How many bits a weight has: those of the file, 8, or 4."""

    NONE = "none"
    INT8 = "int8"
    INT4 = "int4"


def check_openvino(wanted: Quantisation) -> None:
    """Raise SettingsInvalid where OpenVINO cannot give what is wanted."""
    if wanted is Quantisation.INT4:
        raise SettingsInvalid(VARIABLE, "OpenVINO takes 4 bits from a file that has them", "name such a model")


def check_transformers(wanted: Quantisation, device: str) -> None:
    """Raise SettingsInvalid where transformers cannot quantise: bitsandbytes is not there, or no GPU."""
    if wanted is Quantisation.NONE:
        return
    if device == "cpu":
        raise SettingsInvalid(
            VARIABLE, f"{wanted} needs a GPU with transformers", f"set {VARIABLE}=none, or use a GGUF"
        )
    if importlib.util.find_spec("bitsandbytes") is None:
        raise SettingsInvalid(VARIABLE, f"{wanted} needs the package bitsandbytes", "pip install bitsandbytes")


def loading_options(wanted: Quantisation) -> dict[str, Any]:
    """Return what `from_pretrained` takes for it."""
    if wanted is Quantisation.NONE:
        return {}
    from transformers import BitsAndBytesConfig  # noqa: PLC0415 - only where it is asked for

    return {
        "quantization_config": BitsAndBytesConfig(
            load_in_8bit=wanted is Quantisation.INT8, load_in_4bit=wanted is Quantisation.INT4
        )
    }
