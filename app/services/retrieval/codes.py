"""Error codes in questions: a document about another code is not an answer, however near its words are."""

import re
from typing import Final

_CODE: Final = re.compile(
    r"(?<![\w.])0[xX][0-9A-Fa-f]{3,}(?!\w)"  # 0x80070002
    r"|(?<![\w.])(?=[0-9A-Fa-f]*\d)(?=[0-9A-Fa-f]*[A-Fa-f])[0-9A-Fa-f]{8}(?!\w)"  # 8004fc12, caa70004
    r"|\b[A-Za-z]{2,}\d{4,}\b"  # AADSTS700016
    r"|(?<![\w.])\d\.\d{1,2}\.\d{1,3}(?!\.?\w)"  # 5.7.1, but no part of an address
    r"|\b[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+\b"  # ERR_CERT_DATE_INVALID
    r"|(?:\b(?:error|code|err|fehler|fehlercode|erreur|c[oó]digo|event|id)[\s:#(]{1,3})-?(\d{2,6})(?![\w:%]|[.,]\d)",
    re.IGNORECASE,
)
_UPPER: Final = re.compile(r"[A-Z][A-Z0-9]+(?:_[A-Z0-9]+)+")


def error_codes(text: str) -> list[str]:
    """Return the error codes a question names, as written; bare numbers only where a word says they are codes."""
    found = [match[1] or match[0] for match in _CODE.finditer(text)]
    return [code for code in found if "_" not in code or _UPPER.fullmatch(code)]
