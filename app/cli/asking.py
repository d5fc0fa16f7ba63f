"""`ask`: one question, answered as the service answers it."""

from argparse import Namespace
from dataclasses import asdict
from typing import Any

from pydantic import ValidationError

from app.api.schemas import ChatRequest
from app.cli.console import err, out, print_json, progress
from app.config import Settings
from app.container import open_parts
from app.domain.answers import Answer
from app.domain.conversations import Question


async def ask(options: Namespace) -> int:
    """Print the answer and its sources."""
    try:
        request = ChatRequest(query=options.question, max_tokens=options.max_tokens)
    except ValidationError as error:
        err.print(f"error [invalid_input]: question: {error.errors()[0]['msg']}", style="red")
        return 2
    with progress("building the index") as report:
        async with open_parts(Settings.load(), report, ephemeral=True) as parts:
            answer = await parts.chat.ask(Question(request.query, max_tokens=request.max_tokens))
    if options.json:
        print_json(as_json(answer))
        return 0
    out.print(answer.draft.text)
    if answer.draft.citations:
        out.print()
    for citation in answer.draft.citations:
        out.print(f"[{citation.number}] {citation.title} ({citation.document_id})")
    return 0


def as_json(answer: Answer) -> dict[str, Any]:
    """Return what programs want to know of an answer."""
    draft = answer.draft
    return {
        "query": answer.query,
        "response": draft.text,
        "outcome": draft.outcome.value,
        "answerability": round(answer.answerability, 4),
        "language": answer.language,
        "model": draft.model,
        "citations": [asdict(citation) for citation in draft.citations],
        "grounding": asdict(draft.grounding),
        "usage": asdict(draft.usage),
        "search_results": [
            {"id": hit.document.id, "subject": hit.document.title, "score": round(hit.score, 4)} for hit in answer.hits
        ],
        "processing_time": round(answer.processing_time, 4),
    }
