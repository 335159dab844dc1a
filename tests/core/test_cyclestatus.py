"""The statuses of a SyncCycle and a NavixySync through their lives, as kstatus and the models want them."""

from datetime import timedelta
from typing import Any, Final

import pytest

from navixy_operator.core import cyclestatus
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.vocabulary import Phase, Reason
from support.builders import NOW
from support.models import fits_cycle, fits_sync

JSON = dict[str, Any]
LATER: Final = NOW + timedelta(hours=1)
COUNTS: Final = {"expected": 3, "actual": 2, "discrepancies": 2, "unresolved": 1, "suspendedRemaining": 1}
HELD: Final = {"digest": "0123456789abcdef", "count": 1, "reason": "EmptyDatabase", "items": [{"connectionId": "c"}]}


def completed(*messages: str, **details: Any) -> Ending:
    """A cycle that came to its end, with what its validation found."""
    validation = {"passed": not messages, "expected": 3, "actual": 2, "messages": list(messages)}
    reason = Reason.DISCREPANCIES if messages else Reason.SYNCHRONIZED
    return Ending(Phase.COMPLETED, reason, "2 of 3", {"counts": COUNTS, "validation": validation, **details})


def failed(reason: Reason) -> Ending:
    """A cycle that ended early."""
    return Ending(Phase.FAILED, reason, f"it failed: {reason}")


def started(previous: JSON | None = None) -> JSON:
    """A SyncCycle that runs."""
    status = cyclestatus.cycle_started(previous or {}, generation=1, now=NOW)
    assert fits_cycle(status)
    return status


def ended(ending: Ending, previous: JSON | None = None) -> JSON:
    """A SyncCycle that ran."""
    before = started() if previous is None else previous
    status = cyclestatus.cycle_ended(before, ending, generation=1, now=LATER, seconds=1.23456)
    assert fits_cycle(status)
    return status


def sync_after(ending: Ending, previous: JSON | None = None, now: Any = LATER) -> JSON:
    """A NavixySync after a cycle."""
    before = cyclestatus.sync_started(previous or {}, "main-1", generation=1, now=NOW)
    assert fits_sync(before)
    status = cyclestatus.sync_ended(before, "main-1", ended(ending), ending, generation=2, now=now)
    assert fits_sync(status)
    return status


def resting(previous: JSON, stalled: tuple[Reason, str] | None = None, next_time: Any = LATER) -> JSON:
    """A NavixySync between cycles."""
    status = cyclestatus.sync_resting(previous, stalled=stalled, next_time=next_time, generation=2, now=LATER)
    assert fits_sync(status)
    return status


def said(status: JSON) -> JSON:
    """Condition types with status and reason."""
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in status["conditions"]}


def test_a_waiting_cycle() -> None:
    """What it waits for is said; what was known stays."""
    status = cyclestatus.cycle_waiting({"conditions": []}, Reason.SYNC_NOT_FOUND, "m" * 5000)
    assert fits_cycle(status)
    assert (status["phase"], status["reason"], status["conditions"]) == ("pending", "SyncNotFound", [])


def test_a_running_cycle() -> None:
    """In progress, and not ready: kstatus sees Reconciling."""
    status = started()
    assert (status["phase"], status["startTime"]) == ("in_progress", "2026-03-01T03:00:00Z")
    assert said(status) == {"Ready": ("False", "InProgress"), "Reconciling": ("True", "InProgress")}


def test_a_completed_cycle() -> None:
    """AC8: when it started and ended, how long it took, its report, and Ready."""
    status = ended(completed())
    assert (status["phase"], status["startTime"], status["completionTime"], status["durationSeconds"]) == (
        "completed",
        "2026-03-01T03:00:00Z",
        "2026-03-01T04:00:00Z",
        1.235,
    )
    assert said(status) == {"Ready": ("True", "Synchronized")}
    assert status["counts"] == COUNTS


