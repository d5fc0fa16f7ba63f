"""Rows of the catalogue as the domain's objects, and back."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from app.domain.documents import FileRecord, FileState, Job, JobError, JobItem, JobKind, JobState, Phase
from app.domain.extraction import ColumnMapping, Extracted
from app.domain.knowledge import Document, DocumentKind, Metadata, Origin, Risk, Section, SectionKind, Step

FILE = """
SELECT f.id, f.seq, v.name, f.origin, v.digest, v.size, v.media_type, v.mapping, f.state, f.reason, v.documents,
v.titles, v.metadata, f.revision, f.created_at, f.updated_at
FROM files f JOIN versions v ON v.file_id = f.id AND v.revision = coalesce(f.wanted, f.live)
"""
JOB = """
SELECT j.id, j.seq, j.kind, j.state, j.phase, j.reason, count(i.number), coalesce(sum(i.state = 'done'), 0),
coalesce(sum(i.state = 'failed'), 0), coalesce(sum(i.state = 'cancelled'), 0),
coalesce(sum(i.state = 'extracted'), 0), j.passages_done, j.passages_total, j.created_at, j.started_at, j.finished_at,
j.updated_at FROM jobs j LEFT JOIN items i ON i.job_id = j.id
"""
ITEM = """
SELECT i.job_id, i.file_id, i.revision, i.name, v.stored, v.media_type, v.mapping
FROM items i JOIN versions v USING (file_id, revision)
"""


def stamp(moment: datetime | None = None) -> str:
    """Return a time (now by default) as text of one width, so that texts sort as times do."""
    return (moment or datetime.now(UTC)).astimezone(UTC).isoformat(timespec="milliseconds")


def file_of(row: Sequence[Any]) -> FileRecord:
    """Read a row of FILE."""
    return FileRecord(
        id=row[0],
        position=row[1],
        name=row[2],
        origin=row[3],
        digest=row[4],
        size=row[5],
        media_type=row[6],
        mapping=mapping_of(row[7]),
        state=FileState(row[8]),
        reason=row[9],
        documents=row[10],
        titles=tuple(json.loads(row[11])),
        metadata=metadata_of(json.loads(row[12])),
        revision=row[13],
        created_at=datetime.fromisoformat(row[14]),
        updated_at=datetime.fromisoformat(row[15]),
    )


def job_of(row: Sequence[Any], errors: Sequence[Sequence[str]] = ()) -> Job:
    """Read a row of JOB."""
    return Job(
        id=row[0],
        position=row[1],
        kind=JobKind(row[2]),
        state=JobState(row[3]),
        phase=Phase(row[4]),
        reason=row[5],
        total=row[6],
        done=row[7],
        failed=row[8],
        cancelled=row[9],
        extracted=row[10],
        passages_done=row[11],
        passages_total=row[12],
        created_at=datetime.fromisoformat(row[13]),
        started_at=datetime.fromisoformat(row[14]) if row[14] else None,
        finished_at=datetime.fromisoformat(row[15]) if row[15] else None,
        updated_at=datetime.fromisoformat(row[16]),
        errors=tuple(JobError(*error) for error in errors),
    )


def item_of(row: Sequence[Any]) -> JobItem:
    """Read a row of ITEM."""
    job_id, file_id, revision, name, key, media_type, mapping = row
    return JobItem(job_id, file_id, revision, name, key, media_type, mapping_of(mapping))


def mapping_text(mapping: ColumnMapping) -> str:
    """Return a mapping as text; equal mappings give equal texts."""
    return json.dumps(asdict(mapping), sort_keys=True)


def mapping_of(text: str) -> ColumnMapping:
    """Read a mapping."""
    found = json.loads(text)
    return ColumnMapping(found["title"], tuple(found["text"]), found["metadata"])


def metadata_of(found: Mapping[str, Any]) -> Metadata:
    """Return metadata with its lists as the tuples they were."""
    return {name: tuple(value) if isinstance(value, list) else value for name, value in found.items()}


def extracts_text(found: Sequence[Extracted]) -> str:
    """Return what was read out of a file as text."""
    return json.dumps([asdict(one) for one in found], sort_keys=True, default=str)


def documents_of(file_id: str, origin: str, text: str) -> list[Document]:
    """Return a file's documents; their ids begin with the file's, so that no other source can have them."""
    rows = json.loads(text)
    return [_document(file_id if len(rows) == 1 else f"{file_id}:{row['key']}", origin, row) for row in rows]


def _document(document_id: str, origin: str, row: Mapping[str, Any]) -> Document:
    return Document(
        id=document_id,
        kind=DocumentKind.PAGE,
        title=row["title"],
        sections=tuple(_section(section) for section in row["sections"]),
        language=row["language"] or "en",
        aliases={language: tuple(names) for language, names in row["aliases"].items()},
        metadata=metadata_of(row["metadata"]),
        origin=Origin(origin),
    )


def _section(row: Mapping[str, Any]) -> Section:
    steps = tuple(Step(step["number"], step["text"], Risk(step["risk"])) for step in row["steps"])
    return Section(row["heading"], SectionKind(row["kind"]), row["text"], steps)
