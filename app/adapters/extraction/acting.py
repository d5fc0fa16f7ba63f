"""What acts in a document when it is opened: scripts, programs, files it carries or fetches. None of it is text."""

import io
import re
import zipfile
from collections.abc import Iterator
from itertools import islice
from typing import Any

from pypdf import PdfReader
from pypdf.errors import PyPdfError
from pypdf.generic import ArrayObject, DictionaryObject

from app.adapters.extraction.archive import inspect
from app.adapters.extraction.limits import Limits
from app.domain.files import Shape
from app.errors import DocumentRefused

_ACTIONS = frozenset({"/JavaScript", "/Launch", "/SubmitForm", "/ImportData", "/GoToR", "/GoToE", "/Rendition"})
_WAITING = ("/OpenAction", "/AA", "/A", "/Next", "/Names", "/Kids", "/JavaScript", "/EmbeddedFiles", "/AcroForm",
            "/Fields", "/Annots", "/XFA")  # fmt: skip
_CARRIED = ("/EmbeddedFiles", "/JavaScript", "/XFA", "/JS")
_LOOKED_AT = 20_000
_PARTS = re.compile(r"vbaProject|/embeddings/|activeX", re.IGNORECASE)
_FETCHED = re.compile(
    rb"<Relationship\b(?=[^>]*TargetMode\s*=\s*[\"']External)"
    rb"(?=[^>]*Type\s*=\s*[\"'][^\"']*/(?:attachedTemplate|oleObject|frame|subDocument|externalLink))",
)
_FIELD = re.compile(rb"<w:instrText[^>]*>\s*(?:DDE|DDEAUTO|INCLUDE(?:TEXT|PICTURE))\b", re.IGNORECASE)


def refuse_acting(suffix: str, content: bytes, limits: Limits) -> Shape:
    """Return a document's shape; raises DocumentRefused (`active_content`) where it would do anything when opened."""
    if suffix == "pdf":
        return _pdf(content, limits)
    if suffix == "docx":
        _word(content, limits)
    return Shape()


def _refusal(what: str) -> DocumentRefused:
    return DocumentRefused("active_content", f"holds {what}, which acts when it is opened")


def _pdf(content: bytes, limits: Limits) -> Shape:
    try:
        reader = PdfReader(io.BytesIO(content), strict=False)
        if reader.is_encrypted:
            raise DocumentRefused("encrypted", "is protected by a password")
        pages = list(islice(reader.pages, limits.pages + 1))
        for found in _reached([reader.trailer.get("/Root"), *pages]):
            if found.get("/S") in _ACTIONS or any(name in found for name in _CARRIED):
                raise _refusal("a script, a program or another file")
    except PyPdfError as error:
        raise DocumentRefused("unreadable", "is damaged, or no PDF") from error
    return Shape(pages=min(len(pages), limits.pages))


def _reached(roots: list[Any]) -> Iterator[DictionaryObject]:
    """Yield the dictionaries in which actions may stand, each once; a file may make them go in circles."""
    waiting, seen = list(roots), set[int]()
    for _ in range(_LOOKED_AT):
        if not waiting:
            return
        found = waiting.pop()
        found = found.get_object() if hasattr(found, "get_object") else found
        if found is None or id(found) in seen:
            continue
        seen.add(id(found))
        if isinstance(found, ArrayObject):
            waiting.extend(found)
        elif isinstance(found, DictionaryObject):
            yield found
            waiting.extend(found.raw_get(name) for name in _WAITING if name in found)
            # What happens when: an action by each occasion, whatever that is called.
            occasions: Any = found.get("/AA")
            occasions = occasions.get_object() if occasions is not None else None
            waiting.extend(occasions.values() if isinstance(occasions, DictionaryObject) else [])


def _word(content: bytes, limits: Limits) -> None:
    names = inspect(content, limits)
    if any(_PARTS.search(name) for name in names):
        raise _refusal("a macro or an embedded object")
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        for name in names:
            if name.endswith(".rels") and _FETCHED.search(archive.read(name)):
                raise _refusal("a part that is fetched from elsewhere")
            if name.startswith("word/") and name.endswith(".xml") and _FIELD.search(archive.read(name)):
                raise _refusal("a field that starts another program")
