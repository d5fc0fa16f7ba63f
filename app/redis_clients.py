"""How we talk to Redis: clients that never try twice and send nothing but what they are asked to."""

import logging
from typing import Any

from redis.asyncio import ConnectionPool, Redis
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from app.errors import SettingsInvalid

logger = logging.getLogger(__name__)


def redis_client(url: str, seconds: float, connections: int | None = None) -> Any:
    """Return a client that connects when it is first used, within `seconds`; raises SettingsInvalid for no Redis URL.

    It opens at most so many connections, where a number is given; its calls are bounded by whoever makes them.
    """
    try:
        pool = ConnectionPool.from_url(
            url,
            max_connections=connections,
            socket_connect_timeout=seconds,
            # This one would have redis-py use asyncio.wait_for, which up to Python 3.11 can swallow a cancellation.
            socket_timeout=None,
            retry=Retry(NoBackoff(), 0),
            protocol=2,
            driver_info=None,
        )
    except ValueError:
        # Without its cause, which quotes parts of the URL, and those may be parts of the password.
        raise SettingsInvalid("REDIS_URL", "is not a Redis URL", "redis://host:6379/0") from None
    return Redis.from_pool(pool)


async def close_redis(client: Any) -> None:
    """Close a client's connections; whatever Redis does, this raises nothing: there is nothing left to lose."""
    try:
        await client.aclose()
    except (RedisError, OSError) as error:
        logger.debug("connection not closed in order", extra={"error": type(error).__name__})
