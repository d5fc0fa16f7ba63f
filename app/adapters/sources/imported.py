"""Imported documents: a folder of JSON Lines files, a document a line, written once and never changed."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Annotated

from pydantic import StringConstraints, TypeAdapter, ValidationError

from app.adapters.sources.reading import digest, explain, text_of
from app.domain.knowledge import Document, DocumentKind, Origin
from app.errors import KnowledgeInvalid
from app.modelfiles.aside import written_aside

_DOCUMENT = TypeAdapter(Document)
_ID = TypeAdapter(Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9-]{1,79}$")])
_MAX_TITLE = 300
_LANGUAGES = ("en", "de", "fr", "es")


class ImportedFolder:
    """The `*.jsonl` files of a folder; the KnowledgeSource port. A folder that is not there holds no documents."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def fingerprint(self) -> str:
        """Return a digest over the names and contents of all files."""
        return digest(self._root, self._files())

    def documents(self) -> Iterator[Document]:
        """Yield the documents by file and line. Raises KnowledgeInvalid for the first that cannot be used."""
        for path in self._files():
            for number, line in enumerate(text_of(path).removesuffix("\n").split("\n"), 1):
                yield _read(path, number, line)

    def add(self, documents: Sequence[Document]) -> Path:
        """Write a file of documents, whole or not at all, and return its path; its name is the digest of its content.

        Raises OSError.
        """
        content = b"".join(_DOCUMENT.dump_json(replace(one, origin=Origin())) + b"\n" for one in documents)
        path = self._root / f"legacy-{hashlib.sha256(content).hexdigest()[:12]}.jsonl"
        with written_aside(path) as draft:
            draft.write_bytes(content)
        return path

    def _files(self) -> list[Path]:
        # What is being written has a name that begins with a dot.
        return sorted(path for path in self._root.glob("[!.]*.jsonl") if path.is_file())


def _read(path: Path, number: int, line: str) -> Document:
    try:
        document = _DOCUMENT.validate_json(line)
        _ID.validate_python(document.id)
    except ValidationError as error:
        field, problem = explain(error)
        raise KnowledgeInvalid(path, number, f"{field or 'document'}: {problem}") from error
    fault = _fault(document)
    if fault:
        raise KnowledgeInvalid(path, number, fault)
    return replace(document, origin=Origin(str(path), number))


def _fault(document: Document) -> str:
    """Return what is wrong with a document that has the right form, or nothing."""
    texts = [document.title, *(section.text for section in document.sections)]
    if document.kind not in {DocumentKind.PAGE, DocumentKind.TICKET}:
        return f"kind: an imported document is no {document.kind.value}"
    if document.language not in _LANGUAGES:
        return f"language: expected one of {', '.join(_LANGUAGES)}"
    if len(document.title) > _MAX_TITLE:
        return f"title: more than {_MAX_TITLE} characters"
    if len(texts) == 1 or not all(text.strip() for text in texts):
        return "title and sections must hold text"
    if any("\0" in text for text in (str(document.metadata), *texts)):
        return "holds a NUL character"
    return ""
