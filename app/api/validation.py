"""What is wrong with a request, field by field, in our own words: pydantic's may repeat the value."""

import re
from collections.abc import Mapping, Sequence
from typing import Any

from pydantic import BaseModel, Field

_MOST_ERRORS = 20
_PLACES = frozenset({"body", "query", "path", "header", "cookie"})
_HARMLESS = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_LIMITS = ("max_length", "min_length", "le", "ge", "lt", "gt", "expected")

_MESSAGES: Mapping[str, str] = {
    "missing": "is required",
    "extra_forbidden": "is not a known field",
    "json_invalid": "is not valid JSON",
    "string_type": "must be a string",
    "string_unicode": "must be valid Unicode text",
    "string_too_short": "must not be blank",
    "string_too_long": "must have at most {limit} characters",
    "too_short": "must have at least {limit} entries",
    "too_long": "must have at most {limit} entries",
    "int_type": "must be a whole number",
    "int_parsing": "must be a whole number",
    "bool_parsing": "must be true or false",
    "int_from_float": "must be a whole number",
    "int_parsing_size": "is too large a number",
    "bool_type": "must be true or false",
    "list_type": "must be a list",
    "model_type": "must be an object",
    "model_attributes_type": "must be an object",
    "dict_type": "must be an object",
    "uuid_parsing": "must be a UUID",
    "uuid_type": "must be a UUID",
    "literal_error": "must be one of {limit}",
    "greater_than_equal": "must be at least {limit}",
    "less_than_equal": "must be at most {limit}",
    "blank_text": "must not be blank",
    "float_type": "must be a number",
    "finite_number": "must be a finite number",
    "text_parts": "must be text, or a list of at most {limit} text parts",
    "too_much_text": "must hold at most {limit} bytes of text in all",
    "too_deep": "must not be nested deeper than {limit}",
    "too_many_fields": "must not hold objects of more than {limit} fields",
    "unsupported": "is not supported by this service",
    "nul_character": "must not contain NUL characters",
}


class FieldError(BaseModel):
    """One field that is wrong; the value that was sent is never repeated."""

    field: str = Field(description="The field's path, such as `context.os`.", examples=["top_k"])
    message: str = Field(description="What is wrong with it.", examples=["must be at most 20"])
    limit: int | float | str | None = Field(description="The limit that was passed, if there is one.", examples=[20])


def field_errors(errors: Sequence[Mapping[str, Any]]) -> list[FieldError]:
    """Translate pydantic's errors, at most 20 of them."""
    return [_field_error(error) for error in errors[:_MOST_ERRORS]]


def _field_error(error: Mapping[str, Any]) -> FieldError:
    limit = _limit(error.get("ctx") or {})
    message = _MESSAGES.get(error["type"], "is not valid").format(limit=limit)
    return FieldError(field=_field(error["type"], error["loc"]), message=message, limit=limit)


def _limit(context: Mapping[str, Any]) -> int | float | str | None:
    value = next((context[name] for name in _LIMITS if name in context), None)
    return value if isinstance(value, (int, float)) or value is None else str(value).replace("'", "")


def _field(kind: str, place: Sequence[str | int]) -> str:
    """Return the path of a field; a name the caller made up is shown only where it looks like a name."""
    if kind == "json_invalid":
        return "body"
    inner = place[1:] if place and place[0] in _PLACES else place
    parts = [str(part) if _HARMLESS.fullmatch(str(part)) else "(unnamed)" for part in inner]
    return ".".join(parts) or "body"
