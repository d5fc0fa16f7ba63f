"""Examples the OpenAPI document shows; a test keeps them valid."""

from typing import Any

_CONVERSATION = "6f1d2c54-3c1b-4a7e-9f0e-2b8a6d3c9e11"
_TITLE = "Windows L2TP or IKEv2 VPN error 809: remote server is not responding"
_DOCUMENT = "vpn-windows-error-809-nat-ports-blocked"
_QUOTE = "Ask the network team to open UDP ports 500 and 4500 towards the VPN server."

SEARCH_REQUEST: dict[str, Any] = {
    "query": "VPN error 809 on Windows 11",
    "top_k": 3,
    "filters": {"category": ["vpn"], "platform": ["windows"]},
}
CHAT_REQUEST: dict[str, Any] = {
    "query": "My VPN says error 809 when I work from home. What can I do?",
    "context": {"os": "Windows 11", "site": "Berlin"},
}
FOLLOW_UP: dict[str, Any] = {"query": "And on a Mac?", "conversation_id": _CONVERSATION, "stream": True}

SEARCH_RESULT: dict[str, Any] = {
    "subject": _TITLE,
    "answer": _QUOTE,
    "score": 0.93,
    "metadata": {
        "document_id": _DOCUMENT,
        "passage_id": f"{_DOCUMENT}#2",
        "kind": "article",
        "language": "en",
        "category": "vpn",
        "platform": ["windows"],
        "difficulty": "hard",
        "risk": "admin",
        "owner": "network-team",
    },
    "warnings": [],
    "duplicates": [],
}
CITATION: dict[str, Any] = {
    "number": 1,
    "document_id": _DOCUMENT,
    "passage_id": f"{_DOCUMENT}#2",
    "title": _TITLE,
    "quote": _QUOTE,
}
CHAT_ANSWER: dict[str, Any] = {
    "response": f"1. {_QUOTE} [1]",
    "query": CHAT_REQUEST["query"],
    "context_used": True,
    "search_results": [SEARCH_RESULT],
    "warnings": [],
    "processing_time": 0.041,
    "timestamp": "2026-11-21T09:30:00.120000Z",
    "conversation_id": _CONVERSATION,
    "message_id": "0b5f1a8e-53a4-4f0c-8a44-6b0b4f8f7c2d",
    "outcome": "answered",
    "answerability": 0.91,
    "citations": [CITATION],
    "grounding": {"method": "extract", "sentences": 1, "grounded": 1, "dropped": 0, "fallback": False},
    "usage": {"prompt_tokens": 14, "completion_tokens": 19, "total_tokens": 33},
    "model": "extract",
    "degraded": False,
    "cached": False,
    "persisted": True,
    "language": "en",
}
SEARCH_ANSWER: dict[str, Any] = {
    "query": SEARCH_REQUEST["query"],
    "search_results": [SEARCH_RESULT],
    "answerability": 0.91,
    "sufficient": True,
    "release": "20261121T093000Z-5f1c2a9e",
    "processing_time": 0.012,
    "timestamp": "2026-11-21T09:30:00.120000Z",
}
EVENTS = (
    'event: search_results\ndata: {"search_results": [...], "answerability": 0.91, "sufficient": true}\n\n'
    f'event: message\ndata: {{"delta": "1. {_QUOTE} [1]"}}\n\n'
    'event: citation\ndata: {"number": 1, "title": "...", "quote": "..."}\n\n'
    "event: ping\ndata: {}\n\n"
    'event: final_answer\ndata: {"response": "...", "outcome": "answered"}\n\n'
)
