"""Examples of documents and jobs that the OpenAPI document shows; a test keeps them valid."""

from typing import Any

_ID = "0d5ed7a3-6b1c-4a52-8f0e-3a4f6c0b7d11"
_WHEN = "2026-11-21T09:30:00.120000Z"

DOCUMENT: dict[str, Any] = {
    "id": "kb-1042",
    "title": "Printer prints blank pages",
    "text": "Remove the toner cartridge, pull off the sealing strip, and put it back.",
    "language": "en",
    "metadata": {"category": "printing", "platform": ["any"]},
}
REPLACEMENT: dict[str, Any] = {name: value for name, value in DOCUMENT.items() if name != "id"}
REPORT: dict[str, Any] = {
    "id": _ID,
    "name": "Printer prints blank pages",
    "origin": "api/kb-1042",
    "state": "ready",
    "reason": "",
    "revision": 1,
    "documents": 1,
    "titles": ["Printer prints blank pages"],
    "media_type": "application/vnd.it-support.document+json",
    "size": 183,
    "sha256": "9f86d081884c7d659a2feaa0c55ad015a3bf4f1b2b0b822cd15d6c15b0f00a08",
    "created_at": _WHEN,
    "updated_at": _WHEN,
}
JOB: dict[str, Any] = {
    "id": "5f5b0a8e-53a4-4f0c-8a44-6b0b4f8f7c2d",
    "kind": "add",
    "state": "running",
    "phase": "embedding",
    "reason": "",
    "total": 600,
    "done": 200,
    "failed": 1,
    "cancelled": 0,
    "percent": 41.5,
    "rate": 12.5,
    "eta_seconds": 28.1,
    "errors": [{"document_id": _ID, "name": "broken.pdf", "reason": "unreadable: is damaged"}],
    "created_at": _WHEN,
    "started_at": _WHEN,
    "finished_at": None,
}
EVENTS = (
    'event: progress\ndata: {"id": "5f5b...", "state": "running", "percent": 41.5, "eta_seconds": 28.1}\n\n'
    "event: ping\ndata: {}\n\n"
    'event: finished\ndata: {"id": "5f5b...", "state": "done", "percent": 100.0}\n\n'
)
