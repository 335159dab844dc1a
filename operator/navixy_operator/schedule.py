"""When a cycle is due: cron expressions with a time zone, the way cron treats daylight saving (cronsim)."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from cronsim import CronSim


def next_due(schedule: str, time_zone: str, now: datetime) -> datetime:
    """The first scheduled moment after ``now``, in UTC."""
    return next(CronSim(schedule, now.astimezone(ZoneInfo(time_zone)))).astimezone(UTC)


def last_due(schedule: str, time_zone: str, *, after: datetime, now: datetime) -> datetime | None:
    """The last scheduled moment up to ``now``, if it came after ``after``: a run that is due, or was missed.

    However many were missed, one is run, as a CronJob does.
    """
    found = next(CronSim(schedule, now.astimezone(ZoneInfo(time_zone)), reverse=True)).astimezone(UTC)
    return found if found > after else None
