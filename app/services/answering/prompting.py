"""The prompt: instructions first and always the same, then evidence, then the question. Pure string joining.

Nothing a person or a document says is ever used as a template.
"""

from collections.abc import Callable, Sequence

from app.domain.conversations import Background
from app.domain.models import Prompt
from app.domain.retrieval import Hit
from app.services.answering.rendering import Carried

VERSION = "3"
"""Names the prompt's wording; part of the answer cache's key."""

SYSTEM = (
    "You are an IT support assistant. Answer the question with the steps of the evidence. "
    "Copy menus, commands, keys and codes exactly. Use only the evidence; do not add steps. Be brief."
)


def evidence_block(title: str, lines: Sequence[str]) -> str:
    """Return one source as it is shown to the model."""
    return f"Evidence: {title}\n" + "\n".join(lines)


def build(question: str, blocks: Sequence[str], background: Background | None = None) -> Prompt:
    """Return the prompt for a question: examples, evidence, what was said before, and the question last."""
    examples = (
        [f"Example question: {asked}\nExample answer: {said}" for asked, said in background.examples]
        if background
        else []
    )
    before = [f"Conversation so far:\n{background.said}"] if background and background.said else []
    parts = [*examples, *blocks, *before, f"Question: {question}", "Answer in numbered steps:"]
    return Prompt(SYSTEM, "\n\n".join(parts))


def pack(hits: Sequence[Hit], main: Sequence[Carried], count: Callable[[str], int], budget: int) -> list[str]:
    """Return evidence blocks, best first: the lines of the best document's answer, then passages within a budget.

    `budget` counts the tokens of all blocks together; the first is shown in any case.
    """
    blocks = [evidence_block(hits[0].document.title, [item.text for item in main])]
    spent = count(blocks[0])
    for hit in hits[1:]:
        block = evidence_block(hit.document.title, hit.passage.text.splitlines())
        spent += count(block)
        if spent > budget:
            break
        blocks.append(block)
    return blocks
