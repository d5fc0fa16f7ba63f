"""Words that mean something to a chat model's template, kept out of what people and documents say."""

import re
from collections.abc import Iterable

from app.domain.models import Prompt

# Turn marks of the common families: ChatML and Llama 3, Llama 2, Gemma, Mistral.
_MARKS = re.compile(
    r"<\|[\w./ -]{1,40}\|>|</?s>|<(?:start|end)_of_turn>|<(?:bos|eos|pad|unk)>|\[/?(?:INST|SYS)\]|<</?SYS>>"
)


def without_marks(text: str, marks: Iterable[str] = ()) -> str:
    """Return the text with everything a model could read as the end of a turn, or the start of one, replaced.

    `marks` are the special tokens of the model at hand, beside those of the common families.
    """
    while True:
        cleaner = _MARKS.sub(" ", text)
        for mark in marks:
            if mark:
                cleaner = cleaner.replace(mark, " ")
        # What is left may have closed up to form another mark.
        if cleaner == text:
            return cleaner
        text = cleaner


def messages(prompt: Prompt, marks: Iterable[str] = ()) -> list[dict[str, str]]:
    """Return a prompt as the messages a chat template takes; an empty system part is left out."""
    known = tuple(marks)
    system, user = without_marks(prompt.system, known), without_marks(prompt.user, known)
    turns = [{"role": "system", "content": system}] if system.strip() else []
    return [*turns, {"role": "user", "content": user}]


def plain(prompt: Prompt) -> str:
    """Return a prompt for a model that has no chat template: instructions, question, and where the answer goes."""
    system, user = without_marks(prompt.system).strip(), without_marks(prompt.user).strip()
    return f"{system}\n\nQuestion: {user}\nAnswer:" if system else f"Question: {user}\nAnswer:"


def folded(prompt: Prompt) -> Prompt:
    """Return the prompt with its instructions in the user's part, for templates that know no system part."""
    return Prompt("", f"{prompt.system}\n\n{prompt.user}".strip())
