"""The book of a NavixySync's alerts: what begins and ends, and what the status keeps of it."""

from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.core.alertbook import RIPE, Book, lasting, noted, read_book, turned, without_ended, written
from navixy_operator.core.alerts import Firing, Sighting
from navixy_operator.core.vocabulary import AlertName, Severity
from support.builders import NOW
from support.models import fits_sync
from support.strategies import quick

SUSPENDED: Final = AlertName.SUSPENDED_CONNECTED
LATER: Final = NOW + timedelta(minutes=3, milliseconds=700)


def firing(name: AlertName = AlertName.SYNCHRONIZATION_FAILURE, description: str = "it failed") -> Firing:
    """An alert that is active."""
    return Firing(name, Severity.HIGH, "The last synchronization failed", description)


def book_of(*names: AlertName) -> Book:
    """These have begun just now."""
    return turned({}, map(firing, names), NOW).book


def test_an_alert_begins_lasts_and_ends() -> None:
    """It is news when it begins and when it ends; what it says may change meanwhile, its beginning not."""
    first = turned({}, [firing()], NOW + timedelta(milliseconds=300))
    (begun,) = first.begun
    assert (begun.since, begun.over, first.ended) == (NOW, None, ()), "to the second, as the status keeps it"
    second = turned(first.book, [firing(description="it failed again")], LATER)
    assert (second.begun, second.ended) == ((), ())
    (standing,) = second.book.values()
    assert (standing.since, standing.firing.description) == (NOW, "it failed again")
    third = turned(second.book, [], LATER)
    (ended,) = third.ended
    assert (ended.since, ended.over) == (NOW, LATER)
    assert turned(third.book, [], LATER + RIPE).book == third.book, "it stays until Alertmanager has been told"
    assert without_ended(third.book) == {}


def test_an_alert_that_comes_back_begins_anew() -> None:
    """Also where Alertmanager has not heard yet that it was over."""
    over = turned(book_of(SUSPENDED), [], LATER).book
    assert lasting(over) == frozenset()
    again = turned(over, [firing(SUSPENDED)], LATER + RIPE)
    (begun,) = again.begun
    assert begun.since == (LATER + RIPE).replace(microsecond=0)
    assert lasting(again.book) == {SUSPENDED}


def test_a_clock_that_goes_back_ends_nothing_before_it_began() -> None:
    """Alertmanager takes no alert whose end is before its beginning: another replica's clock may be behind."""
    (ended,) = turned(book_of(SUSPENDED), [], NOW - timedelta(seconds=5)).ended
    assert ended.over == NOW


def test_the_status_keeps_the_book() -> None:
    """In the order of the table; what was over and not yet told is over afterwards, too."""
    names = (AlertName.CLOSES_HELD, AlertName.SYNCHRONIZATION_FAILURE, SUSPENDED)
    book = turned(book_of(*names), map(firing, names[:2]), LATER).book
    entries = written(book)
    assert fits_sync({"alerts": entries})
    assert [(entry["name"], entry.get("resolved", False)) for entry in entries] == [
        ("NavixySynchronizationFailure", False),
        ("NavixySuspendedCustomersConnected", True),
        ("NavixyClosesHeld", False),
    ]
    read = read_book({"alerts": entries}, LATER + RIPE)
    assert lasting(read) == {AlertName.CLOSES_HELD, AlertName.SYNCHRONIZATION_FAILURE}
    assert [one.since for one in read.values()] == [NOW] * 3
    assert written(read) == entries


@quick
@given(st.lists(st.sets(st.sampled_from(AlertName)), max_size=8))
def test_a_restart_between_any_two_looks_changes_nothing(looks: list[set[AlertName]]) -> None:
    """Whoever reads the status goes on exactly where the other has stopped."""
    kept: Book = {}
    for minutes, names in enumerate(looks):
        now = NOW + timedelta(minutes=minutes)
        restarted = turned(read_book({"alerts": written(kept)}, now), map(firing, sorted(names)), now)
        page = turned(kept, map(firing, sorted(names)), now)
        assert [one.firing.name for one in page.begun] == [one.firing.name for one in restarted.begun]
        assert [one.firing.name for one in page.ended] == [one.firing.name for one in restarted.ended]
        assert written(page.book) == written(restarted.book)
        assert lasting(page.book) == names
        kept = page.book


def test_an_alert_of_another_version_is_left_out() -> None:
    """A status that a newer operator has written is read all the same."""
    entry = {"name": "NavixyOfTomorrow", "severity": "high", "since": "2026-03-01T03:00:00Z", "message": "x"}
    assert read_book({"alerts": [entry]}, NOW) == {}


SEEN: Final = Sighting("main-3", 2)
RUNS: Final = {"activeCycle": "main-3", "suspendedConnected": 0}
ENDED: Final = {"lastCycle": {"name": "main-3", "phase": "completed"}, "suspendedConnected": 0}
CUT_OFF: Final = {"lastCycle": {"name": "main-3", "phase": "failed"}, "suspendedConnected": 0}
ENTRY: Final = written(book_of(SUSPENDED))


@pytest.mark.parametrize(
    ("status", "seconds", "alerts", "count"),
    [
        pytest.param(RUNS, 4.9, [], 0, id="a cycle has just found it"),
        pytest.param(RUNS, 5, ENTRY, 2, id="it is still at it"),
        pytest.param({**RUNS, "alerts": ENTRY}, 0, ENTRY, 2, id="it was known before"),
        pytest.param(ENDED, 0.1, [], 0, id="it has ended meanwhile, and its count is the newer one"),
        pytest.param(CUT_OFF, 0.1, ENTRY, 2, id="it failed before it had looked again"),
    ],
)
def test_what_a_cycle_puts_right_at_once_costs_no_write(
    status: dict[str, Any], seconds: float, alerts: list[Any], count: int
) -> None:
    """A young alert waits for the cycle's end; an older one, and what a failed cycle has seen, is written down."""
    after = noted(status, book_of(SUSPENDED), SEEN, NOW + timedelta(seconds=seconds))
    assert (after.get("alerts", []), after["suspendedConnected"]) == (alerts, count)
    others = {"alerts", "suspendedConnected"}
    assert {k: v for k, v in after.items() if k not in others} == {k: v for k, v in status.items() if k not in others}


def test_other_alerts_are_written_at_once() -> None:
    """A young one beside them is not."""
    after = noted(RUNS, book_of(SUSPENDED, AlertName.CLOSES_HELD), SEEN, NOW)
    assert [entry["name"] for entry in after["alerts"]] == ["NavixyClosesHeld"]
    assert noted(after, {}, None, NOW) == RUNS, "no alert leaves no field"
