"""Discrepancies that last: counted from cycle to cycle on the NavixySync, until one leaves none (AC11)."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest

from navixy_operator.core import cyclestatus
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.driftstatus import DriftCounts, closes_noted, sync_drifted
from navixy_operator.core.vocabulary import Phase, Reason
from support.builders import NOW
from support.models import fits_sync

JSON = dict[str, Any]
DAY: Final = timedelta(days=1)
COUNTS: Final = {"expected": 3, "actual": 2, "unresolved": 1, "suspendedRemaining": 0}
IN_STEP: Final = Ending(
    Phase.COMPLETED, Reason.SYNCHRONIZED, "", {"counts": COUNTS, "validation": {"passed": True, "messages": []}}
)
OUT_OF_STEP: Final = Ending(
    Phase.COMPLETED,
    Reason.DISCREPANCIES,
    "",
    {"counts": COUNTS, "validation": {"passed": False, "messages": ["2 connections are connected"]}},
)
FAILED: Final = Ending(Phase.FAILED, Reason.FORWARDING_UNAVAILABLE, "503")


def after(previous: JSON, ending: Ending, now: datetime = NOW, **options: Any) -> JSON:
    """The NavixySync after a cycle."""
    before = cyclestatus.sync_started(previous, "main-1", generation=1, now=now)
    cycle = cyclestatus.cycle_ended({}, ending, generation=1, now=now, seconds=1)
    status = cyclestatus.sync_ended(before, "main-1", cycle, ending, generation=1, now=now, **options)
    assert fits_sync(status)
    return status


def carried(status: JSON) -> tuple[Any, Any, tuple[str, str]]:
    """For how many cycles, since when, and what InSync says."""
    (in_sync,) = [(c["status"], c["reason"]) for c in status["conditions"] if c["type"] == "InSync"]
    return status.get("discrepantCycles"), status.get("discrepantSince"), in_sync


FRESH: Final = ("False", "Discrepancies")
LASTING: Final = ("False", "PersistentDiscrepancies")
NONE: Final = (None, None, ("True", "Synchronized"))
SINCE: Final = "2026-03-01T03:00:00Z"


def test_counted_until_there_are_none() -> None:
    """One more with each cycle, since the first of them; the first cycle in step takes it all back."""
    status: JSON = {}
    for count in range(1, 6):
        status = after(status, OUT_OF_STEP, NOW + (count - 1) * DAY)
        assert carried(status) == (count, SINCE, FRESH if count <= 2 else LASTING)
    assert carried(after(status, IN_STEP)) == NONE
    assert carried(after(after(status, IN_STEP), OUT_OF_STEP, NOW + 9 * DAY)) == (1, "2026-03-10T03:00:00Z", FRESH)


@pytest.mark.parametrize("persistent", [1, 2, 5])
def test_persistent_is_more_than_so_many_cycles(persistent: int) -> None:
    """Spec: discrepancies that persist for more than 2 cycles; the number is a setting."""
    status: JSON = {}
    for count in range(1, 8):
        status = after(status, OUT_OF_STEP, persistent=persistent)
        assert carried(status)[2] == (LASTING if count > persistent else FRESH)


@pytest.mark.parametrize("count", [0, 1, 3])
def test_a_failed_cycle_tells_nothing_of_it(count: int) -> None:
    """It has found out nothing: neither one more, nor over."""
    status = after({}, IN_STEP)
    for _ in range(count):
        status = after(status, OUT_OF_STEP)
    failed = after(status, FAILED, NOW + DAY)
    assert carried(failed) == carried(status)
    assert carried(after(failed, OUT_OF_STEP))[0] == count + 1


def test_a_first_cycle_that_fails() -> None:
    """Nothing is known, and nothing is said of it."""
    status = after({}, FAILED)
    assert not status.keys() & {"discrepantCycles", "discrepantSince"}
    assert "InSync" not in {entry["type"] for entry in status["conditions"]}


def test_a_dry_look_in_between_changes_nothing() -> None:
    """A cycle that starts, and a NavixySync that rests, leave the count as it is."""
    status = after({}, OUT_OF_STEP)
    for later in (
        cyclestatus.sync_started(status, "main-2", generation=1, now=NOW),
        cyclestatus.sync_resting(status, stalled=None, next_time=NOW, generation=1, now=NOW),
        cyclestatus.sync_resting(status, stalled=(Reason.INVALID_SPEC, "x"), next_time=None, generation=1, now=NOW),
    ):
        assert carried(later) == carried(status)


def test_drift_passes_and_cycles_leave_each_others_fields() -> None:
    """The closes of drift passes outlive a cycle; a pass that finds all in step does not end the cycles' count."""
    status = closes_noted(after({}, OUT_OF_STEP), 3, NOW)
    for ending in (OUT_OF_STEP, IN_STEP, FAILED):
        assert after(status, ending)["recentCloses"] == [{"hour": SINCE, "count": 3}]
    drifted = sync_drifted(status, DriftCounts(3, 3, 0, 0), generation=1, now=NOW)
    assert carried(drifted) == (1, SINCE, ("True", "Synchronized"))
    assert carried(after(drifted, OUT_OF_STEP))[0] == 2


def test_what_persists_stays_said_through_drift_passes() -> None:
    """A pass that still finds something wrong leaves the stronger word."""
    status: JSON = {}
    for _ in range(3):
        status = after(status, OUT_OF_STEP)
    drifted = sync_drifted(status, DriftCounts(3, 2, 1, 0, ("x",)), generation=1, now=NOW)
    assert carried(drifted)[2] == LASTING
