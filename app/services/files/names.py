"""What is asked of an upload's name and size, in this order, before anything of its content is looked at."""

import re
import unicodedata
import uuid

from app.domain.files import IncomingFile
from app.errors import DocumentRefused
from app.services.documents.names import LONGEST, ending, shown

_ESCAPED = re.compile(r"%(?:2e|2f|5c|00|25)", re.IGNORECASE)
# Slashes by other names, too.
_SEPARATORS = re.compile('[/\\\\:|<>*?"\u2044\u2215\u29f8\u29f5\u2216]')
_DRIVE = re.compile(r"^[A-Za-z]:")
_RESERVED = re.compile(r"(?:con|prn|aux|nul|clock\$|conin\$|conout\$|com[0-9¹²³]|lpt[0-9¹²³])(?:\.|$)", re.IGNORECASE)
# Control characters, marks that turn the direction of text, halves of characters, what stands for nothing.
_UNSHOWN = frozenset({"Cc", "Cf", "Cs", "Cn", "Co", "Zl", "Zp"})


def admitted(name: str, size: int, most: int, extensions: frozenset[str]) -> IncomingFile:
    """Return a file under an id of our own; raises DocumentRefused for its size, its name or its ending."""
    if size > most:
        raise DocumentRefused("too_large", f"is larger than {most} bytes")
    if not size:
        raise DocumentRefused("empty", "holds nothing")
    _refuse_name(name)
    if ending(name) not in extensions:
        known = ", ".join(sorted(extensions))
        raise DocumentRefused("unknown_format", f"files of this type are not read; these are: {known}")
    return IncomingFile(str(uuid.uuid4()), shown(name), size)


def _refuse_name(name: str) -> None:
    """Refuse a name made to be taken for a path, a device or another name; no path is ever made of one, though."""
    if not name.strip(" ."):
        raise DocumentRefused("unsafe_name", "has no name")
    if len(name.encode("utf-8", "surrogatepass")) > LONGEST:
        raise DocumentRefused("unsafe_name", f"has a name of more than {LONGEST} bytes")
    if any(unicodedata.category(char) in _UNSHOWN for char in name):
        raise DocumentRefused("unsafe_name", "has a name with characters that cannot be seen")
    plain = unicodedata.normalize("NFKC", name)
    if _SEPARATORS.search(plain) or ".." in plain or _ESCAPED.search(plain) or _DRIVE.match(plain):
        raise DocumentRefused("unsafe_name", "has a name that may be taken for a path; send the bare name")
    if _RESERVED.match(plain.strip()) or name != name.strip() or name.endswith("."):
        raise DocumentRefused("unsafe_name", "has a name that systems keep for themselves")
