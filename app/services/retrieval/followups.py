"""Follow-up questions: what is searched when a question leans on what was said before.

A short question, or one that points back ("and on a Mac?", "that menu isn't there"), is searched together with the
question before it. Nothing is rewritten, so nothing can be invented.
"""

import re
from collections.abc import Sequence

from app.domain.conversations import Role, Turn

_SHORT_WORDS = 7
_POINTING = re.compile(
    r"^\s*(and|but|what about|how about|ok|still|same|und|aber|immer noch|et|mais|toujours|y|pero|sigue)\b"
    r"|\b(that|this|it|them|those|there|das|dies|dort|es geht|cela|ça|eso|esto)\b",
    re.IGNORECASE,
)
_MAX_CHARS = 600


def leans_on_history(text: str) -> bool:
    """Tell whether a question seems to need the one before it."""
    return len(text.split()) <= _SHORT_WORDS or _POINTING.search(text) is not None


def standalone(text: str, history: Sequence[Turn]) -> str:
    """Return the text to search for: the question, with the previous question in front where it leans on it."""
    if not leans_on_history(text):
        return text
    asked = [turn.content for turn in history if turn.role is Role.USER]
    return f"{asked[-1][:_MAX_CHARS]}\n{text}" if asked else text
