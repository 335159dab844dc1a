"""A NavixySync after a drift pass: the closes it counts over a day, conditions that change only where they should."""

import copy
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.core import cyclestatus
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.driftstatus import (
    IN_DRIFT,
    WINDOW,
    DriftCounts,
    closes_noted,
    recent_closes,
    sync_drift_failed,
    sync_drifted,
)
from navixy_operator.core.vocabulary import Condition, Phase, Reason
from support.builders import NOW
from support.models import fits_sync
from support.strategies import quick

JSON = dict[str, Any]
HOUR, SECOND = timedelta(hours=1), timedelta(seconds=1)
LATER: Final = NOW + HOUR
WELL: Final = DriftCounts(3, 3, 0, 0)
COUNTS: Final = {"expected": 3, "actual": 3, "unresolved": 0, "suspendedRemaining": 0}
HELD: Final = {"digest": "0123456789abcdef", "count": 1, "reason": "EmptyDatabase"}


def noted(*closes: tuple[datetime, int], status: JSON | None = None) -> JSON:
    """The status after passes that closed so many at these moments."""
    found = status or {}
    for moment, count in closes:
        found = closes_noted(found, count, moment)
        assert fits_sync(found)
    return found


def test_closes_are_counted_by_the_hour() -> None:
    """Closes of one hour are added up, hours stand in order, the rest of the status stays."""
    status = noted(
        (NOW + timedelta(minutes=59, seconds=59.999), 2),
        (NOW, 1),
        (NOW + HOUR, 4),
        (NOW - HOUR, 8),
        status={"phase": "completed"},
    )
    assert status == {
        "phase": "completed",
        "recentCloses": [
            {"hour": "2026-03-01T02:00:00Z", "count": 8},
            {"hour": "2026-03-01T03:00:00Z", "count": 3},
            {"hour": "2026-03-01T04:00:00Z", "count": 4},
        ],
    }
    assert recent_closes(status, NOW + HOUR) == 15


def test_none_were_made() -> None:
    """A status without the list, or with an empty one."""
    assert recent_closes({}, NOW) == recent_closes({"recentCloses": []}, NOW) == 0


@pytest.mark.parametrize(
    ("age", "counts"),
    [
        (timedelta(0), True),
        (WINDOW, True),
        (WINDOW + HOUR - SECOND, True),
        (WINDOW + HOUR, False),
        (timedelta(days=9), False),
        (-HOUR, True),
    ],
    ids=str,
)
def test_the_edge_of_the_window(age: timedelta, counts: bool) -> None:  # noqa: FBT001 - a column of the table
    """An hour counts until its very last close is a day old, and is then dropped; a clock set back forgets nothing."""
    status = noted((NOW, 5))
    assert recent_closes(status, NOW + age) == 5 * counts
    assert len(noted((NOW + age, 1), status=status)["recentCloses"]) == 1 + counts - (age == timedelta(0))


@quick
@given(st.lists(st.tuples(st.integers(0, 72 * 60), st.integers(1, 5)), max_size=30))
def test_no_close_of_a_day_is_forgotten(closes: list[tuple[int, int]]) -> None:
    """Whenever passes close: all of the last 24 hours count, none of those older than 25; the list stays short."""
    status: JSON = {}
    made: list[tuple[datetime, int]] = []
    for minutes, count in sorted(closes):
        moment = NOW + timedelta(minutes=minutes)
        for sure, last in ((False, WINDOW + HOUR), (True, WINDOW)):
            within = sum(number for when, number in made if moment - when < last)
            assert recent_closes(status, moment) >= within if sure else recent_closes(status, moment) <= within
        status = noted((moment, count), status=status)
        made.append((moment, count))
        assert len(status["recentCloses"]) <= 25


