"""What a conversation knows beside the index: its files and its example answers, searched for that conversation alone.

There are few of them, so every passage is compared. They are scored by the cautious weights of a model that nobody
calibrated: nothing about them could be measured beforehand.
"""

import re
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from app.domain.conversations import FILE_MARK, Attachment, AttachmentKind, Question, Turn
from app.domain.knowledge import Document, DocumentKind, Passage, PassageKind, Section, SectionKind
from app.domain.models import Vectors
from app.domain.retrieval import Evidence, Hit
from app.ports import Embedder
from app.services.retrieval.calibration import UNCALIBRATED, Features
from app.services.retrieval.retriever import matches

Analyse = Callable[[str], Sequence[str]]

_ENOUGH = UNCALIBRATED.threshold
_SAME_QUESTION = 0.75
"""The cosine from which an example's question is taken to be the one asked."""
_VECTORS = 4096
"""How many passages' vectors are remembered."""

_FILE = re.compile(
    r"\b(the|this|that|my|our|attached|uploaded) ([\w.-]+ )?(file|log|logfile|document|pdf|attachment|upload)\b"
    r"(?! (in|on|out|off)\b)"
    r"|\b(die|der|das|dem|den|diese[rsmn]?|meine?[rsmn]?|im|angehängte[rsmn]?) "
    r"(datei|anhang|protokoll|log\w*|dokument)\b"
    r"|\b(le|la|ce|cette|mon|ma|du|au) (fichier|journal|document|pièce jointe)\b"
    r"|\b(el|la|este|esta|mi|del|al) (archivo|fichero|registro|documento|adjunto)\b",
    re.IGNORECASE,
)
_REMEDY = re.compile(
    r"\b(how (do|can|to|could)|fix|solve|resolve|repair|get rid|wie (kann|behebe|löse)|behebe\w*|beheben|lösen"
    r"|comment|réparer|résoudre|corriger|cómo|arreglar|solucionar|resolver)\b",
    re.IGNORECASE,
)
_KINDS = {AttachmentKind.FILE: DocumentKind.FILE, AttachmentKind.EXAMPLE: DocumentKind.EXAMPLE}


class OwnKnowledge:
    """Adds to evidence what the conversation itself holds. Calls may overlap."""

    def __init__(self, embedder: Embedder, analyse: Analyse) -> None:
        """`analyse` returns a text's index terms."""
        self._embedder = embedder
        self._analyse = analyse
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()

    def meant(self, question: Question, turns: Sequence[Turn], attachments: Sequence[Attachment]) -> Question:
        """Return the question that the index is asked: for a remedy for a file's errors, the worst of them itself.

        Any other question is returned as it is.
        """
        files = [item for item in attachments if item.kind is AttachmentKind.FILE and _about(question.text, item.title)]
        if files and _REMEDY.search(question.text):
            told = f"{FILE_MARK} {files[-1].title}: "
            worst = [turn.content.removeprefix(told) for turn in turns if turn.content.startswith(told)]
            return replace(question, text=worst[-1]) if worst else question
        return question

    async def joined(self, question: Question, evidence: Evidence, attachments: Sequence[Attachment]) -> Evidence:
        """Return evidence with the attachments' best passages among its hits, `top_k` in all.

        An example comes in where its question is nearly the one asked, by its score. Files come behind what the index
        holds, or first where it holds no answer. A question about the file itself that asks for no remedy is answered
        from the file as far as it holds a word of the question. Raises Overloaded and DependencyFailed where the
        embedding fails.
        """
        asked = (await self._embedder.embed([evidence.query]))[0]
        allowed = [item for item in attachments if matches(_document(item), question.filters)]
        examples = [hit for item in allowed if (hit := await self._example(asked, question, item))]
        files = [hit for item in allowed if (hit := await self._file(asked, question, item))]
        remedy = evidence.sufficient and _REMEDY.search(question.text)
        about = not remedy and any(_about(question.text, hit.document.title) for hit in files)
        least = 0.0 if about else _ENOUGH
        enough = sorted((hit for hit in files if hit.lexical and hit.score >= least), key=lambda hit: -hit.score)
        found = sorted([*examples, *evidence.hits], key=lambda hit: -hit.score)
        first = about or not (evidence.sufficient or examples)
        hits = [*enough, *found] if first else [*found, *enough]
        return replace(
            evidence,
            hits=tuple(hits[: question.top_k]),
            answerability=max((hit.score for hit in hits), default=0.0),
            sufficient=evidence.sufficient or bool(examples or enough),
        )

    async def _example(self, asked: Vectors, question: Question, item: Attachment) -> Hit | None:
        if item.kind is not AttachmentKind.EXAMPLE or not item.passages:
            return None
        cosine = float((await self._of(item, [item.title]))[0] @ asked)
        if cosine < _SAME_QUESTION:
            return None
        return self._hit(item, 0, cosine, self._covered(question, item.title))

    async def _file(self, asked: Vectors, question: Question, item: Attachment) -> Hit | None:
        if item.kind is not AttachmentKind.FILE or not item.passages:
            return None
        cosines = await self._of(item, item.passages) @ asked
        asked_for = replace(question, text=_FILE.sub(" ", question.text))
        covered = [self._covered(asked_for, text) for text in item.passages]
        best = max(range(len(covered)), key=lambda at: _score(float(cosines[at]), covered[at]))
        return self._hit(item, best, float(cosines[best]), covered[best])

    def _covered(self, question: Question, text: str) -> float:
        """Return the share of the question's terms that a text holds."""
        terms = set(self._analyse(question.text))
        return len(terms & set(self._analyse(text))) / len(terms) if terms else 0.0

    def _hit(self, item: Attachment, at: int, cosine: float, covered: float) -> Hit:
        passage = Passage(f"{item.id}#{at}", item.id, at, PassageKind.BODY, "", item.passages[at])
        return Hit(_document(item), passage, _score(cosine, covered), cosine, covered)

    async def _of(self, item: Attachment, texts: Sequence[str]) -> Vectors:
        """Return the vectors of an attachment's texts, remembered by its id: attachments never change."""
        known = self._vectors.get(item.id)
        if known is None:
            known = self._vectors[item.id] = await self._embedder.embed(texts)
        self._vectors.move_to_end(item.id)
        while len(self._vectors) > 1 and sum(map(len, self._vectors.values())) > _VECTORS:
            self._vectors.popitem(last=False)
        return np.asarray(known)


def _score(cosine: float, covered: float) -> float:
    return UNCALIBRATED.score(Features(cosine, covered, *[0.0] * 8))


def _document(item: Attachment) -> Document:
    sections = tuple(Section("", SectionKind.BODY, text) for text in item.passages)
    return Document(item.id, _KINDS[item.kind], item.title, sections)


def _about(text: str, title: str) -> bool:
    """Tell whether a question is about a file: it names files, or this one."""
    stem = title.rpartition(".")[0] or title
    return bool(_FILE.search(text)) or stem.casefold() in text.casefold()
