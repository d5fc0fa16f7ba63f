"""What happens to a question in real time, as clients are told: the same objects as the REST API's."""

import json

from app.api.answers import ChatAnswer, CitedSource, EvidenceFrame, TextFrame
from app.api.problems import log, problem_of
from app.domain.events import AnswerFinished, ChatEvent, EvidenceFound, SourceCited, TextSaid
from app.domain.live import FINAL
from app.errors import Overloaded
from app.services.live.rules import Restarting, TooManyEvents

TEXT = "message"
_PATH = "/ws/chat"
_TOO_MANY_REQUESTS = 429


class WireEncoder:
    """The Encoder of live answers."""

    def event(self, event: ChatEvent) -> tuple[str, str]:
        """Return an event's name and its data, a JSON object."""
        match event:
            case EvidenceFound(evidence):
                return "search_results", EvidenceFrame.of(evidence).model_dump_json()
            case TextSaid(text):
                return TEXT, TextFrame(delta=text).model_dump_json()
            case SourceCited(citation):
                return "citation", CitedSource.of(citation).model_dump_json()
            case AnswerFinished(answer):
                return FINAL, ChatAnswer.of(answer).model_dump_json()

    def problem(self, error: Exception) -> str:
        """Return the fields of a problem, but for `type` and `instance`, which say nothing here."""
        problem = problem_of(error, _PATH)
        # A refusal is no failure of ours, and may come a thousand times a second.
        if not isinstance(error, Overloaded):
            log(error, problem)
        told = problem.model_dump(mode="json", exclude={"type", "instance"})
        if isinstance(error, TooManyEvents):
            told["status"] = _TOO_MANY_REQUESTS
        if isinstance(error, Overloaded):
            told["retry_after"] = error.retry_after
        if isinstance(error, Restarting):
            told["resumable"] = True
        return json.dumps(told)
