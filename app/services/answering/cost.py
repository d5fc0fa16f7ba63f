"""What an answer costs a model, in tokens."""

from app.domain.answers import Usage
from app.domain.models import Delta, Generation, Prompt
from app.ports import Generator


class Cost:
    """The tokens an answer takes; counted here where its model was stopped before it could tell."""

    def __init__(self, generator: Generator, prompt: Prompt) -> None:
        self._generator = generator
        self._prompt = prompt
        self._pieces: list[str] = []
        self._told: Usage | None = None

    def add(self, piece: Delta | Generation) -> None:
        """Take what the model gave."""
        if isinstance(piece, Generation):
            self._told = Usage(piece.prompt_tokens, piece.completion_tokens)
        else:
            self._pieces.append(piece.text)

    @property
    def usage(self) -> Usage:
        """The model's own count, or else that of its tokenizer, without the marks of its chat template."""
        if self._told is not None:
            return self._told
        count = self._generator.count_tokens
        return Usage(count(self._prompt.system) + count(self._prompt.user), count("".join(self._pieces)))
