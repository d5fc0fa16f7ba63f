"""Conversations are kept for as long as the operator wants, and no longer."""

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from app.errors import StoreFailed
from app.ports import ConversationRemoval

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetentionRules:
    """Conversations whose last change is `days` old are taken away, `batch` at a time; 0 days keep them for good.

    Looked for every `interval` seconds, and `pause` seconds lie between two batches, so that others can write.
    """

    days: int
    batch: int = 500
    interval: float = 3600.0
    pause: float = 0.05


def _now() -> datetime:
    return datetime.now(UTC)


async def expire(removal: ConversationRemoval, rules: RetentionRules, clock: Callable[[], datetime] = _now) -> int:
    """Take away all conversations that are too old; return how many that were. Raises StoreFailed."""
    before = clock() - timedelta(days=rules.days)
    total = 0
    while True:
        gone = await removal.expire(before, rules.batch)
        total += gone
        if gone < rules.batch:
            return total
        await asyncio.sleep(rules.pause)


async def keep_retention(
    removal: ConversationRemoval, rules: RetentionRules, clock: Callable[[], datetime] = _now
) -> None:
    """Take away what is too old, now and every `interval`, until cancelled; return at once where all is kept.

    A store that fails is told in the log and asked again next time.
    """
    if not rules.days:
        return
    while True:
        try:
            gone = await expire(removal, rules, clock)
            if gone:
                log.info("conversations_expired", extra={"conversations": gone, "days": rules.days})
        except StoreFailed:
            log.warning("retention_failed", exc_info=True)
        await asyncio.sleep(rules.interval)
