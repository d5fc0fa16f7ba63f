"""Words that mean something to a chat model's template, kept out of what people and documents say."""

import re
from collections.abc import Iterable

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
