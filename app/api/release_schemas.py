"""What is said of index releases."""

from datetime import datetime
from typing import Annotated

from pydantic import BaseModel, Field

from app.domain.releases import Manifest, ReleaseDifference

_NAME = "20261121T063015123456Z-0123456789ab"
Ids = Annotated[list[str], Field(max_length=1_000_000)]


class ReleaseReport(BaseModel):
    """An index release."""

    release: str = Field(description="Its name.", examples=[_NAME])
    created_at: datetime = Field(description="When it was built, UTC.")
    documents: int = Field(ge=0, description="How many documents it holds.", examples=[348])
    passages: int = Field(ge=0, description="How many passages they were cut into.", examples=[10436])
    embedded: int = Field(ge=0, description="How many of them were embedded for it; the rest were taken over.")
    model: str = Field(description="The embedding model.", examples=["all-MiniLM-L6-v2"])
    index_type: str = Field(description="The kind of vector index.", examples=["IndexFlatIP"])
    recall: float = Field(ge=0, le=1, description="Recall@10 against exact search, measured when it was built.")
    current: bool = Field(description="Whether it is the one in use.")

    @classmethod
    def of(cls, manifest: Manifest, current: str) -> "ReleaseReport":
        """Return what is said of a release; `current` names the one in use."""
        return cls(
            release=manifest.release,
            created_at=datetime.fromisoformat(manifest.created_at),
            documents=manifest.documents,
            passages=manifest.passages,
            embedded=manifest.embedded,
            model=manifest.model_id,
            index_type=manifest.index_type,
            recall=manifest.recall,
            current=manifest.release == current,
        )


class ReleaseList(BaseModel):
    """All whole releases."""

    releases: Annotated[list[ReleaseReport], Field(max_length=1000)] = Field(description="Newest first.")


class GoldenReport(BaseModel):
    """What golden questions find in both releases."""

    questions: int = Field(ge=0, description="How many were asked: those whose documents are in both.")
    before: float = Field(ge=0, le=1, description="The share that found its document among the first four, in the old.")
    after: float = Field(ge=0, le=1, description="The same in the new.")
    gained: Ids = Field(description="Ids of the questions that only the new one answers.")
    lost: Ids = Field(description="Ids of the questions that only the old one answers.")


class DifferenceReport(BaseModel):
    """What changed from one release to another."""

    old: str = Field(description="The release compared with.", examples=[_NAME])
    new: str = Field(description="The release compared.", examples=[_NAME])
    added: Ids = Field(description="Ids of documents that only the new one holds.")
    removed: Ids = Field(description="Ids of documents that only the old one holds.")
    changed: Ids = Field(description="Ids of documents that differ.")
    golden: GoldenReport = Field(description="How the same questions are answered by both.")

    @classmethod
    def of(cls, difference: ReleaseDifference) -> "DifferenceReport":
        """Return the same in the API's words."""
        golden = difference.golden
        return cls(
            old=difference.old,
            new=difference.new,
            added=list(difference.added),
            removed=list(difference.removed),
            changed=list(difference.changed),
            golden=GoldenReport(
                questions=golden.questions,
                before=golden.before,
                after=golden.after,
                gained=list(golden.gained),
                lost=list(golden.lost),
            ),
        )
