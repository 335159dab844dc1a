"""When a cycle is due: time zones, daylight saving both ways, and what was missed."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.schedule import last_due, next_due
from support.strategies import quick

BERLIN: Final = "Europe/Berlin"
LONG_AGO: Final = datetime(2020, 1, 1, tzinfo=UTC)


def utc(text: str) -> datetime:
    """A moment in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


def berlin(text: str, fold: int = 0) -> datetime:
    """A moment in UTC, from the wall clock of Berlin; ``fold`` 1 is the hour's second showing."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(BERLIN), fold=fold).astimezone(UTC)


def test_next() -> None:
    """The first moment after now, in UTC, by the wall clock of the zone."""
    assert next_due("0 3 * * *", "UTC", utc("2026-01-02 02:59:59")) == utc("2026-01-02 03:00")
    assert next_due("0 3 * * *", "UTC", utc("2026-01-02 03:00")) == utc("2026-01-03 03:00")
    assert next_due("0 3 * * *", BERLIN, utc("2026-01-02 00:00")) == utc("2026-01-02 02:00")
    assert next_due("0 3 * * *", BERLIN, utc("2026-07-02 00:00")) == utc("2026-07-02 01:00")


@pytest.mark.parametrize("late", [0.0, 0.000001, 0.4, 1.0, 59.0])
def test_a_run_is_due_from_its_very_moment_on(late: float) -> None:
    """Whoever wakes exactly in time must not miss the run, nor run it twice."""
    due = utc("2026-01-02 03:00")
    now = due + timedelta(seconds=late)
    assert last_due("0 3 * * *", "UTC", after=utc("2026-01-01 03:00"), now=now) == due
    assert last_due("0 3 * * *", "UTC", after=due, now=now) is None
    assert last_due("0 3 * * *", "UTC", after=utc("2026-01-01 03:00"), now=due - timedelta(microseconds=1)) is None


def test_missed_runs_give_one() -> None:
    """A week of missed runs is one run, the last."""
    found = last_due("0 3 * * *", "UTC", after=utc("2026-01-01 03:00"), now=utc("2026-01-08 12:00"))
    assert found == utc("2026-01-08 03:00")


def test_nothing_is_due_before_the_beginning() -> None:
    """What was due before the NavixySync was made is no missed run."""
    assert last_due("0 3 * * *", "UTC", after=utc("2026-01-02 12:00"), now=utc("2026-01-02 13:00")) is None


def runs(schedule: str, first: datetime, last: datetime) -> list[datetime]:
    """All runs of a span of time, one after the other."""
    found, now = [], first
    while (now := next_due(schedule, BERLIN, now)) <= last:
        found.append(now)
    return found


def test_the_hour_that_does_not_exist() -> None:
    """Spring: what is due at 02:30 runs once that day, at 03:00 summer time."""
    found = runs("30 2 * * *", berlin("2026-03-28 12:00"), berlin("2026-03-30 12:00"))
    assert found == [berlin("2026-03-29 03:00"), berlin("2026-03-30 02:30")]
    assert last_due("30 2 * * *", BERLIN, after=LONG_AGO, now=berlin("2026-03-29 03:10")) == berlin("2026-03-29 03:00")


def test_the_hour_that_comes_twice() -> None:
    """Autumn: what is due at 02:30 runs once, the first time."""
    found = runs("30 2 * * *", berlin("2026-10-24 12:00"), berlin("2026-10-26 12:00"))
    assert found == [berlin("2026-10-25 02:30"), berlin("2026-10-26 02:30")]


@pytest.mark.parametrize("minute", [0, 15, 29, 30, 31, 59])
def test_within_the_second_showing(minute: int) -> None:
    """The next is tomorrow's, never one that has been; the last is the one of the first showing."""
    now = berlin(f"2026-10-25 02:{minute:02}", fold=1)
    assert next_due("30 2 * * *", BERLIN, now) == berlin("2026-10-26 02:30")
    assert last_due("30 2 * * *", BERLIN, after=LONG_AGO, now=now) == berlin("2026-10-25 02:30")


def test_an_hourly_run_comes_in_both() -> None:
    """Hours are hours: 25 runs on the long day, 23 on the short one."""
    assert len(runs("0 * * * *", berlin("2026-10-25 00:00"), berlin("2026-10-26 00:00"))) == 25
    assert len(runs("0 * * * *", berlin("2026-03-29 00:00"), berlin("2026-03-30 00:00"))) == 23


SCHEDULES: Final = ("0 3 * * *", "30 2 * * *", "*/5 * * * *", "0 */6 * * *", "15 1 * * SUN", "0 0 1 * *")
moments: Callable[..., st.SearchStrategy[datetime]] = st.datetimes


@quick
@given(
    st.sampled_from(SCHEDULES),
    st.sampled_from(("UTC", BERLIN, "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu")),
    moments(datetime(2026, 1, 1), datetime(2027, 1, 1)),  # noqa: DTZ001 - the zone is put on below
)
def test_next_and_last_agree(schedule: str, zone: str, moment: datetime) -> None:
    """The next is after now, and due from then on; the last is not after now, and nothing is due between."""
    now = moment.replace(tzinfo=UTC)
    coming = next_due(schedule, zone, now)
    assert coming > now
    assert last_due(schedule, zone, after=now, now=coming) == coming
    assert last_due(schedule, zone, after=now, now=coming - timedelta(microseconds=1)) is None
    been = last_due(schedule, zone, after=LONG_AGO, now=now)
    assert been is not None
    assert been <= now
    assert next_due(schedule, zone, been) == coming
