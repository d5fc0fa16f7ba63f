"""`python -m app ...`."""

import gc
import sys


def _run() -> int:
    # Next to nothing that is imported ever becomes garbage: looking for some in it takes a third of every start, and
    # again of the end.
    gc.disable()
    from app.cli.main import main  # noqa: PLC0415

    gc.freeze()
    gc.enable()
    return main()


sys.exit(_run())
