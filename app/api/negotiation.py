"""What a client would like to get, by its `Accept` header."""

from collections.abc import Iterator

EVENTS = "text/event-stream"
HTML = "text/html"


def wants_events(accept: str) -> bool:
    """Tell whether a client asks for an event stream by name."""
    return _weight(accept, EVENTS) > 0


def wants_page(accept: str) -> bool:
    """Tell whether a client asks for a page, as browsers do, and not rather for JSON."""
    page = _weight(accept, HTML)
    return page > 0 and page >= _weight(accept, "application/json")


def _weight(accept: str, wanted: str) -> float:
    """Return the weight (0..1) given to a media type by name: wildcards do not count."""
    return max((weight for name, weight in _ranges(accept) if name == wanted), default=0.0)


def _ranges(accept: str) -> Iterator[tuple[str, float]]:
    for part in accept.split(","):
        name, *parameters = (piece.strip().lower() for piece in part.split(";"))
        weights = [text.removeprefix("q=") for text in parameters if text.startswith("q=")]
        yield name, _number(weights[0]) if weights else 1.0


def _number(text: str) -> float:
    try:
        value = float(text)
    except ValueError:
        return 0.0
    return value if 0 <= value <= 1 else 0.0
