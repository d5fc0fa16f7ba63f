"""Splits text into sentences without breaking commands, paths, version numbers and abbreviations."""

import re

_CODE = re.compile(r"`[^`\n]*`")
_END = re.compile(r"[.!?…]+[\"')\]*_»”]*(?=\s+[\"'(\[*_`«“¿¡]*[A-ZÀ-ÖØ-Þ0-9])")
_NUMBER = re.compile(r"^\s*(?:\d{1,3}[.)]|[-*•])\s+")
_LABEL = re.compile(r"^\s*\[(?:admin|destructive)\]\s+")
_ABBREVIATION = re.compile(
    r"(?:\b(?:e\.g|i\.e|etc|vs|approx|no|nos|fig|resp|incl|min|max|dr|mr|mrs|ms|st|z\.b|d\.h|bzw|ca|usw|p\.ej|art)"
    r"|^\s*\d{1,3})\.$",
    re.IGNORECASE,
)


def sentences(text: str) -> list[str]:
    """Return the sentences of a text in order; every line ends a sentence, list marks stay with theirs."""
    return [sentence for line in text.splitlines() for sentence in _of_line(line) if sentence]


def _of_line(line: str) -> list[str]:
    """Split one line; what stands in back quotes is never split."""
    masked = _CODE.sub(lambda match: "x" * len(match[0]), line)
    found, start = [], 0
    for match in _END.finditer(masked):
        if _ABBREVIATION.search(masked[start : match.end()]):
            continue
        found.append(line[start : match.end()].strip())
        start = match.end()
    found.append(line[start:].strip())
    return found


def without_number(sentence: str) -> str:
    """Return a sentence without its list mark."""
    return _NUMBER.sub("", sentence)


def without_mark(sentence: str) -> str:
    """Return a sentence without its list mark and its label of risk."""
    return _LABEL.sub("", without_number(sentence))


def is_whole(sentence: str) -> bool:
    """Tell whether a sentence ends as one: a model stopped by its token limit leaves one that does not."""
    return re.search(r"[.!?:…][\"')\]*_`»”]*$", sentence.strip()) is not None
