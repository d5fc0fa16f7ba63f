"""The formats conversations are exported in: JSON to be read by programs, Markdown by people, CSV by spreadsheets."""

import csv
import io
import json
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any, Final, Protocol

from app.domain.conversations import Attachment, Overview, Role, Turn
from app.services.conversation.inert import cell, light_markdown, one_line, plain_markdown

FORMAT: Final = "it-support-conversation"
VERSION: Final = 1

_COLUMNS = ("content", "role", "created_at", "outcome", "documents", "id")
_BYTE_ORDER_MARK = "\ufeff"
_SPEAKERS = {Role.USER: "Question", Role.ASSISTANT: "Answer"}


class ExportFile(Protocol):
    """A format: the text of a file is its head, its messages in pieces, its tail."""

    def head(self, overview: Overview, moment: datetime) -> str:
        """Return what comes before the messages."""
        ...

    def messages(self, turns: Sequence[Turn], start: int) -> str:
        """Return some messages; `start` of them came before."""
        ...

    def tail(self, examples: Sequence[Attachment]) -> str:
        """Return what comes behind the messages."""
        ...


class JsonFile:
    """Everything there is, in the form that `ExportedConversation` of the API describes."""

    def head(self, overview: Overview, moment: datetime) -> str:
        """Open the object and say which conversation it is."""
        what = {
            "id": overview.id,
            "title": overview.title,
            "created_at": _iso(overview.created_at),
            "updated_at": _iso(overview.updated_at),
        }
        first = {"format": FORMAT, "version": VERSION, "exported_at": _iso(moment), "conversation": what}
        return _json(first)[:-1] + ', "messages": ['

    def messages(self, turns: Sequence[Turn], start: int) -> str:
        """Add messages to the list, one a line."""
        return ("," if start else "") + ",".join(f"\n{_json(_message(turn))}" for turn in turns)

    def tail(self, examples: Sequence[Attachment]) -> str:
        """Add the examples and close the object."""
        rows = ",".join(f"\n{_json(_example(item))}" for item in examples)
        return f'\n], "examples": [{rows}\n]}}\n'


class CsvFile:
    """The messages as a table (RFC 4180), every cell quoted, none of them a formula.

    What people wrote comes first in every row: read with another separator than the comma, a quoted cell at the start
    of a row stays one cell, and nothing in it begins a cell of its own. A byte order mark tells spreadsheets UTF-8.
    """

    def head(self, overview: Overview, moment: datetime) -> str:  # noqa: ARG002 - a table has no room for it
        """Name the columns."""
        return _BYTE_ORDER_MARK + _rows([_COLUMNS])

    def messages(self, turns: Sequence[Turn], start: int) -> str:  # noqa: ARG002 - a row needs nothing before it
        """Return one row a message."""
        return _rows([_row(turn) for turn in turns])

    def tail(self, examples: Sequence[Attachment]) -> str:  # noqa: ARG002 - messages alone
        """Return nothing."""
        return ""


class MarkdownFile:
    """The messages to be read. Nothing in them is a link, an image, HTML or a heading; answers keep their lists."""

    def head(self, overview: Overview, moment: datetime) -> str:
        """Return the title and when it was."""
        title = plain_markdown(one_line(overview.title)) or "Conversation"
        return f"# {title}\n\nConversation `{overview.id}`, {_when(overview.created_at)}. Exported {_when(moment)}.\n"

    def messages(self, turns: Sequence[Turn], start: int) -> str:  # noqa: ARG002 - a section needs nothing before it
        """Return one section a message."""
        return "".join(_section(turn) for turn in turns)

    def tail(self, examples: Sequence[Attachment]) -> str:
        """Return the examples."""
        if not examples:
            return ""
        parts = (f"{plain_markdown(item.title)}\n\n{plain_markdown(_answer(item))}\n" for item in examples)
        return "\n## Examples\n\n" + "\n---\n\n".join(parts)


def _section(turn: Turn) -> str:
    text = plain_markdown(turn.content) if turn.role is Role.USER else light_markdown(turn.content)
    sources = "".join(
        f"- \\[{item.number}\\] {plain_markdown(one_line(item.title))} ({plain_markdown(one_line(item.document_id))})\n"
        for item in turn.citations
    )
    return f"\n## {_SPEAKERS[turn.role]}, {_when(turn.created_at)}\n\n{text}\n" + (
        sources and f"\nSources:\n\n{sources}"
    )


def _message(turn: Turn) -> dict[str, Any]:
    citations = [
        {
            "number": item.number,
            "document_id": item.document_id,
            "passage_id": item.passage_id,
            "title": item.title,
            "quote": item.quote,
        }
        for item in turn.citations
    ]
    return {
        "id": turn.id,
        "role": turn.role.value,
        "content": turn.content,
        "created_at": _iso(turn.created_at),
        "outcome": turn.outcome,
        "citations": citations,
    }


def _example(item: Attachment) -> dict[str, Any]:
    return {"id": item.id, "question": item.title, "answer": _answer(item), "created_at": _iso(item.created_at)}


def _answer(item: Attachment) -> str:
    return "\n".join(item.passages)


def _row(turn: Turn) -> Sequence[str]:
    documents = " ".join(dict.fromkeys(item.document_id for item in turn.citations))
    return (turn.content, turn.role.value, _iso(turn.created_at), turn.outcome or "", documents, turn.id)


def _rows(rows: Sequence[Sequence[str]]) -> str:
    text = io.StringIO()
    csv.writer(text, quoting=csv.QUOTE_ALL, lineterminator="\r\n").writerows(
        [cell(each) for each in row] for row in rows
    )
    return text.getvalue()


def _iso(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _when(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%d %H:%M} UTC"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
