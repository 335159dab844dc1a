"""Entries are kept for ever, but those of database queries for one year (spec: Events Logged, Retention)."""

import asyncio
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Final

import structlog

from navixy_operator.core.audit import KEPT
from navixy_operator.core.vocabulary import LogEvent
from navixy_operator.errors import OperatorError
from navixy_operator.ports import AuditStore, Clock

BATCH: Final = 1000
"""Entries that are deleted at once at the most: nobody else has to wait for long."""


@dataclass(frozen=True, slots=True)
class Rhythm:
    """Seconds from one purge to the next (somewhat less, by chance), between two batches, and after a failure."""

    day: float = 86_400.0
    pause: float = 0.5
    after_failure: float = 600.0


async def keep_purged(
    store: AuditStore, clock: Clock, tell: Callable[[int, datetime], None], rhythm: Rhythm | None = None
) -> None:
    """Purge now and once a day, until cancelled. ``tell`` hears how many were purged that are from before when."""
    rhythm, log = rhythm or Rhythm(), structlog.get_logger("navixy_operator.audit")
    while True:
        before = clock.now() - KEPT
        purged, rest = 0, rhythm.day
        try:
            while count := await store.purge(before, BATCH):
                purged += count
                await asyncio.sleep(rhythm.pause)
        except OperatorError as error:
            rest = rhythm.after_failure  # trouble with the store is told by who delivers
            log.debug(LogEvent.AUDIT_NOT_PURGED, reason=error.reason.value, problem=str(error))
        except Exception:
            rest = rhythm.after_failure
            log.exception(LogEvent.AUDIT_TRAIL_BROKE)
        if purged:
            tell(purged, before)
        await asyncio.sleep(rest * random.uniform(0.9, 1.0))  # noqa: S311 - jitter
