"""One question at start: whether the server is there and takes the key."""

import asyncio
import logging

import httpx

from app.adapters.remote.endpoint import Endpoint
from app.errors import DependencyUnreachable, SettingsInvalid

log = logging.getLogger(__name__)

_KEY_REFUSED = frozenset({401, 403})


async def probe(client: httpx.AsyncClient, endpoint: Endpoint, seconds: float) -> None:
    """Ask for the list of models; any answer but a refusal of the key, or the news that it has moved, will do.

    Raises DependencyUnreachable, SettingsInvalid.
    """
    host = httpx.URL(endpoint.models_url).host
    try:
        async with asyncio.timeout(seconds), client.stream("GET", endpoint.models_url) as response:
            status, moved = response.status_code, response.is_redirect
    except TimeoutError as error:
        raise DependencyUnreachable(endpoint.variable, f"{host} does not answer") from error
    except httpx.HTTPError as error:
        raise DependencyUnreachable(endpoint.variable, f"{host} cannot be reached ({type(error).__name__})") from error
    if status in _KEY_REFUSED:
        raise SettingsInvalid("API_KEY", f"is not accepted by {host} (status {status})", "name a key that is valid")
    if moved:
        raise SettingsInvalid(endpoint.variable, f"{host} sends elsewhere (status {status})", "name the final address")
    log.info("language model server", extra={"server": endpoint.variable, "host": host, "status": status})
