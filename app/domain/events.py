"""What happens while a question is answered, in order: evidence, sentences, citations, the whole answer."""

from dataclasses import dataclass

from app.domain.answers import Answer, Citation
from app.domain.retrieval import Evidence


@dataclass(frozen=True, slots=True)
class EvidenceFound:
    """The retrieval is done."""

    evidence: Evidence


@dataclass(frozen=True, slots=True)
class TextSaid:
    """A piece of the answer that is carried by evidence: a delta, never the text so far."""

    text: str


@dataclass(frozen=True, slots=True)
class SourceCited:
    """A source the answer uses, said once."""

    citation: Citation


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """The whole answer; nothing follows."""

    answer: Answer


ChatEvent = EvidenceFound | TextSaid | SourceCited | AnswerFinished