def test_a_failed_cycle() -> None:
    """AC9: failed, with the reason; kstatus sees Stalled, for this run is over for good."""
    status = ended(failed(Reason.DATABASE_UNAVAILABLE))
    assert status["phase"] == "failed"
    assert said(status) == {"Ready": ("False", "DatabaseUnavailable"), "Stalled": ("True", "DatabaseUnavailable")}
    assert "counts" not in status


def test_a_long_message_is_cut() -> None:
    """No error is so long that the API server would refuse to be told of it."""
    assert ended(Ending(Phase.FAILED, Reason.INTERNAL_ERROR, "m" * 5000))["phase"] == "failed"


def test_held_closes_are_a_condition() -> None:
    """On the SyncCycle and on its NavixySync, with the digest that approves them."""
    ending = completed(heldCloses=HELD)
    for status in (ended(ending), sync_after(ending)):
        assert said(status)["ClosesHeld"] == ("True", "EmptyDatabase")
        assert "0123456789abcdef" in next(c["message"] for c in status["conditions"] if c["type"] == "ClosesHeld")


def test_a_sync_whose_cycle_runs() -> None:
    """It names the cycle; what it knew stays."""
    status = cyclestatus.sync_started(sync_after(completed()), "main-2", generation=1, now=NOW)
    assert fits_sync(status)
    assert (status["phase"], status["activeCycle"], status["expected"]) == ("in_progress", "main-2", 3)


def test_a_sync_after_a_completed_cycle() -> None:
    """The last cycle, its counts, and all conditions."""
    status = sync_after(completed())
    assert status["lastCycle"] == {
        "name": "main-1",
        "phase": "completed",
        "reason": "Synchronized",
        "message": "2 of 3",
        "startTime": "2026-03-01T03:00:00Z",
        "completionTime": "2026-03-01T04:00:00Z",
        "durationSeconds": 1.235,
        "counts": COUNTS,
    }
    assert status["suspendedConnected"] == 1, "as the cycle left it"
    assert [status[key] for key in ("expected", "actual", "discrepancies")] == [3, 2, 1], (
        "what is left, not what was found"
    )
    assert status["lastSuccessfulTime"] == "2026-03-01T04:00:00Z"
    assert "activeCycle" not in status
    assert said(status) == {
        "Ready": ("True", "Synchronized"),
        "DatabaseAvailable": ("True", "Available"),
        "ForwardingAvailable": ("True", "Available"),
        "InSync": ("True", "Synchronized"),
        "ClosesHeld": ("False", "NoneHeld"),
    }


def test_a_sync_that_is_not_in_sync() -> None:
    """AC11: a mismatch is a condition of its own, in words; the cycle itself completed."""
    status = sync_after(completed("x" * 1024, "y" * 1024))
    assert said(status)["InSync"] == ("False", "Discrepancies")
    assert said(status)["Ready"][0] == "True"


AVAILABILITY: Final = {
    Reason.DATABASE_UNAVAILABLE: ("False", "True", False),
    Reason.DATABASE_URL_INVALID: ("False", "True", True),
    Reason.DATABASE_QUERY_FAILED: ("False", "True", True),
    Reason.FORWARDING_UNAVAILABLE: ("True", "False", False),
    Reason.FORWARDING_UNAUTHORIZED: ("True", "False", True),
    Reason.FORWARDING_PROTOCOL_ERROR: ("True", "False", True),
    Reason.KUBERNETES_UNAVAILABLE: ("True", "True", False),
    Reason.KUBERNETES_FORBIDDEN: ("True", "True", True),
    Reason.SECRET_NOT_FOUND: ("True", "True", True),
    Reason.INTERRUPTED: ("True", "True", False),
    Reason.INTERNAL_ERROR: ("True", "True", True),
}


