"""What the OpenAPI document says of conversations as files, and of addresses that come with an answer."""

from datetime import datetime
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from app.api import conversation_examples as examples
from app.api.conversation_schemas import ExampleReport, MessageReport
from app.api.openapi import Responses
from app.services.conversation.export_files import FORMAT, VERSION
from app.services.conversation.exporting import ExportFormat

MEDIA_TYPES = {
    ExportFormat.JSON: "application/json",
    ExportFormat.MARKDOWN: "text/markdown; charset=utf-8",
    ExportFormat.CSV: "text/csv; charset=utf-8; header=present",
}


class ExportedOverview(BaseModel):
    """Which conversation was exported."""

    model_config = ConfigDict(frozen=True)

    id: str = Field(description="Its id.")
    title: str = Field(description="Its title.")
    created_at: datetime = Field(description="When it began, UTC.")
    updated_at: datetime = Field(description="When something was last said, UTC.")


class ExportedConversation(BaseModel):
    """A conversation as a file: enough to have it again as it was, messages in their order."""

    model_config = ConfigDict(frozen=True, json_schema_extra={"examples": [examples.EXPORT]})

    format: Literal["it-support-conversation"] = Field(FORMAT, description="What this is.")
    version: Literal[1] = Field(VERSION, description="Changes when a reader of this one would no longer understand it.")
    exported_at: datetime = Field(description="When it was exported, UTC.")
    conversation: ExportedOverview
    messages: list[MessageReport] = Field(description="All of them, oldest first.")
    examples: list[ExampleReport] = Field(description="The examples that steer its answers, oldest first.")


_TEXT = {"type": "string"}

EXPORT: Responses = {
    200: {
        "model": ExportedConversation,
        "description": "The file, as an attachment.",
        "headers": {
            "Content-Disposition": {
                "description": "`attachment`, with a name of a-z, 0-9 and hyphens.",
                "schema": {"type": "string"},
            }
        },
        "content": {
            "text/markdown": {"schema": _TEXT, "example": examples.EXPORT_MARKDOWN},
            "text/csv": {"schema": _TEXT, "example": examples.EXPORT_CSV},
        },
    }
}
CREATED: Responses = {
    201: {
        "description": "It has begun.",
        "headers": {"Location": {"description": "Its path.", "schema": {"type": "string"}}},
    }
}
