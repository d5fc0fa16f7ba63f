"""What a file is, and the words in which that is told."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from app.domain.files import FileFacts, FileFindings, FileKind, FileText, Severity, Span
from app.services.files.chunking import Row

_STAMP = r"(?:[A-Z][a-z]{2} [ 0-9][0-9] [0-9:]{8}|[0-9T:.Z+-]{19,35})"
_LAYOUTS = (
    ("json_lines", re.compile(r"\s*\{.*\}\s*$")),
    ("w3c", re.compile(r"#Fields: |[0-9]{4}-[0-9]{2}-[0-9]{2} [0-9:]{8} (?:[0-9a-f.:]+|-) [A-Z]+ ")),
    ("access", re.compile(r"\S+ \S+ \S+ \[[0-9]{2}/[A-Z][a-z]{2}/[0-9]{4}:")),
    ("syslog", re.compile(rf"(?:<[0-9]{{1,3}}>[0-9 ]{{0,2}})?{_STAMP} \S+ [\w./-]+(?:\[[0-9]+\])?:")),
    ("logcat", re.compile(r"[0-9]{2}-[0-9]{2} [0-9:.]{8,18} +[0-9]+ +[0-9]+ [VDIWEF] ")),
    ("servicing", re.compile(r"[0-9-]{10} [0-9:]{8}, (?:Info|Warning|Error) ")),
    ("levelled", re.compile(r".{0,120}\b(?:FATAL|CRITICAL|SEVERE|ERROR|WARN(?:ING)?|INFO|DEBUG|TRACE)\b")),
)  # fmt: skip
_HEAD = 200
_SAMPLE_CHARS = 4000
_DOCUMENTS = frozenset({"pdf", "docx", "html", "htm"})


@dataclass(frozen=True, slots=True)
class _Words:
    kinds: dict[FileKind, str]
    lines: str
    nothing: str
    found: tuple[str, str, str]
    times: str
    partial: str
    about: str


_WORDS = {
    "en": _Words(
        {FileKind.LOG: "a log", FileKind.TABLE: "a table", FileKind.DATA: "structured data",
         FileKind.TEXT: "a text", FileKind.DOCUMENT: "a document"},
        "{name} is {kind} of {lines} lines", "no errors or warnings found",
        ("{n} errors", "{n} warnings", "{n} stack traces"), "from {first} to {last}",
        "Parts of it could not be analysed.",
        "What the knowledge base says about line {line}:",
    ),
    "de": _Words(
        {FileKind.LOG: "ein Protokoll", FileKind.TABLE: "eine Tabelle", FileKind.DATA: "strukturierte Daten",
         FileKind.TEXT: "ein Text", FileKind.DOCUMENT: "ein Dokument"},
        "{name} ist {kind} mit {lines} Zeilen", "keine Fehler oder Warnungen gefunden",
        ("{n} Fehler", "{n} Warnungen", "{n} Stacktraces"), "von {first} bis {last}",
        "Teile davon konnten nicht ausgewertet werden.",
        "Was die Wissensdatenbank zu Zeile {line} sagt:",
    ),
    "fr": _Words(
        {FileKind.LOG: "un journal", FileKind.TABLE: "un tableau", FileKind.DATA: "des données structurées",
         FileKind.TEXT: "un texte", FileKind.DOCUMENT: "un document"},
        "{name} est {kind} de {lines} lignes", "aucune erreur ni aucun avertissement",
        ("{n} erreurs", "{n} avertissements", "{n} traces d'appels"), "du {first} au {last}",
        "Certaines parties n'ont pas pu être analysées.",
        "Ce que dit la base de connaissances sur la ligne {line} :",
    ),
    "es": _Words(
        {FileKind.LOG: "un registro", FileKind.TABLE: "una tabla", FileKind.DATA: "datos estructurados",
         FileKind.TEXT: "un texto", FileKind.DOCUMENT: "un documento"},
        "{name} es {kind} de {lines} líneas", "sin errores ni advertencias",
        ("{n} errores", "{n} advertencias", "{n} trazas de pila"), "del {first} al {last}",
        "No se pudieron analizar algunas partes.",
        "Lo que dice la base de conocimientos sobre la línea {line}:",
    ),
}  # fmt: skip


def kind_of(format_: str, *, logs: bool) -> FileKind:
    """Return what a file is, by its format and by whether its lines are those of a log."""
    if format_ in _DOCUMENTS:
        return FileKind.DOCUMENT
    if format_ == "csv":
        return FileKind.TABLE
    if format_ in {"json", "jsonl"}:
        return FileKind.DATA
    return FileKind.LOG if logs or format_ == "log" else FileKind.TEXT


def layout_of(rows: Sequence[Row]) -> str:
    """Return the form that most of the first lines have; empty where it is none that is known."""
    told = [text[:_HEAD] for _, text in rows if text.strip()]
    for name, pattern in _LAYOUTS:
        if told and sum(1 for text in told if pattern.match(text)) * 2 > len(told):
            return name
    return ""


@dataclass(frozen=True, slots=True)
class Sample:
    """What the first lines of a file tell of it."""

    logs: bool
    layout: str
    language: str


def sampled(rows: Sequence[Row], *, logs: bool, language: Callable[[str], str]) -> Sample:
    """Return what the first lines tell."""
    text = "\n".join(text for _, text in rows)[:_SAMPLE_CHARS]
    return Sample(logs, layout_of(rows) if logs else "", language(text) if text.strip() else "en")


def facts_of(file: FileText, sample: Sample, lines: int, tokens: int, span: Span | None) -> FileFacts:
    """Return what a file is."""
    return FileFacts(
        kind=kind_of(file.format, logs=sample.logs),
        format=file.format,
        layout=sample.layout,
        encoding=file.encoding,
        language=sample.language,
        lines=lines,
        tokens=tokens,
        shape=file.shape,
        span=span,
    )


def told(name: str, facts: FileFacts, findings: FileFindings, language: str, *, partial: bool) -> str:
    """Return in a few words what a file is and what was found in it."""
    words = _WORDS.get(language, _WORDS["en"])
    head = words.lines.format(name=name, kind=words.kinds[facts.kind], lines=facts.lines)
    if facts.span is not None:
        head += ", " + words.times.format(first=_written(facts.span.first), last=_written(facts.span.last))
    counts = dict(findings.levels)
    errors = counts.get(Severity.ERROR, 0) + counts.get(Severity.FATAL, 0)
    totals = (errors, counts.get(Severity.WARNING, 0), sum(trace.count for trace in findings.traces))
    found = zip(words.found, totals, strict=True)
    said = ", ".join(text.format(n=count) for text, count in found if count) or words.nothing
    worst = [group for group in findings.groups if group.severity >= Severity.WARNING][:3]
    lines = [f"- {group.count} x {group.template[:200]} (L{group.lines[0]})" for group in worst]
    return "\n".join([f"{head}: {said}.", *lines, *([words.partial] if partial else [])])


def about_line(line: int, language: str) -> str:
    """Return what stands above the knowledge base's words about a line of a file."""
    return _WORDS.get(language, _WORDS["en"]).about.format(line=line)


def _written(moment: object) -> str:
    return str(moment).split(".", 1)[0]
