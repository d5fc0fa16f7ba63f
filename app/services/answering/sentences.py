"""Splits text into sentences without breaking commands, paths, version numbers and abbreviations."""

import re

_CODE = re.compile(r"`[^`\n]*`")
_END = re.compile(r"[.!?…]+[\"')\]*_»”]*(?=\s+[\"'(\[*_`«“¿¡]*[A-ZÀ-ÖØ-Þ0-9])")
_CITATION = re.compile(r"[ \t]*\[\d{1,3}\]")
_CITATION_BEGUN = re.compile(r"[ \t]*\[\d{0,3}$")
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


class SentenceReader:
    """Splits a text that is still being written, marks like `[1]` left out.

    However the text is cut into pieces, its sentences come out as they do of the whole, each once nothing that may
    follow can change it.
    """

    def __init__(self) -> None:
        self._line = ""
        self._given = 0

    def read(self, piece: str) -> list[str]:
        """Take the next piece and return the sentences that it ends."""
        lines = (self._line + piece).splitlines(keepends=True)
        open_end = bool(lines) and lines[-1].splitlines()[0] == lines[-1]
        self._line = lines.pop() if open_end else ""
        found = [sentence for line in lines for sentence in self._rest(line)]
        sure = sentences(_sure(_CITATION.sub("", self._line)))[:-1]
        found += sure[self._given :]
        self._given = max(self._given, len(sure))
        return found

    def end(self) -> list[str]:
        """Return what is left when the text has ended."""
        line, self._line = self._line, ""
        return self._rest(line)

    def _rest(self, line: str) -> list[str]:
        found = sentences(_CITATION.sub("", line))[self._given :]
        self._given = 0
        return found


def _sure(line: str) -> str:
    """Return the beginning of an unfinished line that is split as it will be: what follows may close its code."""
    line = _CITATION_BEGUN.sub("", line)
    return line[: line.rindex("`")] if line.count("`") % 2 else line
