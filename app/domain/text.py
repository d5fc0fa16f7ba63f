"""Comparing words whatever their case and accents."""

import unicodedata


def fold(text: str) -> str:
    """Return the text in lower case, compatibility forms resolved, accents gone: `Größe` becomes `grosse`."""
    # Resolved before and after: `№` becomes `No`, and some lower case letters come apart again.
    plain = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))
