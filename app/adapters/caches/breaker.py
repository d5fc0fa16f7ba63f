"""The circuit breaker in front of a cache's server."""

from app.domain.breaker import Breaker

__all__ = ["Breaker"]
