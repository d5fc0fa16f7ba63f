"""The FastAPI application: settings in, routes and middleware put together, services opened while it runs."""

import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager
from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.types import Lifespan

from app import __version__, logs
from app.api import middleware, openai_routes, openapi, problems, system, v1
from app.api.admin import AdminRules
from app.api.client_config import ClientConfig, Features
from app.api.dependencies import About, State
from app.api.file_uploads import FRAME_BYTES
from app.api.gate import Gate, GateRules
from app.api.origins import OriginRules
from app.api.uploads import DocumentRules
from app.config import LogSettings, ServiceSettings, Settings
from app.errors import ServiceError, StartRefused
from app.services.admission import Admission
from app.services.bundle import Services

logger = logging.getLogger("app.start")

OpenServices = Callable[[Settings], AbstractAsyncContextManager[Services]]

_AROUND_FILES = 10.0
_DOCS_ASSETS = "/docs-assets"
_REQUEST_HEADERS = ("Authorization", "Content-Type", "If-Match", "X-Request-ID")
_RESPONSE_HEADERS = ("Retry-After", "X-Request-ID")


def create_app(settings: Settings | None = None, *, open_services: OpenServices | None = None) -> FastAPI:
    """Build the application; its services are opened when it starts and closed when it ends.

    Without settings, the environment is read and the process's logging set up. Raises SettingsInvalid.
    """
    if settings is None:
        settings = Settings.load()
        logs.configure(log_plan(settings.logs))
    service = settings.service
    admission = Admission(service.admitted, service.admission_queue, service.admission_wait_seconds)
    app = _fastapi(settings, open_services or _open_services, admission)
    app.state.admission = admission
    app.include_router(system.router)
    app.include_router(openai_routes.router)
    app.include_router(v1.router, prefix=settings.service.api_v1_prefix)
    app.mount("/static", StaticFiles(directory=system.WEB / "static"), name="static")
    app.openapi = openapi.describe(app)  # type: ignore[method-assign] # the way FastAPI documents
    return app


def _fastapi(settings: Settings, open_services: OpenServices, admission: Admission) -> FastAPI:
    built = FastAPIOffline(
        title=settings.service.project_name,
        version=__version__,
        description=openapi.DESCRIPTION,
        openapi_tags=openapi.TAGS,
        generate_unique_id_function=_operation_id,
        static_url=_DOCS_ASSETS,
        # No badge fetched from a validator on the internet.
        swagger_ui_parameters={"validatorUrl": None},
        redirect_slashes=False,
        lifespan=_lifespan(settings, open_services),
        middleware=_middleware(settings, admission),
        exception_handlers={
            HTTPException: problems.handle,
            RequestValidationError: problems.handle,
            ServiceError: problems.handle,
        },
    )
    return cast("FastAPI", built)


def limited(service: ServiceSettings) -> tuple[str, ...]:
    """Return the beginnings of the paths below which requests are admitted as far as there is room."""
    return f"{service.api_v1_prefix}/", "/v1/"


def _middleware(settings: Settings, admission: Admission) -> list[Middleware]:
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


def _lifespan(settings: Settings, open_services: OpenServices) -> Lifespan[FastAPI]:
    service = settings.service

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        about = About(name=service.project_name, version=__version__, prefix=service.api_v1_prefix)
        rules = DocumentRules(wait_seconds=service.request_timeout_seconds / 2)
        try:
            async with open_services(settings) as services:
                logger.info("started", extra={"version": __version__, "docs": "/docs"})
                yield State(
                    services=services,
                    about=about,
                    admin=_admin(service),
                    documents=rules,
                    config=client_config(settings),
                )
        except StartRefused as error:
            logger.critical("start_refused", extra={"code": error.code, "why": str(error), "remedy": error.remedy})
            # The refusal says all there is to say; the server would log its whole traceback after it.
            logging.getLogger("uvicorn.error").addFilter(_is_no_traceback)
            raise
        logger.info("stopped")

    return lifespan


def client_config(settings: Settings) -> ClientConfig:
    """Return what clients may know of the settings."""
    service, generation, files = settings.service, settings.generation, settings.files
    return ClientConfig(
        name=service.project_name,
        version=__version__,
        max_tokens=generation.max_tokens,
        reply_tokens=generation.reply_tokens,
        embedding_model=settings.embedding.embedding_model,
        language_model="" if generation.llm_backend == "extractive" else generation.llm_model_id,
        max_file_size_mb=files.max_file_size_mb,
        allowed_extensions=files.allowed_extensions,
        chunk_size_tokens=files.chunk_size_tokens,
        request_timeout_seconds=service.request_timeout_seconds,
        max_body_kb=service.max_body_kb,
        retention_days=settings.stores.conversation_ttl_days,
        features=Features(files=True),
    )


def _admin(service: ServiceSettings) -> AdminRules:
    key = service.admin_key.get_secret_value() if service.admin_key else None
    return AdminRules(key=key, loopback=service.loopback, origins=frozenset(service.cors_origins))


def _is_no_traceback(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Traceback")


@asynccontextmanager
async def _open_services(settings: Settings) -> AsyncIterator[Services]:
    from app.container import open_services  # noqa: PLC0415 - the models' libraries take seconds to import

    async with open_services(settings) as services:
        yield services


def _operation_id(route: APIRoute) -> str:
    return route.name


def log_plan(plan: LogSettings) -> logs.LogPlan:
    """Return how to log, as the settings say."""
    return logs.LogPlan(
        level=plan.log_level,
        json_lines=plan.log_format == "json",
        file=plan.log_file,
        file_bytes=int(plan.log_file_max_mb * 1024 * 1024),
        file_backups=plan.log_file_backups,
    )
