"""Times and durations of the command line."""

from datetime import UTC, datetime, timedelta

import pytest

from navixy_operator.cli.moments import in_words, read_duration, read_moment, read_when
from support.builders import NOW


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("30m", timedelta(minutes=30)),
        ("2h", timedelta(hours=2)),
        ("3d", timedelta(days=3)),
        ("1w", timedelta(weeks=1)),
        ("45s", timedelta(seconds=45)),
        ("1d12h", timedelta(days=1, hours=12)),
        (" 2H ", timedelta(hours=2)),
    ],
)
def test_durations(text: str, expected: timedelta) -> None:
    """Numbers with a unit, also several after each other."""
    assert read_duration(text) == expected


@pytest.mark.parametrize("text", ["", "2", "h", "0m", "0h0m", "-2h", "2 h", "1.5h", "2y", "2h!", "٢h", "9999999999h"])
def test_what_is_no_duration(text: str) -> None:
    """Nothing is guessed."""
    with pytest.raises(ValueError, match=r".*"):
        read_duration(text)


@pytest.mark.parametrize("text", ["2026-12-31T18:00:00Z", "2026-12-31t19:00:00.5+01:00", "2026-12-31 18:00:00z"])
def test_times(text: str) -> None:
    """RFC 3339 with its zone, told in UTC."""
    found = read_moment(text)
    assert found.replace(microsecond=0) == datetime(2026, 12, 31, 18, tzinfo=UTC)
    assert found.tzinfo is UTC


@pytest.mark.parametrize(
    "text",
    [
        "",
        "2026-12-31",
        "2026-12-31T18:00",
        "2026-12-31T18:00:00",
        "2026-13-31T18:00:00Z",
        "20261231T180000Z",
        "tomorrow",
    ],
)
def test_what_is_no_time(text: str) -> None:
    """A time without a zone is somebody else's."""
    with pytest.raises(ValueError, match=r".*"):
        read_moment(text)


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00+02:00", "9999-12-31T23:59:59-02:00"])
def test_times_that_no_calendar_has(text: str) -> None:
    """Beyond the first and the last day in UTC."""
    with pytest.raises(ValueError, match=r".*"):
        read_moment(text)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-12-31T18:00:00Z", datetime(2026, 12, 31, 18, tzinfo=UTC)),
        ("2026-12-31T18:00:00.25+01:00", datetime(2026, 12, 31, 17, 0, 0, 250_000, tzinfo=UTC)),
        ("2026-12-31", datetime(2026, 12, 31, tzinfo=UTC)),
        (" 2h ", NOW - timedelta(hours=2)),
        ("7d", NOW - timedelta(days=7)),
        ("1d12h", NOW - timedelta(days=1, hours=12)),
    ],
)
def test_moments_of_the_past(text: str, expected: datetime) -> None:
    """A time, a day from its beginning, so long ago."""
    assert read_when(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "2026-12", "999999w", "-2h", "2026-12-31T18:00", "0m"])
def test_what_is_no_moment_of_the_past(text: str) -> None:
    """Nothing is guessed; before the first day there is nothing."""
    with pytest.raises(ValueError, match=r".*"):
        read_when(text, NOW)


@pytest.mark.parametrize(
    ("span", "words"),
    [
        (timedelta(seconds=-3), "0 seconds"),
        (timedelta(seconds=1), "1 second"),
        (timedelta(seconds=59.9), "59 seconds"),
        (timedelta(minutes=61), "1 hour"),
        (timedelta(hours=23), "23 hours"),
        (timedelta(days=9), "9 days"),
    ],
)
def test_spans_in_words(span: timedelta, words: str) -> None:
    """The largest unit that fits."""
    assert in_words(span) == words
