"""Headers: what browsers are told to forbid, what is taken away at the edge, who may call from other pages."""

from collections.abc import Collection, Sequence
from http import HTTPStatus

from starlette.datastructures import Headers, MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware.cors import CORSMiddleware
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from app.api.problems import problem_of, problem_response

PAGE_POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'none'; form-action 'self'; frame-ancestors 'none'"
)
# Swagger UI and ReDoc carry an inline script and inline styles, and ReDoc searches in a worker made of a blob.
DOCS_POLICY = (
    "default-src 'none'; script-src 'self' 'unsafe-inline'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data:; font-src 'self' data:; connect-src 'self'; worker-src blob:; "
    "object-src 'none'; base-uri 'none'; frame-ancestors 'none'"
)
ALWAYS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


class SecurityHeaders:
    """Adds the security headers to every response; the documentation pages have a policy of their own."""

    def __init__(self, app: ASGIApp, docs: Sequence[str]) -> None:
        self._app = app
        self._docs = tuple(docs)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request with the headers added to its response."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        path = str(scope["path"]).removeprefix(scope.get("root_path", ""))
        policy = DOCS_POLICY if path.startswith(self._docs) else PAGE_POLICY

        async def guarded(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers["Content-Security-Policy"] = policy
                headers.update(ALWAYS)
            await send(message)

        await self._app(scope, receive, guarded)


class StripHeaders:
    """Takes away request headers that nobody behind the edge may believe."""

    def __init__(self, app: ASGIApp, names: Collection[str]) -> None:
        self._app = app
        self._names = frozenset(name.lower().encode("latin-1") for name in names)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one request without those headers."""
        if scope["type"] in {"http", "websocket"}:
            scope["headers"] = [pair for pair in scope["headers"] if pair[0].lower() not in self._names]
        await self._app(scope, receive, send)


class Cors(CORSMiddleware):
    """Starlette's CORS, with refusals in the shape all errors have."""

    def preflight_response(self, request_headers: Headers) -> Response:
        """Answer a browser that asks whether it may."""
        answer = super().preflight_response(request_headers)
        if answer.status_code == HTTPStatus.OK:
            return answer
        kept = {key: value for key, value in answer.headers.items() if not key.startswith("content-")}
        return problem_response(problem_of(HTTPException(403), "/"), kept)
