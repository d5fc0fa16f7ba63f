"""Rankings on disk, one query a line: what `eval retrieval --per-query` writes and `eval compare` reads."""

import json
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from app.domain.evaluation import MEASURES, RankedQuery
from app.errors import KnowledgeInvalid, StartRefused
from app.modelfiles.aside import written_aside

_Name = Annotated[str, Field(min_length=1)]
_Share = Annotated[float, Field(ge=0, le=1)]


class _Found(BaseModel):
    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)
    id: _Name
    score: float


class _Row(BaseModel):
    """A line."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    id: _Name
    group: str = ""
    text: str
    relevant: tuple[_Name, ...]
    ranked: tuple[_Found, ...]
    ndcg: _Share = Field(alias="ndcg@10")
    mrr: _Share = Field(alias="mrr@10")
    recall: _Share = Field(alias="recall@10")
    hit: _Share = Field(alias="hit@1")
    milliseconds: Annotated[float, Field(ge=0)]


def check_writable(path: Path) -> None:
    """Raise StartRefused where a file could not be written; nothing is."""
    folder = next(parent for parent in path.absolute().parents if parent.exists())
    if path.is_dir() or not folder.is_dir() or not os.access(folder, os.W_OK):
        raise StartRefused(f"{path} cannot be written", "name another file")


def write_per_query(path: Path, rows: Iterable[RankedQuery]) -> None:
    """Write the file whole, or leave what is there. Raises StartRefused where it cannot be written."""
    lines = (json.dumps(_line(row), ensure_ascii=False) for row in rows)
    try:
        with written_aside(path) as draft:
            draft.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    except OSError as error:
        raise StartRefused(f"{path} cannot be written: {error.strerror}", "name another file") from error


def read_per_query(path: Path) -> list[RankedQuery]:
    """Read the queries in the file's order; raises KnowledgeInvalid with the line at fault."""
    found: dict[str, RankedQuery] = {}
    for number, line in enumerate(_lines(path), 1):
        if not line.strip():
            continue
        row = _row(path, number, line)
        if row.id in found:
            raise KnowledgeInvalid(path, number, f"id '{row.id}' is used twice")
        found[row.id] = row
    if not found:
        raise KnowledgeInvalid(path, 1, "holds no query")
    return list(found.values())


def _line(row: RankedQuery) -> dict[str, Any]:
    ranked = [{"id": name, "score": round(score, 6)} for name, score in row.ranked]
    head = {"id": row.id, "group": row.group, "text": row.text, "relevant": row.relevant, "ranked": ranked}
    return {**head, **row.figures, "milliseconds": round(row.milliseconds, 3)}


def _lines(path: Path) -> list[str]:
    try:
        # Only "\n" ends a line: a query may hold one of the other characters that `splitlines` cuts at.
        return path.read_text(encoding="utf-8").split("\n")
    except UnicodeDecodeError as error:
        raise KnowledgeInvalid(path, 1, "is not UTF-8") from error
    except OSError as error:
        raise KnowledgeInvalid(path, 1, f"cannot be read: {error.strerror}") from error


def _row(path: Path, number: int, line: str) -> RankedQuery:
    try:
        row = _Row.model_validate_json(line)
    except ValidationError as error:
        first = error.errors(include_url=False, include_input=False)[0]
        where = ".".join(map(str, first["loc"]))
        raise KnowledgeInvalid(path, number, f"{where}: {first['msg']}" if where else first["msg"]) from error
    figures = dict(zip(MEASURES, (row.ndcg, row.mrr, row.recall, row.hit), strict=True))
    ranked = tuple((item.id, item.score) for item in row.ranked)
    return RankedQuery(row.id, row.text, row.relevant, ranked, figures, row.milliseconds, row.group)
