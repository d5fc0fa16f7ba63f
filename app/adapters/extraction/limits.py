"""How much a file may hold, and how much reading it may cost."""

from dataclasses import dataclass

from app.domain.knowledge import Section
from app.errors import DocumentRefused


@dataclass(frozen=True, slots=True)
class Limits:
    """What a file may hold; sizes in bytes, times in seconds.

    `file_bytes` is what is uploaded, `inflated_bytes` what an archive may grow to (at most `ratio` times its size),
    `text_bytes` what is read out of a file in all. `memory_bytes` and `seconds` (on the clock, and of computing) are
    for one file in the reading process.
    """

    file_bytes: int = 20_000_000
    text_bytes: int = 2_000_000
    documents: int = 10_000
    sections: int = 10_000
    pages: int = 500
    columns: int = 1_000
    entries: int = 1_000
    inflated_bytes: int = 50_000_000
    ratio: int = 100
    memory_bytes: int = 512 * 1024 * 1024
    seconds: float = 10.0


class Budget:
    """Counts what is read out of one file; raises DocumentRefused as soon as it is too much."""

    def __init__(self, limits: Limits) -> None:
        self.limits = limits
        self._text = 0
        self._sections = 0
        self._documents = 0

    def take_text(self, text: str) -> None:
        """Count a piece of text."""
        self._text += len(text.encode("utf-8", "surrogatepass"))
        if self._text > self.limits.text_bytes:
            raise DocumentRefused("too_much_text", f"holds more than {self.limits.text_bytes} bytes of text")

    def check_source(self, text: str) -> None:
        """Refuse a text that is all there is to read and too much of it, before it is taken apart."""
        if len(text) > self.limits.text_bytes:
            raise DocumentRefused("too_much_text", f"holds more than {self.limits.text_bytes} bytes of text")

    def take_document(self, sections: tuple[Section, ...]) -> None:
        """Count a document and its sections."""
        self._documents += 1
        self._sections += len(sections)
        if self._documents > self.limits.documents:
            raise DocumentRefused("too_many_documents", f"holds more than {self.limits.documents} documents")
        if self._sections > self.limits.sections:
            raise DocumentRefused("too_many_sections", f"holds more than {self.limits.sections} sections")
