"""The condition AuditAvailable: what it says, when it changes, and that no other writer of the status drops it."""

from datetime import timedelta
from typing import Any

import pytest

from navixy_operator.core import cyclestatus, driftstatus
from navixy_operator.core.auditstatus import sync_audited
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.vocabulary import Condition, Phase, Reason
from support.builders import NOW

LATER = NOW + timedelta(minutes=5)
AWAY = (Reason.AUDIT_UNAVAILABLE, "the audit trail's database does not answer")
FULL = (Reason.AUDIT_SPOOL_FULL, "the spool has reached its bound")


def audited(previous: Any, trouble: tuple[Reason, str] | None, **more: Any) -> Any:
    """A minute later, by default of the same generation."""
    return sync_audited(previous, trouble, **{"generation": 1, "now": LATER, **more})


def told(status: Any) -> tuple[str, str, str] | None:
    """Status, reason and time of the condition."""
    found = [c for c in status.get("conditions", ()) if c["type"] == "AuditAvailable"]
    return (found[0]["status"], found[0]["reason"], found[0]["lastTransitionTime"]) if found else None


@pytest.mark.parametrize(
    ("trouble", "status", "reason"),
    [
        (None, "True", "Available"),
        (AWAY, "False", "AuditUnavailable"),
        ((Reason.AUDIT_URL_INVALID, "no URL"), "False", "AuditUrlInvalid"),
        (FULL, "False", "AuditSpoolFull"),
    ],
)
def test_it_says_how_the_trail_is(trouble: tuple[Reason, str] | None, status: str, reason: str) -> None:
    """For the first time, and afterwards nothing changes: the very same status is written by nobody."""
    found = audited({"phase": "pending"}, trouble)
    assert told(found) == (status, reason, "2026-03-01T03:05:00Z")
    assert found["phase"] == "pending"
    assert audited(found, trouble, now=LATER + timedelta(days=1), generation=2) is found


def test_the_time_moves_only_with_the_status() -> None:
    """Another trouble is the same outage."""
    well = audited({}, None, now=NOW)
    away = audited(well, AWAY)
    full = audited(away, FULL, now=LATER + timedelta(hours=1))
    assert told(full) == ("False", "AuditSpoolFull", "2026-03-01T03:05:00Z")
    assert told(audited(full, None, now=LATER + timedelta(hours=2))) == ("True", "Available", "2026-03-01T05:05:00Z")


def test_the_others_are_left_as_they_are() -> None:
    """Every condition that was there is there, in the vocabulary's order."""
    ready = {"type": "Ready", "status": "True", "reason": "Synchronized", "message": "x", "lastTransitionTime": "t"}
    held = {**ready, "type": "ClosesHeld", "status": "False"}
    found = audited({"conditions": [held, ready]}, AWAY)
    assert [c["type"] for c in found["conditions"]] == ["Ready", "ClosesHeld", "AuditAvailable"]
    assert {c["lastTransitionTime"] for c in found["conditions"][:2]} == {"t"}


COMPLETED = Ending(
    Phase.COMPLETED,
    Reason.SYNCHRONIZED,
    "well",
    {
        "counts": dict.fromkeys(("expected", "actual", "unresolved", "suspendedRemaining"), 0),
        "validation": {"passed": True, "messages": []},
    },
)
FAILED = Ending(Phase.FAILED, Reason.DATABASE_UNAVAILABLE, "away")
COUNTS = driftstatus.DriftCounts(1, 1, 0, 0)


def ended(status: Any, ending: Ending) -> Any:
    """After a cycle."""
    cycle = cyclestatus.cycle_ended({}, ending, generation=1, now=LATER, seconds=1)
    return cyclestatus.sync_ended(status, "c-1", cycle, ending, generation=1, now=LATER)


def resting(status: Any, stalled: tuple[Reason, str] | None) -> Any:
    """Between cycles."""
    return cyclestatus.sync_resting(status, stalled=stalled, next_time=LATER, generation=1, now=LATER)


@pytest.mark.parametrize("before", [None, AWAY], ids=["well", "away"])
@pytest.mark.parametrize(
    "write",
    [
        lambda status: cyclestatus.sync_started(status, "c-1", generation=1, now=LATER),
        lambda status: ended(status, COMPLETED),
        lambda status: ended(status, FAILED),
        lambda status: resting(status, None),
        lambda status: resting(status, (Reason.INVALID_SPEC, "x")),
        lambda status: driftstatus.sync_drifted(status, COUNTS, generation=1, now=LATER),
        lambda status: driftstatus.sync_drift_failed(
            status, Condition.FORWARDING_AVAILABLE, Reason.FORWARDING_UNAVAILABLE, "x", generation=1, now=LATER
        ),
        lambda status: driftstatus.closes_noted(status, 1, LATER),
    ],
    ids=["started", "completed", "failed", "resting", "stalled", "drifted", "drift failed", "closes noted"],
)
def test_no_other_writer_drops_it(write: Any, before: tuple[Reason, str] | None) -> None:
    """Whoever else writes the status leaves it as it is, time and all; also twice in a row."""
    status = audited({}, before, now=NOW)
    wanted = told(status)
    assert wanted is not None
    assert told(write(status)) == told(write(write(status))) == wanted


def test_a_new_sync_that_says_only_this_is_still_to_be_judged() -> None:
    """The condition may come first: Ready is said all the same."""
    found = resting(audited({}, None), None)
    assert {c["type"] for c in found["conditions"]} == {"Ready", "AuditAvailable"}
    assert found["phase"] == "pending"
