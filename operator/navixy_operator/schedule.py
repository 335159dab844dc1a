"""When a cycle is due: cron expressions with a time zone, the way cron treats daylight saving (cronsim)."""

from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from cronsim import CronSim

OVERLAP: Final = timedelta(hours=3)
"""Longer than any hour that a clock shows twice: the wall clock alone does not tell which of the two it is."""


def next_due(schedule: str, time_zone: str, now: datetime) -> datetime:
    """The first scheduled moment after ``now``, in UTC."""
    moments = CronSim(schedule, now.astimezone(ZoneInfo(time_zone)))
    return next(moment for found in moments if (moment := found.astimezone(UTC)) > now)


def last_due(schedule: str, time_zone: str, *, after: datetime, now: datetime) -> datetime | None:
    """The last scheduled moment up to ``now``, if it came after ``after``: a run that is due, or was missed.

    However many were missed, one is run, as a CronJob does.
    """
    moments = CronSim(schedule, (now + OVERLAP).astimezone(ZoneInfo(time_zone)), reverse=True)
    last = next(moment for found in moments if (moment := found.astimezone(UTC)) <= now)
    return last if last > after else None
