"""Whether there is a GPU, found out without loading a gigabyte of libraries where there is none."""

import importlib
import importlib.util
from pathlib import Path

# NVIDIA's driver, the same inside Windows' Linux, AMD's driver.
_DRIVERS = (Path("/dev/nvidiactl"), Path("/dev/dxg"), Path("/dev/kfd"))


def has_gpu() -> bool:
    """Tell whether torch can compute on a GPU here; torch is imported only where a driver is loaded."""
    if not any(driver.exists() for driver in _DRIVERS) or importlib.util.find_spec("torch") is None:
        return False
    return bool(importlib.import_module("torch").cuda.is_available())
