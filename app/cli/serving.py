"""`serve`: the service on one port, from settings, with a line to try it."""

import asyncio
import errno
import json
import logging
import socket
from argparse import Namespace
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from functools import partial
from types import FrameType

import uvicorn

from app.api.realtime.protocol import LiveProtocol
from app.api.shedding import shedding
from app.application import create_app, limited, log_plan
from app.cli.console import err, progress
from app.config import ServiceSettings, Settings
from app.container import open_services
from app.errors import SettingsInvalid, StartRefused
from app.logs import configure
from app.services.bundle import Services

# With what comes before it (see before_exit) less than the 15 s in which the process must be gone.
_DRAIN_SECONDS = 8
_HEADER_BYTES = 16 * 1024
_FRAME_BYTES = 64 * 1024
_PING_SECONDS = 20.0


class _Server(uvicorn.Server):
    """Says how to try the service once it listens."""

    def __init__(self, config: uvicorn.Config, service: ServiceSettings) -> None:
        super().__init__(config)
        self._service = service
        self._task: asyncio.Task[None] | None = None

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Start, then print the line."""
        await super().startup(sockets)
        if self.started:
            _say_how_to_try(self._service)

    async def serve(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until a signal comes; raises CancelledError where it comes before the service listens."""
        self._task = asyncio.current_task()
        await super().serve(sockets)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        """Stop; at once while it does not listen yet, since building an index may take minutes."""
        if self._task is not None and not self.started:
            # It would tell of the cancelled start as of a fault, with a stack.
            logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
            self._task.get_loop().call_soon_threadsafe(self._task.cancel)
            return
        super().handle_exit(sig, frame)


def serve(_options: Namespace) -> int:
    """Serve until interrupted; raises StartRefused where it cannot begin."""
    settings = Settings.load()
    configure(log_plan(settings.logs))
    service = settings.service
    refuse_taken_port(service)
    refusals: list[StartRefused] = []
    app = create_app(settings, open_services=partial(_with_bar, refusals))
    config = uvicorn.Config(
        app,
        http=shedding(app.state.admission, limited(service)),
        host=service.host,
        port=service.port,
        log_config=None,
        access_log=False,
        server_header=False,
        # Who asks is who connects: forwarded addresses are believed from nobody.
        proxy_headers=False,
        timeout_graceful_shutdown=_DRAIN_SECONDS,
        h11_max_incomplete_event_size=_HEADER_BYTES,
        ws=LiveProtocol,
        ws_max_size=_FRAME_BYTES,
        # A few bytes could become gigabytes.
        ws_per_message_deflate=False,
        ws_ping_interval=_PING_SECONDS,
        ws_ping_timeout=_PING_SECONDS,
    )
    server = _Server(config, service)
    try:
        server.run()
    except (KeyboardInterrupt, asyncio.CancelledError):  # Ctrl-C is how it is stopped, not a fault
        pass
    except SystemExit:  # uvicorn's way to say that it did not start
        if refusals:
            raise refusals[0] from None
        raise
    return 0


@asynccontextmanager
async def _with_bar(refusals: list[StartRefused], settings: Settings) -> AsyncIterator[Services]:
    """Open the services behind a progress bar; a refusal is kept, since the server does not hand it on."""
    try:
        async with AsyncExitStack() as stack:
            with progress("building the index") as report:
                services = await stack.enter_async_context(open_services(settings, report))
            yield services
    except StartRefused as error:
        refusals.append(error)
        raise


def refuse_taken_port(service: ServiceSettings) -> None:
    """Raise SettingsInvalid where another program has the port, or this machine has no such address."""
    try:
        for family, kind, protocol, _, address in socket.getaddrinfo(
            service.host, service.port, type=socket.SOCK_STREAM
        ):
            with socket.socket(family, kind, protocol) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                probe.bind(address)
    except UnicodeError as error:
        raise SettingsInvalid("HOST", "is no name of a machine", "name an address of this machine") from error
    except OSError as error:
        reason = f"{service.host}:{service.port} cannot be listened on ({error.strerror})"
        if isinstance(error, socket.gaierror) or error.errno == errno.EADDRNOTAVAIL:
            raise SettingsInvalid("HOST", reason, "name an address of this machine") from error
        raise SettingsInvalid("PORT", reason, "stop the other program, or set PORT") from error


def _say_how_to_try(service: ServiceSettings) -> None:
    host = "127.0.0.1" if service.host in {"0.0.0.0", "::"} else service.host  # noqa: S104 - compared, not bound
    base = f"http://[{host}]:{service.port}" if ":" in host else f"http://{host}:{service.port}"
    body = json.dumps({"query": "How do I reset my password?"})
    err.print(f"\n{service.project_name} is ready: {base}/  (API documentation: {base}/docs)")
    err.print("Try it:\n")
    err.print(f"  curl -s {base}{service.api_v1_prefix}/chat/ -H 'Content-Type: application/json' -d '{body}'\n")
