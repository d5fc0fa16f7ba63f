"""Column mappings as people write them: `title=Subject,text=Body+Notes,metadata.category=Area`."""

from app.domain.extraction import ColumnMapping
from app.errors import InvalidInput

LONGEST = 2000
_FIELD = "mapping"


def parse_mapping(text: str) -> ColumnMapping:
    """Read a mapping; an empty text is an empty mapping. Raises InvalidInput."""
    if len(text) > LONGEST:
        raise InvalidInput(_FIELD, f"must have at most {LONGEST} characters")
    if "\0" in text:
        raise InvalidInput(_FIELD, "must not contain NUL characters")
    pairs = [part.partition("=") for part in text.split(",") if part.strip()]
    found = {name.strip(): column.strip() for name, _, column in pairs}
    if len(found) < len(pairs) or not all(found) or not all(found.values()):
        raise InvalidInput(_FIELD, "must be name=column, separated by commas, each name once")
    metadata = {name.removeprefix("metadata."): found.pop(name) for name in list(found) if name.startswith("metadata.")}
    title, columns = found.pop("title", ""), found.pop("text", "")
    if found:
        raise InvalidInput(_FIELD, "knows title, text and metadata.<name>")
    parts = tuple(part.strip() for part in columns.split("+") if part.strip())
    return ColumnMapping(title, parts, metadata)
