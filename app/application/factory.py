"""The application, built from settings."""

from typing import cast

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from fastapi.staticfiles import StaticFiles
from fastapi_offline import FastAPIOffline
from starlette.exceptions import HTTPException
from starlette.types import Lifespan

from app import __version__, logs
from app.api import openai_routes, openapi, problems, system, v1
from app.api.realtime import websocket
from app.api.realtime.socketio_channel import SocketIo
from app.application.opening import OpenServices, lifespan_of, open_services_of
from app.application.stack import middleware_of
from app.config import LogSettings, Settings
from app.errors import ServiceError
from app.services.admission import Admission

_PING_SECONDS = 10.0
_DOCS_ASSETS = "/docs-assets"


def create_app(settings: Settings | None = None, *, open_services: OpenServices | None = None) -> FastAPI:
    """Build the application; its services are opened when it starts and closed when it ends.

    Without settings, the environment is read and the process's logging set up. Raises SettingsInvalid.
    """
    if settings is None:
        settings = Settings.load()
        logs.configure(log_plan(settings.logs))
    service = settings.service
    admission = Admission(service.admitted, service.admission_queue, service.admission_wait_seconds)
    # Polls end before their deadline does.
    sockets = SocketIo(ping_seconds=min(_PING_SECONDS, service.request_timeout_seconds / 2))
    lifespan = lifespan_of(settings, open_services or open_services_of, admission, sockets)
    app = _fastapi(settings, lifespan, admission)
    app.state.admission = admission
    app.include_router(system.router)
    app.include_router(openai_routes.router)
    app.include_router(v1.router, prefix=settings.service.api_v1_prefix)
    app.include_router(websocket.router)
    app.mount("/socket.io", sockets)
    app.mount("/static", StaticFiles(directory=system.WEB / "static"), name="static")
    app.openapi = openapi.describe(app)  # type: ignore[method-assign] # the way FastAPI documents
    return app


def _fastapi(settings: Settings, lifespan: Lifespan[FastAPI], admission: Admission) -> FastAPI:
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
        lifespan=lifespan,
        middleware=middleware_of(settings, admission),
        exception_handlers={
            HTTPException: problems.handle,
            RequestValidationError: problems.handle,
            ServiceError: problems.handle,
        },
    )
    return cast("FastAPI", built)


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
