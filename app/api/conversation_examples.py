"""Examples of conversations that the OpenAPI document shows; a test keeps them valid."""

from typing import Any

_ID = "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11"
_WHEN = "2026-11-21T09:30:00.120000Z"
_CURSOR = "MTc5NTI1MzQwMDEyMDAwMC42ZjFkMmM1NC0zYzFiLTRhN2UtOWYwZS0yYjhhNmQzYzllMTE"
_DOCUMENT = "vpn-windows-error-809-nat-ports-blocked"

NEW: dict[str, Any] = {"title": "VPN at home"}
NEW_WITH_ID: dict[str, Any] = {"id": _ID, "title": "VPN at home"}
RENAMED: dict[str, Any] = {"title": "VPN error 809"}
OVERVIEW: dict[str, Any] = {
    "id": _ID,
    "title": "VPN at home",
    "created_at": _WHEN,
    "updated_at": _WHEN,
    "message_count": 2,
}
PAGE: dict[str, Any] = {"conversations": [OVERVIEW], "next_cursor": _CURSOR}
MESSAGE: dict[str, Any] = {
    "id": "0b5f1a8e-53a4-4f0c-8a44-6b0b4f8f7c2d",
    "role": "assistant",
    "content": "1. Ask the network team to open UDP ports 500 and 4500. [1]",
    "created_at": _WHEN,
    "outcome": "answered",
    "citations": [
        {
            "number": 1,
            "document_id": _DOCUMENT,
            "passage_id": f"{_DOCUMENT}#2",
            "title": "Windows L2TP or IKEv2 VPN error 809: remote server is not responding",
            "quote": "Ask the network team to open UDP ports 500 and 4500.",
        }
    ],
}
CONVERSATION: dict[str, Any] = {**OVERVIEW, "messages": [MESSAGE], "previous_cursor": "MQ"}
MATCH: dict[str, Any] = {
    **OVERVIEW,
    "score": 1.0,
    "snippet": "Ask the network team to open UDP ports 500 and 4500.",
    "marks": [{"start": 29, "end": 32}],
}
MATCHES: dict[str, Any] = {"query": "udp", "matches": [MATCH]}
NEW_EXAMPLE: dict[str, Any] = {
    "question": "How do I get a new laptop?",
    "answer": "Order it in the hardware shop; your manager approves it there.",
}
EXAMPLE: dict[str, Any] = {"id": "5f5b0a8e-53a4-4f0c-8a44-6b0b4f8f7c2d", **NEW_EXAMPLE, "created_at": _WHEN}
EXPORT: dict[str, Any] = {
    "format": "it-support-conversation",
    "version": 1,
    "exported_at": _WHEN,
    "conversation": {name: value for name, value in OVERVIEW.items() if name != "message_count"},
    "messages": [MESSAGE],
    "examples": [EXAMPLE],
}
EXPORT_MARKDOWN = "# VPN at home\n\n## Question, 2026-11-21 09:30 UTC\n\nMy VPN says error 809\n"
EXPORT_CSV = '"content","role","created_at","outcome","documents","id"\r\n'
CONFIG: dict[str, Any] = {
    "name": "IT Support",
    "version": "1.0.0",
    "max_tokens": 2048,
    "reply_tokens": 500,
    "limits": {
        "query_length": 2000,
        "top_k": {"minimum": 1, "maximum": 20, "default": 4},
        "answer_tokens": {"minimum": 50, "maximum": 500, "default": 150},
        "title_length": 200,
        "search_length": 200,
        "example_question_length": 2000,
        "example_answer_length": 4000,
        "body_kb": 256,
        "request_seconds": 20.0,
    },
    "page_size": {"minimum": 1, "maximum": 100, "default": 20},
    "files": {"max_size_mb": 5.0, "extensions": ["txt", "md", "pdf"], "chunk_tokens": 1000},
    "languages": ["en", "de", "fr", "es"],
    "models": {"embedding": "all-MiniLM-L6-v2", "language": "SmolLM2-135M-Instruct"},
    "features": {
        "streaming": True,
        "websocket": True,
        "socketio": True,
        "files": True,
        "conversations": True,
        "examples": True,
        "openai": True,
    },
    "retention_days": 0,
}
