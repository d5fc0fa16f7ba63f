"""Admission in front of all work: a refusal is cheap, and is made before anything of the request is read."""

import logging
import time
from collections.abc import Callable, Sequence

from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.openai_errors import OpenAIRoute
from app.api.problems import problem_of, problem_response
from app.errors import Overloaded
from app.services.admission import Admission

logger = logging.getLogger("app.admission")

_TOLD_SECONDS = 1.0
_EVENTS = b"text/event-stream"
_OPENAI = "/v1/"


def refusal_response(path: str, error: Overloaded, root: str = "") -> Response:
    """Return the refusal of what was asked at `path`, in the shape its clients know: OpenAI's below `root` + `/v1/`."""
    shape = OpenAIRoute.error_shape if path.removeprefix(root).startswith(_OPENAI) else problem_response
    return shape(problem_of(error, path), {"Retry-After": str(int(error.retry_after))})


class RefusalLog:
    """Tells of refusals once a second at most, with their number since."""

    def __init__(self, admission: Admission, clock: Callable[[], float] = time.monotonic) -> None:
        self._admission = admission
        self._clock = clock
        self._told_at = float("-inf")
        self._told = 0

    def tell(self) -> None:
        """Tell of what was refused, unless that was done just now."""
        now = self._clock()
        if now - self._told_at >= _TOLD_SECONDS:
            refused = self._admission.refused
            extra = {"refused": refused - self._told, "waiting": self._admission.waiting}
            logger.warning("requests_refused", extra=extra)
            self._told_at, self._told = now, refused


class AdmissionControl:
    """Lets requests below `prefixes` in as far as there is room; others, and health checks, always.

    A GET that answers with events gives its place back when they begin: it watches, nothing is worked on for it.
    Refusals are told in the log once a second, not one by one.
    """

    def __init__(
        self,
        app: ASGIApp,
        admission: Admission,
        prefixes: Sequence[str],
    ) -> None:
        self._app = app
        self._admission = admission
        self._prefixes = tuple(prefixes)
        self._refusals = RefusalLog(admission)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request, once there is room, or refuse it."""
        if not self._counts(scope):
            await self._app(scope, receive, send)
            return
        try:
            await self._admission.enter()
        except Overloaded as error:
            self._refusals.tell()
            response = refusal_response(str(scope["path"]), error, scope.get("root_path", ""))
            await response(scope, receive, send)
            return
        place = _Place(self._admission)
        try:
            await self._app(scope, receive, _watching(scope, send, place))
        finally:
            place.give_back()

    def _counts(self, scope: Scope) -> bool:
        if scope["type"] != "http":
            return False
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        return path.startswith(self._prefixes) and not path.rstrip("/").endswith("/health")


class _Place:
    """A place that is given back once."""

    def __init__(self, admission: Admission) -> None:
        self._admission = admission
        self._held = True

    def give_back(self) -> None:
        if self._held:
            self._held = False
            self._admission.leave()


def _watching(scope: Scope, send: Send, place: _Place) -> Send:
    if scope["method"] != "GET":
        return send

    async def watched(message: Message) -> None:
        if message["type"] == "http.response.start" and _is_event_stream(message):
            place.give_back()
        await send(message)

    return watched


def _is_event_stream(message: Message) -> bool:
    return any(name.lower() == b"content-type" and value.startswith(_EVENTS) for name, value in message["headers"])
