"""Comparing words whatever their case and accents."""

import unicodedata


def fold(text: str) -> str:
    """Return the text in lower case, compatibility forms resolved, accents gone: `Größe` becomes `grosse`."""
    plain = unicodedata.normalize("NFKD", text.casefold())
    return "".join(char for char in plain if not unicodedata.combining(char))
