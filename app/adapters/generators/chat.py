"""Prompts as chat models take them."""

from collections.abc import Iterable

from app.domain.chat_marks import without_marks
from app.domain.models import Prompt

__all__ = ["folded", "messages", "plain", "valid", "without_marks"]


def valid(text: str) -> str:
    """Return a text without halves of surrogate pairs: no tokenizer takes them."""
    return text.encode("utf-8", "replace").decode("utf-8")


def messages(prompt: Prompt, marks: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return a prompt as the messages a chat template takes; an empty system part is left out."""
    known = tuple(marks)
    system, user = without_marks(valid(prompt.system), known), without_marks(valid(prompt.user), known)
    turns = [{"role": "system", "content": system}] if system.strip() else []
    return [*turns, {"role": "user", "content": user}]


def plain(prompt: Prompt) -> str:
    """Return a prompt for a model that has no chat template: instructions, question, and where the answer goes."""
    system, user = without_marks(valid(prompt.system)).strip(), without_marks(valid(prompt.user)).strip()
    return f"{system}\n\nQuestion: {user}\nAnswer:" if system else f"Question: {user}\nAnswer:"


def folded(prompt: Prompt) -> Prompt:
    """Return the prompt with its instructions in the user's part, for templates that know no system part."""
    return Prompt("", f"{prompt.system}\n\n{prompt.user}".strip())
