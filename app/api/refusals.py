"""A request of which nothing was taken, as a problem that says why for each document."""

from starlette.requests import Request
from starlette.responses import Response

from app.api.problems import problem_of, problem_response, refused_status
from app.api.validation import FieldError
from app.domain.documents import Change, Outcome, Refusal
from app.errors import Conflict, DocumentRefused
from app.services.documents.submission import Submitted

_MOST = 20


def all_refused(submitted: Submitted) -> bool:
    """Tell whether nothing was taken."""
    return all(outcome.change is Change.REFUSED for outcome in submitted.outcomes)


def refusal_response(request: Request, submitted: Submitted) -> Response:
    """Return the problem: 409, 413 or 415 where that is so for every document, else 400."""
    refusals = [_of(outcome) for outcome in submitted.outcomes]
    statuses = {409 if refusal.existing else refused_status(refusal.reason) for refusal in refusals}
    first = refusals[0]
    error = Conflict(first.detail, first.existing) if statuses == {409} else DocumentRefused(first.reason, first.detail)
    status = statuses.pop() if len(statuses) == 1 else 400
    problem = problem_of(error, request.url.path).model_copy(
        update={"status": int(status), "errors": [_field(at, one) for at, one in enumerate(refusals[:_MOST])]}
    )
    return problem_response(problem)


def _of(outcome: Outcome) -> Refusal:
    return outcome.refusal or Refusal("refused", "cannot be taken in")


def _field(at: int, refusal: Refusal) -> FieldError:
    message = f"{refusal.reason}: {refusal.detail}"
    if refusal.existing:
        message += f" ({refusal.existing})"
    return FieldError(field=f"documents.{at}", message=message, limit=None)
