"""The seam to files that people attach to a conversation."""

from typing import BinaryIO, Protocol

from app.domain.files import FileText


class FileReader(Protocol):
    """Makes text of files that nobody vouches for."""

    def suffixes(self) -> frozenset[str]:
        """Return the file name endings it reads, lower case, without the dot."""
        ...

    async def read(self, suffix: str, source: BinaryIO, size: int) -> FileText:
        """Return a file's text, once its content was found to be what the ending says.

        `source` holds `size` bytes and stays open while the text's pieces are asked for. Raises DocumentRefused with
        the reason, DependencyFailed when reading fails for no fault of the file.
        """
        ...
