"""What bounds the bodies of OpenAI's clients: they send new fields all the time, so unknown ones are let be."""

from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel, ConfigDict, GetCoreSchemaHandler, GetJsonSchemaHandler
from pydantic.json_schema import JsonSchemaValue
from pydantic_core import CoreSchema, PydanticCustomError, core_schema

MOST_FIELDS = 1000
MOST_PARTS = 100
_DEEPEST = 32


class Lenient(BaseModel):
    """An object of strict types whose unknown fields are ignored; `check_shape` bounds them."""

    model_config = ConfigDict(
        strict=True, extra="ignore", frozen=True, json_schema_extra={"maxProperties": MOST_FIELDS}
    )


@dataclass(frozen=True)
class Only:
    """A field of which only the values that ask for nothing are taken: the service does not do what others ask for."""

    allowed: tuple[Any, ...]

    def __get_pydantic_core_schema__(self, _source: Any, _handler: GetCoreSchemaHandler) -> CoreSchema:
        """Return what checks the field."""
        return core_schema.no_info_plain_validator_function(self._check)

    def __get_pydantic_json_schema__(self, _schema: CoreSchema, _handler: GetJsonSchemaHandler) -> JsonSchemaValue:
        """Return what the field is documented as."""
        return {"enum": list(self.allowed)}

    def _check(self, value: Any) -> Any:
        if value not in self.allowed:
            raise PydanticCustomError("unsupported", "is not supported")
        return value


def check_shape(body: Any) -> Any:
    """Return a body as it is; refuse one nested too deeply, or with objects of too many fields, known or not."""
    level = [body]
    for _ in range(_DEEPEST + 1):
        level = [inner for value in level for inner in _inside(value)]
        if not level:
            return body
    raise PydanticCustomError("too_deep", "is nested too deeply", {"le": _DEEPEST})


def text_of(content: Any) -> Any:
    """Return the text of a message's content: text parts become lines, anything else is for others to check."""
    if not isinstance(content, list):
        return content
    texts = [part.get("text") for part in content if isinstance(part, dict) and part.get("type") == "text"]
    if len(texts) != len(content) or len(texts) > MOST_PARTS or not all(isinstance(text, str) for text in texts):
        raise PydanticCustomError("text_parts", "must be text parts", {"le": MOST_PARTS})
    return "\n".join(str(text) for text in texts)


def unicode_only(text: str) -> str:
    """Refuse a text with half a surrogate pair, which cannot be written."""
    if any("\ud800" <= char <= "\udfff" for char in text):
        raise PydanticCustomError("string_unicode", "must be valid Unicode text")
    return text


def listed(stop: Any) -> Any:
    """Return one text as a list of one."""
    return [stop] if isinstance(stop, str) else stop


def _inside(value: Any) -> list[Any]:
    if isinstance(value, dict):
        if len(value) > MOST_FIELDS:
            raise PydanticCustomError("too_many_fields", "has too many fields", {"le": MOST_FIELDS})
        return list(value.values())
    return value if isinstance(value, list) else []