def after_cycle(*messages: str, held: JSON | None = None) -> JSON:
    """A NavixySync after a cycle that found these problems, or held closes."""
    validation = {"passed": not messages, "expected": 3, "actual": 3, "messages": list(messages)}
    details = {"counts": COUNTS, "validation": validation, **({} if held is None else {"heldCloses": held})}
    ending = Ending(Phase.COMPLETED, Reason.SYNCHRONIZED, "3 of 3", details)
    cycle = cyclestatus.cycle_ended({}, ending, generation=1, now=NOW, seconds=1)
    return cyclestatus.sync_ended({}, "main-1", cycle, ending, generation=1, now=NOW)


def drifted(previous: JSON, counts: DriftCounts = WELL, now: datetime = LATER, generation: int = 1) -> JSON:
    """The status after a pass, checked against the model, and against what it was made of."""
    before = copy.deepcopy(previous)
    status = sync_drifted(previous, counts, generation=generation, now=now)
    assert fits_sync(status)
    assert previous == before
    return status


def said(status: JSON) -> dict[str, tuple[str, str]]:
    """Condition types with status and reason."""
    return {entry["type"]: (entry["status"], entry["reason"]) for entry in status["conditions"]}


def changed(before: JSON, after: JSON) -> set[str]:
    """The condition types that are not what they were."""
    entries = [{c["type"]: c for c in status["conditions"]} for status in (before, after)]
    return {kind for kind in entries[0].keys() | entries[1].keys() if entries[0].get(kind) != entries[1].get(kind)}


PROBLEM: Final = DriftCounts(3, 2, 1, 0, ("1 eligible customers without their connection: acme",))
HOLDS: Final = DriftCounts(3, 3, 1, 1)


@pytest.mark.parametrize(
    ("before", "counts"),
    [
        pytest.param(after_cycle(), WELL, id="all is well"),
        pytest.param(after_cycle("0 connections where 3 are expected"), DriftCounts(3, 3, 0, 0, ("x",)), id="as wrong"),
        pytest.param(after_cycle(held=HELD), DriftCounts(3, 3, 0, 1), id="held as the cycle held them"),
        pytest.param(after_cycle(held=HELD), WELL, id="nothing of what the cycle held is left"),
        pytest.param(drifted({}), WELL, id="before the first cycle has ended"),
        pytest.param(drifted(after_cycle(), PROBLEM), PROBLEM, id="the same problem"),
        pytest.param(drifted(after_cycle(), HOLDS), HOLDS, id="the same closes held"),
    ],
)
def test_nothing_new_changes_nothing(before: JSON, counts: DriftCounts) -> None:
    """A pass that finds what is known leaves the very same content: nothing is written."""
    assert drifted(before, counts) == before


@pytest.mark.parametrize(
    ("before", "counts", "kinds"),
    [
        pytest.param(after_cycle(), PROBLEM, {"InSync"}, id="a problem came up"),
        pytest.param(after_cycle(), replace(WELL, suspended=2), set(), id="suspended customers are connected"),
        pytest.param(after_cycle("x"), WELL, {"InSync"}, id="the cycle's problem is gone"),
        pytest.param(drifted(after_cycle(), PROBLEM), WELL, {"InSync"}, id="a pass's problem is gone"),
        pytest.param(after_cycle(), HOLDS, {"ClosesHeld"}, id="closes are held"),
        pytest.param(drifted(after_cycle(), HOLDS), WELL, {"ClosesHeld"}, id="and no longer"),
        pytest.param(after_cycle(held=HELD), PROBLEM, {"InSync"}, id="a problem beside what the cycle held"),
    ],
)
def test_only_what_is_new_changes(before: JSON, counts: DriftCounts, kinds: set[str]) -> None:
    """Other conditions keep their words and times; the counts are the pass's."""
    after = drifted(before, counts)
    assert changed(before, after) == kinds
    assert after["suspendedConnected"] == counts.suspended
    assert [after[key] for key in ("expected", "actual", "discrepancies")] == [
        counts.expected,
        counts.actual,
        counts.unresolved,
    ]
    counted = {"expected", "actual", "discrepancies", "suspendedConnected", "conditions"}
    assert {k: v for k, v in after.items() if k not in counted} == {k: v for k, v in before.items() if k not in counted}


