"""Conditions: one shape, a stable order, and a transition time that moves only with the status."""

from datetime import timedelta, timezone

import pytest

from navixy_operator.api.common import Condition as ConditionModel
from navixy_operator.core.conditions import MAX_MESSAGE, condition, find, merge, timestamp
from navixy_operator.core.vocabulary import Condition, Reason
from support.builders import NOW
from support.models import fits

LATER = NOW + timedelta(hours=1)
READY = condition(Condition.READY, status=True, reason=Reason.CONNECTED, message="connected")
NOT_READY = condition(Condition.READY, status=False, reason=Reason.PENDING, message="pending")
STALLED = condition(Condition.STALLED, status=True, reason=Reason.HASH_REJECTED, message="refused")


@pytest.mark.parametrize(("status", "word"), [(True, "True"), (False, "False"), (None, "Unknown")])
def test_condition(status: bool | None, word: str) -> None:  # noqa: FBT001 - the value under test
    """As metav1.Condition has it, with a message that the API server takes."""
    found = condition(Condition.IN_SYNC, status=status, reason=Reason.DISCREPANCIES, message="x" * 5000)
    assert (found["type"], found["status"], found["reason"]) == ("InSync", word, "Discrepancies")
    assert len(found["message"]) == MAX_MESSAGE
    (merged,) = merge((), [found], generation=3, now=NOW)
    assert fits(ConditionModel, merged)


def test_transition_time_moves_with_the_status_alone() -> None:
    """Another reason or message is no transition; another status is."""
    first = merge((), [READY], generation=1, now=NOW)
    reworded = condition(Condition.READY, status=True, reason=Reason.SUSPENDED, message="suspended")
    second = merge(first, [reworded], generation=2, now=LATER)
    third = merge(second, [NOT_READY], generation=2, now=LATER)
    assert [entry[0]["lastTransitionTime"] for entry in (first, second, third)] == [
        timestamp(NOW),
        timestamp(NOW),
        timestamp(LATER),
    ]
    assert second[0]["reason"] == "Suspended"
    assert second[0]["observedGeneration"] == 2


def test_order_is_stable_and_the_list_whole() -> None:
    """Conditions stand in one order however they are given; what is not said any more goes."""
    one = merge((), [STALLED, NOT_READY], generation=1, now=NOW)
    two = merge((), [NOT_READY, STALLED], generation=1, now=NOW)
    assert one == two
    assert [entry["type"] for entry in one] == ["Ready", "Stalled"]
    assert [entry["type"] for entry in merge(one, [READY], generation=1, now=NOW)] == ["Ready"]


def test_merging_the_same_changes_nothing() -> None:
    """The second time gives an equal list: nothing is written."""
    first = merge((), [READY, STALLED], generation=1, now=NOW)
    assert merge(first, [STALLED, READY], generation=1, now=LATER) == first


def test_a_type_that_nobody_knows_goes_last() -> None:
    """What a later version of the operator wrote does not stop this one."""
    other = {**STALLED, "type": "OfALaterVersion"}
    assert [entry["type"] for entry in merge((), [other, READY], generation=1, now=NOW)] == ["Ready", other["type"]]


def test_find() -> None:
    """By type; None where there is none."""
    found = merge((), [READY], generation=1, now=NOW)
    assert find(found, Condition.READY) == found[0]
    assert find(found, Condition.STALLED) is None


def test_timestamp() -> None:
    """RFC 3339, to the second."""
    assert timestamp(NOW.replace(microsecond=999999)) == "2026-03-01T03:00:00Z"


def test_timestamp_of_another_offset() -> None:
    """In UTC, whatever the offset that F1.1 writes its times with."""
    assert timestamp(NOW.astimezone(timezone(timedelta(hours=2)))) == "2026-03-01T03:00:00Z"
