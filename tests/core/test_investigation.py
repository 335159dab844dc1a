"""An Investigation's status: phases, times that follow cycles, and what makes it news."""

from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.api.investigation import InvestigationStatus
from navixy_operator.core.causes import conclude
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.evidence import evidence
from navixy_operator.core.investigation import (
    BY_HAND,
    GONE,
    Report,
    acknowledged_by,
    in_phase,
    is_news,
    is_over,
    name_for,
    not_seen,
    phase_of,
    seen,
)
from navixy_operator.core.resolutions import suggestions
from navixy_operator.core.triggers import Facts, Sighting
from navixy_operator.core.vocabulary import ACKNOWLEDGE, InvestigationPhase, Trigger
from support.builders import NOW
from support.inquests import case, cases, cycle, facts, failed, mismatch
from support.inquests import seen as sighted
from support.models import fits
from support.strategies import quick

JSON = dict[str, Any]
REPORT: Final = Report(
    [{"step": "ReviewSynchronizationLogs", "findings": ["x"]}], "Unknown", "nobody knows", ("Look.",)
)
MISMATCH, SUSPENDED = Trigger.COUNT_MISMATCH, Trigger.SUSPENDED_CONNECTED
OPEN, ACKNOWLEDGED, RESOLVED = InvestigationPhase
FAILED: Final = facts(failed(1))


def sighting(found: Facts, trigger: Trigger = Trigger.SYNCHRONIZATION_FAILURE) -> Sighting:
    """The trigger as it is seen."""
    return sighted(found)[trigger]


def status_of(found: Facts, trigger: Trigger = Trigger.SYNCHRONIZATION_FAILURE, before: JSON | None = None, *,
              at: datetime = NOW, by: str | None = None) -> JSON:  # fmt: skip
    """The status after one look at a trigger that is seen."""
    now = seen(before or {}, sighting(found, trigger), REPORT, found, now=at)
    return in_phase(now, by, over=None, generation=1, now=at)


def day(number: int, seconds: int = 0) -> datetime:
    """A moment of a day."""
    return NOW + timedelta(days=number, seconds=seconds)


def ready(status: JSON) -> tuple[str, str, str]:
    """Status, reason and message of ``Ready``."""
    (entry,) = status["conditions"]
    return entry["status"], entry["reason"], entry["message"]


def test_opened() -> None:
    """By a cycle: last seen when it ended, whatever the clock says."""
    status = status_of(FAILED, at=day(1, 40))
    assert {key: status[key] for key in ("phase", "openedTime", "lastSeenTime", "lastSeenCycle", "cyclesSeen")} == {
        "phase": "Open",
        "openedTime": timestamp(day(1, 40)),
        "lastSeenTime": timestamp(day(1, 30)),
        "lastSeenCycle": "main-1",
        "cyclesSeen": 1,
    }
    assert status["message"] == "the last cycle failed with DatabaseUnavailable"
    assert status["probableCause"] == {"reason": "Unknown", "message": "nobody knows"}
    assert status["suggestedResolution"] == ["Look."]
    assert ready(status) == ("False", "Open", "the last cycle failed with DatabaseUnavailable; nobody knows")


@pytest.mark.parametrize(
    ("annotations", "by"),
    [({}, None), ({ACKNOWLEDGE: ""}, None), ({ACKNOWLEDGE: " \n"}, None), ({ACKNOWLEDGE: " ops  team "}, "ops team"),
     ({ACKNOWLEDGE: "x" * 3000}, "x" * 1023 + "…")],
    ids=["none", "empty", "blank", "somebody", "long"],
)  # fmt: skip
def test_who_acknowledges(annotations: dict[str, str], by: str | None) -> None:
    """Whoever the annotation names; nobody where it names nobody."""
    assert acknowledged_by(annotations) == by


