"""What is opened while the application runs, and what routes are given of it."""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager

from fastapi import FastAPI
from starlette.types import Lifespan

from app import __version__
from app.api.admin import AdminRules
from app.api.client_config import ClientConfig, Features
from app.api.dependencies import About, State
from app.api.ending import Ending
from app.api.origins import OriginRules
from app.api.realtime.channel import RealTime
from app.api.realtime.encoding import WireEncoder
from app.api.realtime.farewell import before_exit
from app.api.realtime.socketio_channel import SocketIo
from app.api.uploads import DocumentRules
from app.config import ServiceSettings, Settings
from app.errors import StartRefused
from app.services.admission import Admission
from app.services.bundle import Services
from app.services.live.rules import LiveRules

logger = logging.getLogger("app.start")

OpenServices = Callable[[Settings], AbstractAsyncContextManager[Services]]


def lifespan_of(
    settings: Settings, open_services: OpenServices, admission: Admission, sockets: SocketIo
) -> Lifespan[FastAPI]:
    """Return what opens the services, tells who is refused a start why, and closes them again."""
    service = settings.service

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[State]:
        about = About(name=service.project_name, version=__version__, prefix=service.api_v1_prefix)
        rules = DocumentRules(wait_seconds=service.request_timeout_seconds / 2)
        try:
            ending = Ending()
            async with (
                open_services(settings) as services,
                _realtime(settings, services, admission, sockets) as live,
                _told_of(ending, live, service.drain_seconds),
            ):
                logger.info("started", extra={"version": __version__, "docs": "/docs"})
                yield State(
                    services=services,
                    about=about,
                    admin=_admin(service),
                    documents=rules,
                    config=client_config(settings),
                    realtime=live,
                    ending=ending,
                )
        except StartRefused as error:
            logger.critical("start_refused", extra={"code": error.code, "why": str(error), "remedy": error.remedy})
            # The refusal says all there is to say; the server would log its whole traceback after it.
            logging.getLogger("uvicorn.error").addFilter(_is_no_traceback)
            raise
        logger.info("stopped")

    return lifespan


@asynccontextmanager
async def _realtime(
    settings: Settings, services: Services, admission: Admission, sockets: SocketIo
) -> AsyncIterator[RealTime]:
    """Open the real-time channels over the services."""
    from app.container.live import open_live  # noqa: PLC0415 - as with the services

    service, redis = settings.service, settings.stores.redis_url
    rules = LiveRules(sockets=service.live_sockets, request_seconds=service.request_timeout_seconds)
    opened = open_live(
        chat=services.chat,
        store=services.store,
        access=services.access,
        admission=admission,
        encoder=WireEncoder(),
        names=service.supporter_names,
        rules=rules,
        leases=services.leases,
        redis_url=redis.get_secret_value() if redis else None,
    )
    async with opened as live, sockets.running():
        yield RealTime(live, OriginRules(frozenset(service.cors_origins)))


@asynccontextmanager
async def _told_of(ending: Ending, realtime: RealTime, drain_seconds: float) -> AsyncIterator[None]:
    """Hold a signal to end back until all who must know of it are told, load balancers first."""

    async def farewell() -> None:
        ending.begin()
        await asyncio.sleep(drain_seconds)
        await realtime.live.farewell()

    with before_exit(farewell):
        yield


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
        features=Features(files=True, websocket=True, socketio=True),
    )


def _admin(service: ServiceSettings) -> AdminRules:
    key = service.admin_key.get_secret_value() if service.admin_key else None
    return AdminRules(key=key, loopback=service.loopback, origins=frozenset(service.cors_origins))


def _is_no_traceback(record: logging.LogRecord) -> bool:
    return not record.getMessage().startswith("Traceback")


@asynccontextmanager
async def open_services_of(settings: Settings) -> AsyncIterator[Services]:
    """Open the services that the settings ask for."""
    from app.container import open_services  # noqa: PLC0415 - the models' libraries take seconds to import

    async with open_services(settings) as services:
        yield services
