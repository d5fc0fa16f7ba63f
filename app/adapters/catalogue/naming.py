"""Patterns of names, as SQLite asks for them."""

import re
from fnmatch import translate
from functools import lru_cache


def matches(pattern: str, name: str) -> bool:
    """Tell whether a name fits a pattern with `*`, `?` and `[...]`; capitals count. Linear, whatever the pattern."""
    return _compiled(pattern).match(name) is not None


@lru_cache(maxsize=64)
def _compiled(pattern: str) -> re.Pattern[str]:
    return re.compile(translate(pattern))