def test_acknowledged_and_taken_back() -> None:
    """The time is of when it was first seen; another one's word begins anew; without it, it is open again."""
    first = status_of(FAILED, by="ops", at=day(1, 40))
    assert (first["phase"], first["acknowledgedBy"], first["acknowledgedTime"]) == (
        "Acknowledged",
        "ops",
        timestamp(day(1, 40)),
    )
    assert ready(first)[:2] == ("False", "Acknowledged")
    later = in_phase(first, "ops", over=None, generation=1, now=day(2))
    assert later == first
    another = in_phase(first, "dev", over=None, generation=1, now=day(2))
    assert (another["acknowledgedBy"], another["acknowledgedTime"]) == ("dev", timestamp(day(2)))
    open_again = in_phase(first, None, over=None, generation=1, now=day(2))
    assert open_again["phase"] == "Open"
    assert not {"acknowledgedBy", "acknowledgedTime"} & open_again.keys()


def test_resolved() -> None:
    """Ready, and for good: who looked into it stays written down, and an annotation changes nothing any more."""
    status = in_phase(status_of(FAILED, by="ops"), "ops", over=GONE, generation=1, now=day(2))
    assert (status["phase"], status["resolvedTime"], status["acknowledgedBy"]) == ("Resolved", timestamp(day(2)), "ops")
    assert ready(status) == ("True", "Resolved", GONE)
    assert phase_of(status) is RESOLVED


SEEN: Final = status_of(FAILED)
CLEAR: Final = not_seen(SEEN, created=NOW, now=day(1, 60))
NEWS: Final = [
    ("new", {}, FAILED, None, True),
    ("made by hand", {"phase": "Open"}, FAILED, None, True),
    ("seen already", SEEN, FAILED, None, False),
    ("a newer cycle", SEEN, facts(failed(1), failed(2)), None, True),
    ("an interrupted one since", SEEN, facts(failed(1), failed(2, "Interrupted")), None, False),
    ("older ones are pruned", status_of(facts(failed(0), failed(1))), FAILED, None, False),
    ("it was clear", CLEAR, FAILED, None, True),
    ("between cycles", status_of(facts(cycle(1), suspendedConnected=1), SUSPENDED, at=day(1, 60)),
     facts(cycle(1), suspendedConnected=1), SUSPENDED, False),
    ("between cycles, more", status_of(facts(cycle(1), suspendedConnected=1), SUSPENDED, at=day(1, 60)),
     facts(cycle(1), suspendedConnected=2), SUSPENDED, True),
    ("still, after a cycle", status_of(facts(cycle(1), suspendedConnected=1), SUSPENDED, at=day(1, 60)),
     facts(cycle(1), cycle(2), suspendedConnected=1), SUSPENDED, True),
]  # fmt: skip


@pytest.mark.parametrize(
    ("before", "found", "trigger", "news"), [row[1:] for row in NEWS], ids=[row[0] for row in NEWS]
)
def test_news(before: JSON, found: Facts, trigger: Trigger | None, news: bool) -> None:  # noqa: FBT001 - a table
    """A cycle that shows it, or something else to see where that can change between cycles."""
    assert is_news(before, sighting(found, *filter(None, [trigger])), found) is news


def test_times_follow_cycles() -> None:
    """Two more cycles show it: last seen moves to the end of each, the beginning stays."""
    status = status_of(FAILED, at=day(1, 40))
    for number in (2, 3):
        found = facts(*(failed(each) for each in range(1, number + 1)))
        status = status_of(found, before=status, at=day(number, 40))
        assert (status["lastSeenCycle"], status["lastSeenTime"]) == (f"main-{number}", timestamp(day(number, 30)))
    assert (status["cyclesSeen"], status["openedTime"]) == (3, timestamp(day(1, 40)))
    assert "3 in a row" in status["message"]


def test_seen_between_cycles() -> None:
    """Last seen then; it moves when it comes back, and when it is still there after a cycle."""
    found = facts(cycle(1), suspendedConnected=1)
    status = status_of(found, SUSPENDED, at=day(1, 60))
    assert (status["lastSeenTime"], status["cyclesSeen"], "lastSeenCycle" in status) == (
        timestamp(day(1, 60)),
        0,
        False,
    )
    more = status_of(facts(cycle(1), suspendedConnected=2), SUSPENDED, status, at=day(1, 90))
    assert more["lastSeenTime"] == timestamp(day(1, 60))
    again = status_of(found, SUSPENDED, not_seen(more, created=NOW, now=day(1, 95)), at=day(1, 100))
    assert (again["lastSeenTime"], "clearSince" in again) == (timestamp(day(1, 100)), False)
    still = status_of(facts(cycle(1), cycle(2), suspendedConnected=1), SUSPENDED, again, at=day(2, 60))
    assert still["lastSeenTime"] == timestamp(day(2, 60))


