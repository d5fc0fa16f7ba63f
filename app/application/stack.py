"""What happens to every request, in which order."""

from starlette.middleware import Middleware

from app.api import middleware
from app.api.file_uploads import FRAME_BYTES
from app.api.gate import Gate, GateRules
from app.api.origins import OriginRules
from app.config import ServiceSettings, Settings
from app.services.admission import Admission

_AROUND_FILES = 10.0
_REQUEST_HEADERS = ("Authorization", "Content-Type", "If-Match", "X-Request-ID")
_RESPONSE_HEADERS = ("Retry-After", "X-Request-ID")


def limited(service: ServiceSettings) -> tuple[str, ...]:
    """Return the beginnings of the paths below which requests are admitted as far as there is room."""
    return f"{service.api_v1_prefix}/", "/v1/"


def middleware_of(settings: Settings, admission: Admission) -> list[Middleware]:
    """Return all middleware, outermost first."""
    service, files = settings.service, settings.files
    prefix = service.api_v1_prefix
    cors = Middleware(
        middleware.Cors,
        allow_origins=service.cors_origins,
        allow_methods=("GET", "POST", "PUT", "PATCH", "DELETE"),
        allow_headers=_REQUEST_HEADERS,
        expose_headers=_RESPONSE_HEADERS,
    )
    return [
        Middleware(middleware.RequestId),
        Middleware(middleware.SecurityHeaders, docs=("/docs", "/redoc")),
        *([cors] if service.cors_origins else []),
        # Before the access log: refusals are counted there, one by one they would cost more than they are worth.
        Middleware(middleware.AdmissionControl, admission=admission, prefixes=limited(service)),
        Middleware(middleware.AccessLog),
        Middleware(middleware.StripHeaders, names=("X-Forwarded-Host",)),
        Middleware(middleware.Paths),
        Middleware(middleware.LastResort),
        # Before anything of a request is read; behind what knows its route and turns a refusal into a response.
        Middleware(Gate, rules=gate_rules(service)),
        Middleware(
            middleware.BodyCap,
            most=service.max_body_kb * 1024,
            larger={
                f"{prefix}/documents": int(service.max_upload_mb * 1024 * 1024),
                f"{prefix}/files": int(files.max_file_size_mb * 1024 * 1024) + FRAME_BYTES,
            },
        ),
        Middleware(
            middleware.Deadline,
            seconds=service.request_timeout_seconds,
            # The service itself ends what takes longer; this is for what comes before and after.
            longer={f"{prefix}/files": files.file_timeout_seconds + _AROUND_FILES},
        ),
        Middleware(middleware.HeadAsGet),
    ]


def gate_rules(service: ServiceSettings) -> GateRules:
    """Return who is let in, as the settings say."""
    return GateRules(
        prefix=service.api_v1_prefix,
        origins=OriginRules(frozenset(service.cors_origins)),
        require_key=service.require_key,
        admin_key=service.admin_key is not None,
    )