@pytest.mark.parametrize("reason", AVAILABILITY)
def test_a_sync_after_a_failed_cycle(reason: Reason) -> None:
    """Who did not answer is said; what was known of the other stays; Stalled only where a person must act."""
    database, forwarding, stalled = AVAILABILITY[reason]
    before = sync_after(completed("0 connections"))
    status = sync_after(failed(reason), before)
    found = said(status)
    assert (found["DatabaseAvailable"][0], found["ForwardingAvailable"][0], "Stalled" in found) == (
        database,
        forwarding,
        stalled,
    )
    assert (found["Ready"], found["InSync"]) == (("False", reason.value), ("False", "Discrepancies"))
    assert [status[key] for key in ("expected", "actual", "discrepancies")] == [3, 2, 1], (
        "what is left, not what was found"
    )
    assert status["lastSuccessfulTime"] == before["lastSuccessfulTime"]
    last = status["lastCycle"]
    assert (last["phase"], last["reason"], last["message"]) == ("failed", reason.value, f"it failed: {reason}")
    assert status["suspendedConnected"] == 1, "as it was last looked at"


def test_a_first_cycle_that_fails_knows_nothing_of_the_other() -> None:
    """What was never asked is not said to be available."""
    assert "ForwardingAvailable" not in said(sync_after(failed(Reason.DATABASE_UNAVAILABLE)))
    assert said(sync_after(failed(Reason.FORWARDING_UNAVAILABLE)))["DatabaseAvailable"][0] == "True"


def test_a_failure_that_is_over_leaves_nothing_behind() -> None:
    """The next completed cycle takes Stalled and the failures back."""
    status = sync_after(completed(), sync_after(failed(Reason.DATABASE_URL_INVALID)))
    assert "Stalled" not in said(status)
    assert said(status)["DatabaseAvailable"] == ("True", "Available")


def test_a_new_sync_has_not_run_yet() -> None:
    """Before the first cycle: pending, unknown, and when the first is due."""
    status = resting({})
    assert (status["phase"], status["nextScheduleTime"]) == ("pending", "2026-03-01T04:00:00Z")
    assert said(status) == {"Ready": ("True", "NotYetRun")}


def test_a_resting_sync_keeps_what_it_knows() -> None:
    """Only the next time is new; a suspended one has none."""
    before = sync_after(completed())
    assert resting(before) == {**before, "nextScheduleTime": "2026-03-01T04:00:00Z"}
    assert resting(resting(before), next_time=None) == before


@pytest.mark.parametrize("reason", [Reason.INVALID_SPEC, Reason.FORWARDING_SHARED])
def test_a_stalled_sync(reason: Reason) -> None:
    """What keeps it from ever running is said; mended, it waits for its next cycle."""
    before = sync_after(completed())
    stalled = resting(before, (reason, "mend it"), next_time=None)
    assert (stalled["phase"], said(stalled)["Ready"], said(stalled)["Stalled"]) == (
        "failed",
        ("False", reason.value),
        ("True", reason.value),
    )
    assert said(stalled)["InSync"] == said(before)["InSync"]
    mended = resting(stalled)
    assert (mended["phase"], said(mended)["Ready"]) == ("pending", ("True", "NotYetRun"))
    assert "Stalled" not in said(mended)


def test_a_failed_cycles_word_stays_while_resting() -> None:
    """A failure of the last cycle is not forgotten before the next."""
    before = sync_after(failed(Reason.DATABASE_URL_INVALID))
    assert said(resting(before)) == said(before)


def test_a_sync_left_in_progress_is_no_longer() -> None:
    """After a restart no cycle runs, whatever the status says."""
    left = cyclestatus.sync_started(sync_after(completed()), "main-2", generation=1, now=NOW)
    status = resting(left)
    assert (status["phase"], "activeCycle" in status) == ("pending", False)


@pytest.mark.parametrize("stalled", [None, (Reason.INVALID_SPEC, "mend it")])
def test_resting_again_changes_nothing(stalled: tuple[Reason, str] | None) -> None:
    """However often it is looked at: nothing is written."""
    for before in ({}, sync_after(completed()), sync_after(failed(Reason.INTERRUPTED))):
        first = resting(before, stalled)
        assert resting(first, stalled) == first
