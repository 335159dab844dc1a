"""Times and durations of the command line, read strictly and told in words."""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import click

_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt ]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}", re.ASCII)
_DURATION: Final = re.compile(r"(?:\d{1,9}[smhdw])+", re.ASCII)
_UNITS: Final = {"w": 604_800, "d": 86_400, "h": 3_600, "m": 60, "s": 1}
_LONG_UNITS: Final = {"d": "day", "h": "hour", "m": "minute", "s": "second"}


class Moment(click.ParamType[datetime]):
    """A time of RFC 3339, in UTC."""

    name = "time"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it. Raises BadParameter that shows how a time is written."""
        if isinstance(value, datetime):
            return value
        try:
            return read_moment(value)
        except ValueError:
            self.fail(f'"{value}" is no time of RFC 3339: write it like 2026-12-31T18:00:00Z', param, ctx)


class Duration(click.ParamType[timedelta]):
    """A span of time: 30m, 2h, 3d, 1w, or several of them after each other."""

    name = "duration"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> timedelta:
        """Read it. Raises BadParameter that shows how a duration is written."""
        if isinstance(value, timedelta):
            return value
        try:
            return read_duration(value)
        except (ValueError, OverflowError):
            self.fail(f'"{value}" is no duration: write it like 30m, 2h, 3d, 1w or 1d12h', param, ctx)


class When(click.ParamType[datetime]):
    """A moment of the past as people say it: a time of RFC 3339, a day, or how long ago. In UTC."""

    name = "when"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> datetime:
        """Read it. Raises BadParameter that shows what can be written."""
        if isinstance(value, datetime):
            return value
        try:
            return read_when(value, datetime.now(UTC))
        except ValueError:
            forms = (
                "a time (2026-12-31T18:00:00Z), a day (2026-12-31, which begins at 00:00 UTC), or how long ago (2h, 7d)"
            )
            self.fail(f'"{value}" is no moment: write {forms}', param, ctx)


def read_when(text: str, now: datetime) -> datetime:
    """A time of RFC 3339; a day: its beginning in UTC; a duration: so long before ``now``. Raises ValueError."""
    text = text.strip()
    if _DATE.fullmatch(text) is not None:
        return datetime.fromisoformat(text).replace(tzinfo=UTC)
    try:
        return now - read_duration(text)
    except OverflowError:  # before the first day there is
        raise ValueError(text) from None
    except ValueError:
        return read_moment(text)


def read_moment(text: str) -> datetime:
    """A time of RFC 3339, in UTC. Raises ValueError."""
    text = text.strip()
    if _RFC3339.fullmatch(text) is None:
        raise ValueError(text)
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC)
    except OverflowError:  # the first and the last day there are, in another zone
        raise ValueError(text) from None


def read_duration(text: str) -> timedelta:
    """``1d12h`` and the like, more than nothing. Raises ValueError, OverflowError."""
    text = text.strip().lower()
    if _DURATION.fullmatch(text) is None:
        raise ValueError(text)
    parts = re.findall(r"(\d+)([smhdw])", text)
    found = timedelta(seconds=sum(int(count) * _UNITS[unit] for count, unit in parts))
    if not found:
        raise ValueError(text)
    return found


def in_words(span: timedelta) -> str:
    """How long in the largest unit that fits: ``5 minutes``."""
    seconds = max(0, int(span.total_seconds()))
    unit = next((unit for unit in _LONG_UNITS if seconds >= _UNITS[unit]), "s")
    count = seconds // _UNITS[unit]
    return f"{count} {_LONG_UNITS[unit]}{'' if count == 1 else 's'}"
