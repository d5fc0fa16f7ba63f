"""Takes what an older installation knew: compares its files with one another, then makes documents of their rows.

Vectors are compared and left behind: nothing in them says which model made them, so the texts are embedded anew.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet
from typing import Any

from app.domain.knowledge import Document, DocumentKind
from app.domain.legacy import Imported, LegacyData, LegacyTable, RefusedRow, VectorCheck
from app.errors import DocumentRefused
from app.services.knowledge.legacy_rows import Detect, Unusable, document_of

SHOWN = 20
"""How many refused rows a report names."""


def import_rows(data: LegacyData, detect: Detect, known: AbstractSet[str]) -> Imported:
    """Make documents of all rows; `known` are the ids of documents that were imported before.

    `detect` names the language of a text. Raises DocumentRefused where the files contradict one another: they are
    then not of one build, and whoever runs the import has to say which of them holds.
    """
    _check(data)
    documents: dict[str, Document] = {}
    refused: list[RefusedRow] = []
    duplicates = already_there = 0
    for table in data.tables:
        for number, made in _made(table, detect):
            if isinstance(made, str):
                refused.append(RefusedRow(table.file.path, number, made))
            elif made.id in documents:
                duplicates += 1
            elif made.id in known:
                already_there += 1
            else:
                documents[made.id] = made
    rows = sum(len(table.rows) for table in data.tables)
    found = tuple(documents.values())
    return Imported(rows, found, duplicates, already_there, tuple(refused), tuple(_left_behind(data)))


def _made(table: LegacyTable, detect: Detect) -> Iterator[tuple[int, Document | str]]:
    """Yield the number of each row with its document, or with the reason there is none."""
    for number, row in enumerate(table.rows, 1):
        try:
            yield number, document_of(row, table.kind, detect)
        except Unusable as error:
            yield number, str(error)


def _check(data: LegacyData) -> None:
    rows = {table.kind: len(table.rows) for table in data.tables}
    for vectors, kind in ((data.index, DocumentKind.PAGE), (data.ticket_embeddings, DocumentKind.TICKET)):
        if vectors is None:
            continue
        if kind in rows and vectors.count != rows[kind]:
            _contradict(vectors, f"holds {vectors.count} vectors for {rows[kind]} rows")
        if vectors.finite is False:
            _contradict(vectors, "holds values that are no numbers")
    if data.index is not None and data.config is not None:
        for what in ("dimension", "count"):
            said, found = getattr(data.config, what), getattr(data.index, what)
            if said is not None and said != found:
                _contradict(data.index, f"has {what} {found}, and {data.config.file.path} says {said}")


def _contradict(vectors: VectorCheck, what: str) -> None:
    raise DocumentRefused(
        "contradiction", f"{vectors.file.path} {what}; name the files that hold without this one to take their texts"
    )


def _left_behind(data: LegacyData) -> Iterator[str]:
    for vectors in (data.index, data.ticket_embeddings):
        if vectors is not None:
            yield f"{vectors.file.path}: vectors name no model, so all texts are embedded anew"
    if data.config is not None:
        yield f"{data.config.file.path}: settings come from the environment; it was compared with the index"


def report(data: LegacyData, imported: Imported, written: str | None) -> dict[str, Any]:
    """Return what was read, taken and left, JSON-like; at most `SHOWN` of the refused rows are named."""
    files = [*data.tables, *(part for part in (data.index, data.ticket_embeddings, data.config) if part is not None)]
    return {
        "files": [
            {"role": part.file.role, "path": part.file.path, "bytes": part.file.size, "sha256": part.file.digest}
            for part in files
        ],
        "tables": [
            {"path": table.file.path, "shape": table.shape, "rows": len(table.rows), "kind": table.kind.value}
            for table in data.tables
        ],
        "vectors": [_vectors(found) for found in (data.index, data.ticket_embeddings) if found is not None],
        "rows": imported.rows,
        "taken": len(imported.documents),
        "duplicates": imported.duplicates,
        "already_imported": imported.already_there,
        "refused": len(imported.refused),
        "refused_rows": [{"path": row.path, "row": row.row, "reason": row.reason} for row in imported.refused[:SHOWN]],
        "not_taken": list(imported.not_taken),
        "written": written,
    }


def _vectors(found: VectorCheck) -> dict[str, Any]:
    return {
        "path": found.file.path,
        "format": found.format,
        "count": found.count,
        "dimension": found.dimension,
        "finite": found.finite,
    }
