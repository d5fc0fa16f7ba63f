"""What messages have in common: numbers, names and places taken out, those that differ in nothing else are one."""

import re

_CHARS = 400
_ROUGH_CHARS = 160
_VARIABLE = re.compile(
    r"(?P<id>\b[0-9A-Fa-f]{8}-(?:[0-9A-Fa-f]{4}-){3}[0-9A-Fa-f]{12}\b)"
    r"|(?P<url>\b[a-z]{2,8}://[^\s\"'<>]++)"
    r"|(?P<mail>(?<![\w.])[\w.+-]{1,64}@[\w.-]{1,100})"
    r"|(?P<ip>\b[0-9]{1,3}(?:\.[0-9]{1,3}){3}(?::[0-9]{1,5})?\b)"
    r"|(?P<text>\"[^\"]{0,200}\"|'[^'\s][^']{0,200}')"
    r"|(?P<path>\b[A-Za-z]:\\[^\s\"',;]++|(?<![\w/])/[\w.~-]+(?:/[\w.*~-]*+)++)"
    r"|(?P<hex>\b0[xX][0-9A-Fa-f]++\b|\b(?=[0-9a-f]{0,31}[0-9])[0-9a-f]{12,64}\b)"
    r"|(?P<n>[0-9]++(?:[.,:][0-9]++)*+)"
)
_SPACES = re.compile(r"\s+")
_DIGITS = re.compile(r"[0-9]++")
# Codes are what a message is about.
_KEPT = re.compile(r"0[xX][0-9A-Fa-f]{4,8}")


def template_of(message: str) -> str:
    """Return a message with what varies replaced by its kind: `Mail <n> to <mail> failed`."""
    return _SPACES.sub(" ", _VARIABLE.sub(_kind, message[:_CHARS])).strip()


def rough_of(message: str) -> str:
    """Return a message with its numbers taken out, and no more: enough to count what is no error."""
    return _DIGITS.sub("<n>", message[:_ROUGH_CHARS]).strip()


def words_of(template: str) -> str:
    """Return a template's words alone, to ask a question with."""
    return re.sub(r" (?=[:;,.])", "", " ".join(re.sub(r"<\w{1,4}>|[\[\]{}|=]", " ", template).split())).strip(" .:;,-")


def _kind(found: re.Match[str]) -> str:
    if found.lastgroup == "hex" and _KEPT.fullmatch(found[0]):
        return found[0]
    return f"<{found.lastgroup}>"
