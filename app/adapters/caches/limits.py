"""What every cache agrees on: how large a value may be, and when it expires."""

import zlib

MAX_VALUE_BYTES = 256 * 1024
_JITTER = 0.1


def lifetime(ttl_seconds: float, key: str) -> float:
    """Return how long this key's value lives: 90 to 110 % of `ttl_seconds`, always the same for a key.

    Values that were put together, after a start or a new index release, do not all expire together.
    """
    share = zlib.crc32(key.encode("utf-8", "replace")) / 2**32
    return ttl_seconds * (1 + _JITTER * (2 * share - 1))