OVER: Final = [
    ("the same cycle", SEEN, [failed(1)], False),
    ("completed since", SEEN, [failed(1), cycle(2)], True),
    ("failed since", SEEN, [failed(1), failed(2)], False),
    ("interrupted, then completed", SEEN, [failed(1), failed(2, "Interrupted"), cycle(3)], True),
    ("completed before", SEEN, [cycle(0), failed(1)], False),
    ("all pruned", SEEN, [], False),
    ("began before it was seen", {**SEEN, "lastSeenTime": timestamp(day(2, 1))}, [cycle(2)], False),
    ("began when it was seen", {**SEEN, "lastSeenTime": timestamp(day(2))}, [cycle(2)], True),
]


@pytest.mark.parametrize(("status", "cycles", "over"), [row[1:] for row in OVER], ids=[row[0] for row in OVER])
def test_over(status: JSON, cycles: list[Any], over: bool) -> None:  # noqa: FBT001 - a table
    """After a whole completed cycle that began when it was no longer seen."""
    assert is_over(status, cycles) is over


def test_not_seen() -> None:
    """Since when is kept, once; one made by hand has its times from its creation."""
    assert {**SEEN, "clearSince": timestamp(day(1, 60))} == CLEAR
    assert not_seen(CLEAR, created=NOW, now=day(2)) == CLEAR
    made = not_seen({}, created=NOW, now=day(2))
    assert (made["message"], made["openedTime"], made["lastSeenTime"]) == (BY_HAND, timestamp(NOW), timestamp(NOW))


@pytest.mark.parametrize(
    ("taken", "name"),
    [
        ([], "main-connectioncountmismatch-1"),
        (["main-connectioncountmismatch-1", "main-connectioncountmismatch-9"], "main-connectioncountmismatch-10"),
        (["main-connectioncountmismatch-x", "main-connectioncountmismatch-", "main-synchronizationfailure-7"],
         "main-connectioncountmismatch-1"),
        (["other-connectioncountmismatch-4", "xmain-connectioncountmismatch-4", "main-connectioncountmismatch-4-4"],
         "main-connectioncountmismatch-1"),
        (["main-connectioncountmismatch-٣"], "main-connectioncountmismatch-1"),
    ],
)  # fmt: skip
def test_names(taken: list[str], name: str) -> None:
    """NavixySync, trigger, and the next number."""
    assert name_for("main", MISMATCH, taken) == name
    assert name not in taken


def test_names_are_no_longer_than_a_name_may_be() -> None:
    """For every trigger and the longest name of a NavixySync."""
    for trigger in Trigger:
        assert len(name_for("x" * 52, trigger, [])) <= 253
        assert len(trigger) <= 63, "a label"


@quick
@given(cases(), st.sampled_from([None, "ops"]), st.sampled_from([None, GONE]))
def test_a_status_fits_its_place(found: Any, by: str | None, over: str | None) -> None:
    """Whatever was found: the CRD takes it unchanged, and looking again changes nothing."""
    conclusion = conclude(found)
    told = suggestions(found, conclusion.cause)
    report = Report(evidence(found, conclusion), conclusion.cause.value, conclusion.message, told)
    status = seen({}, found.sighting, report, found.facts, now=NOW)
    status = in_phase(status, by, over=over, generation=1, now=NOW)
    assert fits(InvestigationStatus, status)
    assert not is_news(status, found.sighting, found.facts)
    assert in_phase(status, by, over=over, generation=1, now=day(9)) == status


def test_a_mismatch_that_persists_is_told_anew_by_each_cycle() -> None:
    """The message of the last cycle that showed it."""
    first = status_of(facts(mismatch(1)), MISMATCH)
    both = facts(mismatch(1), mismatch(2))
    assert case(both, MISMATCH).sighting.message == status_of(both, MISMATCH, first)["message"] != first["message"]
