"""How the service is, as JSON: a report while it can be used, a problem with the same checks while it cannot."""

from datetime import UTC, datetime
from typing import Self, cast

from fastapi import Request
from pydantic import BaseModel, Field
from starlette.responses import Response

from app.api.dependencies import About
from app.api.ending import Ending
from app.api.openapi import RETRY_AFTER, Responses
from app.api.problems import Problem, problem_of, problem_response
from app.domain.health import Check, Condition, Health
from app.errors import NotReady

NOT_STORED = '199 - "question and answer were not stored"'
"""What the `Warning` header says of an answer that is not persisted."""

_RETRY_SECONDS = 2
_FRESH = {"Cache-Control": "no-store"}


class PartReport(BaseModel):
    """One part of the service."""

    name: str = Field(description="The part.", examples=["index"])
    status: Condition = Field(description="How it is.")
    detail: str = Field(description="Facts for an operator.", examples=["1240 passages"])
    vital: bool = Field(description="Nothing can be answered without it.")

    @classmethod
    def of(cls, check: Check) -> Self:
        """Translate a check."""
        return cls(name=check.name, status=check.condition, detail=check.detail, vital=check.vital)


class HealthReport(BaseModel):
    """All parts."""

    status: Condition = Field(description="`degraded` is usable with something missing.")
    name: str = Field(description="The service's name.")
    version: str = Field(description="The service's version.")
    checks: list[PartReport] = Field(description="Every part.")
    timestamp: datetime = Field(description="When it was checked, UTC.")


class UnusableProblem(Problem):
    """The problem of a service that cannot answer yet or any more, with what was checked."""

    checks: list[PartReport] = Field(description="Every part.")


HEALTH: Responses = {
    503: {
        "model": UnusableProblem,
        "description": "Questions cannot be answered at the moment.",
        "headers": RETRY_AFTER,
    }
}


def health_response(request: Request, about: About, health: Health) -> Response:
    """Return 200 and the report, or 503 and the problem."""
    checks = [PartReport.of(check) for check in health.checks]
    ending = cast("Ending", request.state.ending)
    if not health.usable or ending.begun:
        problem = problem_of(NotReady("service", _RETRY_SECONDS), request.url.path)
        unusable = UnusableProblem(**problem.model_dump(), checks=checks)
        return problem_response(unusable, {"Retry-After": str(_RETRY_SECONDS)})
    report = HealthReport(
        status=health.condition, name=about.name, version=about.version, checks=checks, timestamp=datetime.now(UTC)
    )
    return Response(report.model_dump_json(), media_type="application/json", headers=_FRESH)
