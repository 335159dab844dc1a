"""Rate, backoff and Retry-After of F1.1's client, on a clock that the test moves."""

import math

import pytest

from navixy_operator.adapters.forwarding.pace import Clock, Pace, full_jitter, retry_after
from support.f11 import FakeTime


async def test_rate_is_kept_after_the_burst() -> None:
    """Ten requests at four a second, two at once: the last goes out two seconds after the first."""
    time = FakeTime()
    pace = Pace(4.0, 2, time.clock)
    moments = []
    for _ in range(10):
        await pace.wait()
        moments.append(time.now - 1000.0)
    assert moments == pytest.approx([0, 0, 0.25, 0.5, 0.75, 1.0, 1.25, 1.5, 1.75, 2.0])


async def test_unused_time_gives_no_more_than_the_burst() -> None:
    """An hour of silence does not pile up tokens."""
    time = FakeTime()
    pace = Pace(4.0, 2, time.clock)
    await pace.wait()
    time.now += 3600
    moments = []
    for _ in range(4):
        await pace.wait()
        moments.append(time.now - 4600.0)
    assert moments == pytest.approx([0, 0, 0.25, 0.5])


async def test_no_limit_never_waits() -> None:
    """An infinite rate costs no sleep."""
    time = FakeTime()
    pace = Pace(math.inf, 16, time.clock)
    for _ in range(1000):
        await pace.wait()
    assert not time.slept


async def test_hold_stops_everybody() -> None:
    """While F1.1 asks for a pause, no request starts, and a shorter hold does not shorten a longer one."""
    time = FakeTime()
    pace = Pace(math.inf, 16, time.clock)
    pace.hold(7)
    pace.hold(3)
    await pace.wait()
    assert time.now == pytest.approx(1007)


@pytest.mark.parametrize(("attempt", "longest"), [(0, 0.25), (1, 0.5), (3, 2.0), (9, 8.0), (2000, 8.0)])
def test_backoff_doubles_up_to_its_cap(attempt: int, longest: float) -> None:
    """The jitter's range doubles with each attempt and begins at nothing."""
    ranges: list[tuple[float, float]] = []

    def uniform(low: float, high: float) -> float:
        ranges.append((low, high))
        return high

    full_jitter(attempt, 0.25, 8.0, Clock(uniform=uniform))
    assert ranges == [(0.0, longest)]


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("soon", None),
        ("-5", None),
        ("1.5", None),
        ("٣", None),
        ("0", 0.0),
        (" 7 ", 7.0),
        ("86400", 30.0),
        ("Thu, 01 Jan 1970 00:16:45 GMT", 5.0),
        ("Thu, 01 Jan 1970 00:00:00 GMT", 0.0),
        ("Fri, 31 Dec 9999 23:59:59 GMT", 30.0),
        ("Thu, 99 Jan 1970 00:00:00 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Seconds or an HTTP date, capped; what cannot be read is as good as absent."""
    assert retry_after(header, 30.0, FakeTime().clock) == (None if seconds is None else pytest.approx(seconds))
