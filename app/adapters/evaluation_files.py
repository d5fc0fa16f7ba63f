"""Evaluation data on disk: our labelled questions, and benchmarks as corpus, queries and qrels."""

import csv
import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, StringConstraints, ValidationError, model_validator

from app.domain.evaluation import Benchmark, Labelled
from app.domain.knowledge import Document, DocumentKind, Origin, Section, SectionKind
from app.errors import KnowledgeInvalid

_Text = Annotated[str, StringConstraints(min_length=1, max_length=4000)]


class _Earlier(BaseModel):
    model_config = ConfigDict(extra="forbid")
    role: Literal["user", "assistant"]
    content: _Text


class _Row(BaseModel):
    """A line of `questions.jsonl`."""

    model_config = ConfigDict(extra="forbid")

    id: _Text
    question: _Text
    language: Literal["en", "de", "fr", "es"]
    kind: Literal[
        "plain", "terse", "typo", "error_code", "rambling", "followup", "ambiguous", "off_topic", "unanswerable"
    ]
    history: tuple[_Earlier, ...] = ()
    documents: tuple[_Text, ...]
    key_facts: tuple[tuple[_Text, ...], ...] = ()
    answerable: bool

    @model_validator(mode="after")
    def _agree(self) -> "_Row":
        if self.answerable != bool(self.documents):
            raise ValueError("answerable questions name documents, others none")
        return self


def read_questions(path: Path) -> list[Labelled]:
    """Read labelled questions; raises KnowledgeInvalid with the line at fault."""
    found: dict[str, Labelled] = {}
    for line, row in _json_lines(path):
        try:
            item = _Row.model_validate(row)
        except ValidationError as error:
            first = error.errors(include_url=False, include_input=False)[0]
            raise KnowledgeInvalid(path, line, f"{'.'.join(map(str, first['loc']))}: {first['msg']}") from error
        if item.id in found:
            raise KnowledgeInvalid(path, line, f"id '{item.id}' is used twice")
        history = tuple((turn.role, turn.content) for turn in item.history)
        values = item.model_dump(exclude={"history"})
        found[item.id] = Labelled(**values, history=history)
    return list(found.values())


def read_corpus(path: Path, fields: Sequence[str]) -> list[Document]:
    """Read a corpus of {id, title, text}; only the fields named are kept."""
    return [_page(path, line, row, fields) for line, row in _json_lines(path)]


def read_benchmark(queries: Path, qrels: Path) -> Benchmark:
    """Read queries and relevance; queries without a relevant document are left out of the relevance.

    Raises KnowledgeInvalid with the line at fault.
    """
    texts = dict(_query(queries, line, row) for line, row in _json_lines(queries))
    relevant: dict[str, set[str]] = {}
    for query, document, score in _judgements(qrels):
        if score > 0 and query in texts:
            relevant.setdefault(query, set()).add(document)
    return Benchmark(texts, {query: frozenset(found) for query, found in relevant.items()})


def _query(path: Path, line: int, row: dict[str, Any]) -> tuple[str, str]:
    if "id" not in row or "text" not in row:
        raise KnowledgeInvalid(path, line, "expected id and text")
    return str(row["id"]), str(row["text"])


def _judgements(path: Path) -> Iterator[tuple[str, str, int]]:
    """Yield query, document and score of each line below the heading."""
    with _named(path), path.open(encoding="utf-8", newline="") as file:
        for line, row in enumerate(csv.DictReader(file, delimiter="\t"), 2):
            try:
                yield row["query-id"], row["corpus-id"], int(row["score"])
            except (KeyError, TypeError, ValueError) as error:
                raise KnowledgeInvalid(path, line, "expected query-id, corpus-id, score") from error


def _page(path: Path, line: int, row: dict[str, Any], fields: Sequence[str]) -> Document:
    if "id" not in row or "text" not in row:
        raise KnowledgeInvalid(path, line, "expected id and text")
    title = str(row.get("title") or "") if "title" in fields else ""
    text = str(row["text"]) if "text" in fields else ""
    sections = (Section("", SectionKind.BODY, text or title),)
    return Document(str(row["id"]), DocumentKind.PAGE, title, sections, origin=Origin(str(path), line))


def _json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    with _named(path), path.open(encoding="utf-8") as file:
        for line, text in enumerate(file, 1):
            if text.strip():
                yield line, _json_object(path, line, text)


def _json_object(path: Path, line: int, text: str) -> dict[str, Any]:
    try:
        row = json.loads(text)
    except (ValueError, RecursionError) as error:  # a number of thousands of digits is a ValueError
        raise KnowledgeInvalid(path, line, f"is not JSON: {getattr(error, 'msg', error)}") from error
    if not isinstance(row, dict):
        raise KnowledgeInvalid(path, line, "is not a JSON object")
    return row


@contextmanager
def _named(path: Path) -> Iterator[None]:
    """Name the file in what goes wrong as it is read."""
    try:
        yield
    except FileNotFoundError as error:
        raise KnowledgeInvalid(path, 1, "does not exist") from error
    except UnicodeDecodeError as error:
        raise KnowledgeInvalid(path, 1, "is not UTF-8") from error
