"""Server-sent events as they come over the wire, whatever the pieces they come in."""

_BOM = b"\xef\xbb\xbf"


class EventParser:
    """Turns bytes into the `data` of events; all other fields and comments are passed over.

    Works on bytes: lines end with CR, LF or both and nothing else, so that a line separator inside JSON stays there,
    and a character that is cut in two is whole again before anyone decodes it.
    """

    def __init__(self) -> None:
        self._line = bytearray()
        self._data: list[bytes] = []
        self._after_cr = False
        self._first = True

    def feed(self, piece: bytes) -> list[bytes]:
        """Return the data of the events that are complete now."""
        if self._after_cr and piece.startswith(b"\n"):
            piece, self._after_cr = piece[1:], False
        if not piece:
            return []
        self._after_cr = piece.endswith(b"\r")
        head, *rest = piece.replace(b"\r\n", b"\n").replace(b"\r", b"\n").split(b"\n")
        self._line += head
        events: list[bytes] = []
        for part in rest:
            self._end_line(events)
            self._line += part
        return events

    def close(self) -> list[bytes]:
        """Return the data of an event whose end is missing, now that nothing more comes."""
        events: list[bytes] = []
        self._end_line(events)
        self._end_line(events)
        return events

    def _end_line(self, events: list[bytes]) -> None:
        line = bytes(self._line)
        self._line.clear()
        if self._first:
            line, self._first = line.removeprefix(_BOM), False
        if line:
            field, _, value = line.partition(b":")
            if field == b"data":
                self._data.append(value.removeprefix(b" "))
        elif self._data:
            events.append(b"\n".join(self._data))
            self._data.clear()
