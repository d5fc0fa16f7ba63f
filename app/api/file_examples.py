"""Examples of files that the OpenAPI document shows; a test keeps them valid."""

from typing import Any

from app.api import examples

FILE_ID = "0b5c2f5e-7d1c-4b58-9d1a-3a54c7a1f0e2"
CONVERSATION = "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11"
_TIMES = {"first": "2026-11-21T09:00:00", "last": "2026-11-21T10:12:09", "zone": "local"}

GROUP: dict[str, Any] = {
    "template": "Could not deliver message <n> to <ip>",
    "severity": "error",
    "count": 12,
    "lines": [41, 97],
    "last_line": 4711,
    "times": _TIMES,
    "codes": [{"code": "0x80040115", "family": "hresult"}],
    "excerpt": "2026-11-21 09:00:41 ERROR Could not deliver message 17 to 10.0.0.4: 0x80040115",
}
TRACE: dict[str, Any] = {
    "language": "python",
    "exception": "ConnectionRefusedError",
    "message": "[Errno 111] Connection refused",
    "frames": ['File "mail.py", line 42, in send'],
    "line": 120,
    "last_line": 126,
    "count": 3,
}
CHUNK: dict[str, Any] = {
    "number": 1,
    "first_line": 1,
    "last_line": 24,
    "tokens": 981,
    "errors": 2,
    "warnings": 1,
    "traces": 0,
    "codes": ["0x80040115"],
    "times": _TIMES,
    "summary": "",
    "attempts": 1,
    "failure": "",
}
KNOWN: dict[str, Any] = {
    "about": "0x80040115 Could not deliver message to",
    "line": 41,
    "outcome": "answered",
    "response": "1. Open UDP ports 500 and 4500. [1]",
    "citations": [examples.CITATION],
    "search_results": [examples.SEARCH_RESULT],
}
ANALYSIS: dict[str, Any] = {
    "file_id": FILE_ID,
    "name": "mail.log",
    "size": 10_485_760,
    "conversation_id": CONVERSATION,
    "message_id": "8f14e45f-ceea-4c7a-9f0e-2b8a6d3c9e12",
    "outcome": "answered",
    "kind": "log",
    "format": "log",
    "layout": "levelled",
    "encoding": "utf-8",
    "language": "en",
    "lines": 4711,
    "tokens": 180_000,
    "pages": 0,
    "records": 0,
    "fields": [],
    "times": _TIMES,
    "levels": {"error": 12, "info": 4699},
    "groups": [GROUP],
    "codes": [{"code": "0x80040115", "family": "hresult", "count": 12, "line": 41}],
    "traces": [TRACE],
    "ungrouped": 0,
    "response": "mail.log is a log of 4711 lines: 12 errors.",
    "summary": "",
    "knowledge": [KNOWN],
    "answer": None,
    "chunks": [CHUNK],
    "chunks_total": 184,
    "passages": 9,
    "persisted": True,
    "troubles": [],
    "processing_time": 4.2,
}
STORED: dict[str, Any] = {"file_id": FILE_ID, "name": "mail.log", "passages": 9, "created_at": "2026-11-21T10:15:00Z"}
EVENTS = (
    'event: progress\ndata: {"percent": 40, "phase": "analysing", "chunk": 92, "chunks": 184}\n\n'
    "event: ping\ndata: {}\n\n"
    'event: analysis\ndata: {"file_id": "0b5c...", "name": "mail.log", "outcome": "answered"}\n\n'
)
