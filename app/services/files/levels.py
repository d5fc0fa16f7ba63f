"""How bad a line is: by the level it states, a status it ends with, or, in a log, the words it uses."""

import re

from app.domain.files import Severity

_HEAD = 200
_NAMES = {
    "fatal": Severity.FATAL, "critical": Severity.FATAL, "crit": Severity.FATAL, "emerg": Severity.FATAL,
    "emergency": Severity.FATAL, "alert": Severity.FATAL, "panic": Severity.FATAL,
    "severe": Severity.ERROR, "error": Severity.ERROR, "err": Severity.ERROR, "fehler": Severity.ERROR,
    "erreur": Severity.ERROR, "e": Severity.ERROR, "f": Severity.FATAL,
    "warn": Severity.WARNING, "warning": Severity.WARNING, "warnung": Severity.WARNING, "w": Severity.WARNING,
    "notice": Severity.INFO, "info": Severity.INFO, "information": Severity.INFO, "i": Severity.INFO,
    "debug": Severity.DEBUG, "trace": Severity.DEBUG, "verbose": Severity.DEBUG, "fine": Severity.DEBUG,
    "d": Severity.DEBUG, "v": Severity.DEBUG,
}  # fmt: skip
_WORDS = "|".join(sorted((name for name in _NAMES if len(name) > 1), key=len, reverse=True))
_SPELT = re.compile(rf"\b(?:{_WORDS.upper()})\b")
_MARKED = re.compile(
    rf"[\[<(:|](?:{_WORDS})[\]>)|]"
    rf"|\b(?:level|lvl|severity|loglevel)[\"']?\s{{0,3}}[:=]\s{{0,3}}[\"']?(?:{_WORDS})\b"
    rf"|(?:^|,)\s{{0,3}}\"?(?:{_WORDS})\"?(?:,|\s\s|$)"
    rf"|^\W{{0,3}}(?:{_WORDS})(?:\[\w{{1,20}}\])?:\s",
    re.IGNORECASE,
)
_LAST_WORD = re.compile(rf"(?:{_WORDS})(?!.*(?:{_WORDS}))", re.IGNORECASE)
_LOGCAT = re.compile(r"[0-9]{2}-[0-9]{2} [0-9:.]{8,18} +[0-9]{1,7} +[0-9]{1,7} ([VDIWEF]) ")
_STATUS = re.compile(r"\" ([1-5][0-9]{2}) (?:[0-9]+|-)(?:\s|$)| ([1-5][0-9]{2}) [0-9]{1,3} [0-9]{1,10} [0-9]{1,9}$")
_BAD = re.compile(
    r"\b(?:errors?|exception|fail(?:ed|ure|s)?|fatal|panic|denied|refused|unreachable|cannot|unable to|could not"
    r"|timed out|time-?out|aborted|crash(?:ed)?|corrupt(?:ed|ion)?|fehler|fehlgeschlagen|erreur|échec|fallo)\b",
    re.IGNORECASE,
)
_NOT_BAD = re.compile(
    r"\b(?:no|0|without|zero|keine?|ohne|sans|sin) (?:errors?|failures?|exceptions?|fehler|erreurs?)\b"
    r"|\b(?:errors?|failures?|failed|fehler)\s{0,3}[:=]\s{0,3}0\b",
    re.IGNORECASE,
)
_DOUBTFUL = re.compile(r"\b(?:warn(?:ing)?s?|deprecated|retry(?:ing)?|expired|degraded|warnung)\b", re.IGNORECASE)
_FIRST_ERROR, _FIRST_WARNING = 500, 400


def stated(text: str) -> Severity:
    """Return the level a line states, NONE where it states none."""
    head = text[:_HEAD]
    if spelt := _SPELT.search(head):
        return _NAMES[spelt[0].lower()]
    if marked := _MARKED.search(head):
        word = _LAST_WORD.search(marked[0])
        return _NAMES[word[0].lower()] if word else Severity.NONE
    if logcat := _LOGCAT.match(head):
        return _NAMES[logcat[1].lower()]
    return Severity.NONE


def status_of(text: str) -> int:
    """Return the HTTP status of a line of a web server's log, 0 where it is none."""
    found = _STATUS.search(text)
    return int(found[1] or found[2]) if found else 0


def of_status(status: int) -> Severity:
    """Return how bad an HTTP status is."""
    if status >= _FIRST_ERROR:
        return Severity.ERROR
    return Severity.WARNING if status >= _FIRST_WARNING else Severity.INFO


def of_words(text: str) -> Severity:
    """Return how bad a line of a log is by its words, where it states nothing."""
    if _BAD.search(text) and _BAD.search(_NOT_BAD.sub("", text)):
        return Severity.ERROR
    return Severity.WARNING if _DOUBTFUL.search(text) else Severity.NONE
