"""Takes credentials out of what is kept or told of a file: passwords, tokens, keys. What is left reads as before."""

import re

_NAMED = re.compile(
    r"(?P<name>\b(?:pass(?:word|wd|phrase)?|pwd|kennwort|passwort|mot de passe|contraseña|secret|token|api[_-]?key"
    r"|client[_-]?secret|access[_-]?key|credentials?)\b[\"']?\s{0,3}[:=]\s{0,3})(?P<value>\"[^\"]{1,200}\"|'[^']{1,200}'|[^\s,;&\"']{1,200})",
    re.IGNORECASE,
)
_BEARER = re.compile(r"\b((?:Bearer|Basic|Negotiate|NTLM)\s{1,3})[A-Za-z0-9+/=._~-]{8,2000}")
_IN_URL = re.compile(r"(\b[a-z][a-z0-9+.-]{1,20}://[^\s:/@]{1,100}:)[^\s@/]{1,200}@")
_TOKENS = re.compile(
    r"\beyJ[\w-]{8,2000}\.[\w-]{4,2000}\.[\w-]{0,2000}|\bAKIA[0-9A-Z]{16}\b|\bgh[pousr]_[A-Za-z0-9]{20,255}"
    r"|\bxox[abprs]-[\w-]{10,250}|-----BEGIN [A-Z ]{0,30}PRIVATE KEY-----"
)
_MASK = "[removed]"


def masked(text: str) -> str:
    """Return a text without the credentials in it."""
    text = _NAMED.sub(lambda found: f"{found['name']}{_MASK}", text)
    text = _IN_URL.sub(rf"\1{_MASK}@", _BEARER.sub(rf"\1{_MASK}", text))
    return _TOKENS.sub(_MASK, text)