def test_in_sync() -> None:
    """What the pass found, in words; and that it is over."""
    wrong = drifted(after_cycle(), PROBLEM)
    assert said(wrong)["InSync"] == ("False", "Discrepancies")
    assert "acme" in next(c["message"] for c in wrong["conditions"] if c["type"] == "InSync")
    assert said(drifted(wrong, WELL, now=LATER + HOUR))["InSync"] == ("True", "Synchronized")


def test_closes_held() -> None:
    """A pass says that it holds closes, and takes back its own word only: a cycle's list waits for its approval."""
    holding = drifted(after_cycle(), HOLDS)
    assert said(holding)["ClosesHeld"] == ("True", "MassClose")
    assert next(c["message"] for c in holding["conditions"] if c["type"] == "ClosesHeld") == IN_DRIFT
    assert said(drifted(holding))["ClosesHeld"] == ("False", "NoneHeld")
    assert said(drifted(after_cycle(held=HELD)))["ClosesHeld"] == ("True", "EmptyDatabase")


TROUBLE: Final = [
    (Condition.FORWARDING_AVAILABLE, Reason.FORWARDING_UNAVAILABLE),
    (Condition.FORWARDING_AVAILABLE, Reason.FORWARDING_UNAUTHORIZED),
    (Condition.DATABASE_AVAILABLE, Reason.DATABASE_UNAVAILABLE),
]


@pytest.mark.parametrize(("kind", "reason"), TROUBLE)
@pytest.mark.parametrize("before", [{}, after_cycle("x", held=HELD)], ids=["new", "after a cycle"])
def test_trouble(before: JSON, kind: Condition, reason: Reason) -> None:
    """Who does not answer is said, once; all else stays, and is said again when it answers."""
    failed = sync_drift_failed(before, kind, reason, "m" * 5000, generation=1, now=LATER)
    assert fits_sync(failed)
    assert said(failed)[kind] == ("False", reason.value)
    assert changed({"conditions": [], **before}, failed) == {kind}
    assert sync_drift_failed(failed, kind, reason, "m" * 5000, generation=1, now=LATER + HOUR) == failed
    back = drifted(failed, DriftCounts(3, 3, 0, 1, ("x",)), now=LATER + HOUR)
    assert said(back)[Condition.FORWARDING_AVAILABLE] == ("True", "Available")


@pytest.mark.parametrize("asked", [True, False])
def test_the_database_answers_again(asked: bool) -> None:  # noqa: FBT001 - the column
    """Only a pass that asked it for hashes can tell; another leaves what was said."""
    reason = Reason.DATABASE_UNAVAILABLE
    before = sync_drift_failed(after_cycle(), Condition.DATABASE_AVAILABLE, reason, "no route", generation=1, now=LATER)
    after = drifted(before, DriftCounts(3, 3, 0, 0, database=asked), now=LATER + HOUR)
    assert said(after)["DatabaseAvailable"] == (("True", "Available") if asked else ("False", reason.value))
    assert drifted(after, DriftCounts(3, 3, 0, 0, database=asked), now=LATER + 2 * HOUR) == after


def test_who_answers_again_says_so_in_the_same_words() -> None:
    """A pass after trouble leaves what a cycle would have: only the time of the change is new."""
    before = after_cycle()
    failed = sync_drift_failed(
        before, Condition.FORWARDING_AVAILABLE, Reason.FORWARDING_UNAVAILABLE, "503", generation=1, now=LATER
    )
    back = drifted(failed, now=LATER + HOUR)
    assert changed(before, back) == {"ForwardingAvailable"}
    (entry,) = [c for c in back["conditions"] if c["type"] == "ForwardingAvailable"]
    assert entry["lastTransitionTime"] == timestamp(LATER + HOUR)
