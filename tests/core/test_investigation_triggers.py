"""The five triggers, each at its very limit and one beyond, named after the rows of the specification."""

from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.core.history import past_cycles
from navixy_operator.core.triggers import TRIGGERS, Facts
from navixy_operator.core.vocabulary import Trigger
from support.inquests import cycle, facts, failed, mismatch, report, seen, skipping

MISMATCH, FAILURE, SKIPPED = Trigger.COUNT_MISMATCH, Trigger.SYNCHRONIZATION_FAILURE, Trigger.REPEATEDLY_SKIPPED
SUSPENDED, RATE = Trigger.SUSPENDED_CONNECTED, Trigger.HIGH_DISCREPANCY_RATE
OLD = cycle(0)
OF_100 = "among 100 customers, more than 10%"
PERSISTS = "it persists: 3 completed cycles in a row found a mismatch"
THEY_HAVE = "suspended or removed customers have an open connection"
REFUSED = {
    "type": "ForwardingAvailable",
    "status": "False",
    "reason": "ForwardingUnauthorized",
    "message": "F1.1 refuses the token",
}
LEFT = {"discrepancies": [{"type": "SuspendedConnected", "customerRef": "off"}]}


def held(outcome: str) -> dict[str, Any]:
    """A report of a suspended customer whose close ended so."""
    return {**LEFT, "actions": [{"action": "Close", "customerRef": "off", "outcome": outcome}]}


def triggered(found: Facts, trigger: Trigger) -> str | None:
    """What is seen of a trigger."""
    return seen(found)[trigger].message if trigger in seen(found) else None


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (facts(), None),
        (facts(cycle(1)), None),
        (facts(mismatch(1)), "98 connections are connected where 100 are expected"),
        (facts(mismatch(1, actual=101)), "101 connections are connected where 100 are expected"),
        (facts(mismatch(1), cycle(2)), None),
        (facts(cycle(1), mismatch(2)), "98 connections are connected where 100 are expected"),
        (
            facts(mismatch(1), mismatch(2), mismatch(3, actual=99)),
            f"99 connections are connected where 100 are expected; {PERSISTS}",
        ),
        (facts(mismatch(1), failed(2)), "98 connections are connected where 100 are expected"),
        (facts(mismatch(1), cycle(2), failed(3)), None),
        (facts(cycle(1, validation={"passed": False, "expected": 9, "actual": 9})), None),
        (facts(cycle(1), discrepantCycles=2), None),
        (
            facts(cycle(1), discrepantCycles=3),
            "3 completed cycles in a row left discrepancies, though the counts are equal",
        ),
        (facts(failed(1), discrepantCycles=3), None),
    ],
    ids=[
        "nothing",
        "in order",
        "fewer",
        "more",
        "mended",
        "new",
        "persistent",
        "then failed",
        "then mended",
        "members",
        "discrepancies, lasting",
        "discrepancies, persistent",
        "discrepancies, no cycle kept",
    ],
)
def test_trigger_persistent_connection_count_mismatches(found: Facts, message: str | None) -> None:
    """AC11: one completed cycle with a mismatch opens it; that it lasts for more is said."""
    assert triggered(found, MISMATCH) == message


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (facts(cycle(1)), None),
        (facts(failed(1)), "the last cycle failed with DatabaseUnavailable"),
        (facts(failed(1), cycle(2)), None),
        (facts(cycle(1), failed(2), failed(3, "ForwardingUnavailable")),
         "the last cycle failed with ForwardingUnavailable; 2 in a row failed"),
        (facts(failed(1, "Interrupted")), None),
        (facts(failed(1, "Interrupted"), failed(2, "Interrupted")), None),
        (facts(*(failed(number, "Interrupted") for number in range(3))),
         "the last 3 cycles were interrupted: the operator was stopped in their middle"),
        (facts(failed(1), failed(2, "Interrupted")), "the last cycle failed with DatabaseUnavailable"),
        (facts(failed(1), cycle(2), failed(3, "Interrupted")), None),
        (facts(cycle(1), conditions=[REFUSED]), "between the cycles: F1.1 refuses the token"),
        (facts(failed(1), conditions=[REFUSED]), "the last cycle failed with DatabaseUnavailable"),
        (facts(cycle(1), conditions=[{**REFUSED, "reason": "ForwardingUnavailable"}]), None),
    ],
    ids=["completed", "failed", "mended", "twice", "interrupted", "interrupted twice", "interrupted again and again",
         "failed, then interrupted", "mended, then interrupted", "token refused", "failed, token refused", "F1.1 away"],
)  # fmt: skip
def test_trigger_synchronization_failures(found: Facts, message: str | None) -> None:
    """The last cycle failed; that the operator was stopped once is no failure of the synchronization."""
    assert triggered(found, FAILURE) == message


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (facts(skipping(1, a="NoGateways"), skipping(2, a="NoGateways")), None),
        (
            facts(*(skipping(number, a="NoGateways", b="MissingHash") for number in range(3))),
            "2 customers are skipped by each of the last 3 completed cycles: a, b",
        ),
        (
            facts(
                skipping(1, a="NoGateways"), skipping(2, a="MissingHash"), skipping(3, a="MissingHash", b="MissingHash")
            ),
            "1 customer is skipped by each of the last 3 completed cycles: a",
        ),
        (facts(skipping(1, a="NoGateways"), skipping(2, b="NoGateways"), skipping(3, a="NoGateways")), None),
        (facts(*(skipping(number, a="NoGateways") for number in range(3)), skipping(4)), None),
        (
            facts(skipping(1, a="NoGateways"), skipping(2, a="NoGateways"), failed(3), skipping(4, a="NoGateways")),
            "1 customer is skipped by each of the last 3 completed cycles: a",
        ),
        (
            facts(
                *(cycle(number, skips=[{"reason": "InvalidRecord", "message": "no reference"}]) for number in range(3))
            ),
            None,
        ),
        (
            facts(*(skipping(number, **{f"r{n}": "NoGateways" for n in range(7)}) for number in range(3))),
            "7 customers are skipped by each of the last 3 completed cycles: r0, r1, r2, r3, r4 and 2 more",
        ),
    ],
    ids=["twice", "three times", "another reason", "not always", "mended", "a failed one between", "nameless", "many"],
)
def test_trigger_customers_repeatedly_skipped(found: Facts, message: str | None) -> None:
    """The same customers in each of the last three cycles that came to their end, whatever they lack."""
    assert triggered(found, SKIPPED) == message


@pytest.mark.parametrize(
    ("found", "message", "by"),
    [
        (facts(cycle(1), suspendedConnected=0), None, None),
        (facts(cycle(1, **held("Succeeded"), counts={"suspendedConnected": 1}), suspendedConnected=0), None, None),
        (
            facts(cycle(1, **held("Held"), counts={"suspendedRemaining": 1}), suspendedConnected=1),
            "1 suspended or removed customer has an open connection: off",
            "main-1",
        ),
        (
            facts(cycle(1, **held("Failed"), counts={"suspendedRemaining": 1})),
            "1 suspended or removed customer has an open connection: off",
            "main-1",
        ),
        (facts(cycle(1, **held("Held"), counts={"suspendedRemaining": 1}), suspendedConnected=0), None, None),
        (
            facts(cycle(1), suspendedConnected=2),
            "2 suspended or removed customers have an open connection",
            None,
        ),
        (
            facts(cycle(1, **held("Held"), counts={"suspendedRemaining": 1}), suspendedConnected=3),
            "3 suspended or removed customers have an open connection",
            "main-1",
        ),
        (facts(OLD, cycle(1), lastCycle={"name": "main-0"}, suspendedConnected=2), None, None),
        (facts(OLD, cycle(1), failed(2), lastCycle={"name": "main-1"}, suspendedConnected=2), f"2 {THEY_HAVE}", None),
        (facts(cycle(1), lastCycle={"name": "main-2"}, suspendedConnected=2), f"2 {THEY_HAVE}", None),
        (facts(suspendedConnected=1), "1 suspended or removed customer has an open connection", None),
    ],
    ids=[
        "none", "closed", "held", "failed, nothing seen since", "closed since", "between cycles", "more since",
        "the status is older than the cycle", "it is of the last that completed", "it is of one that is not listed yet",
        "before the first cycle",
    ],
)  # fmt: skip
def test_trigger_suspended_customers_with_active_connections(found: Facts, message: str | None, by: str | None) -> None:
    """Still open after the actions, or open again between cycles; the status counts where it is no older."""
    assert triggered(found, SUSPENDED) == message
    if message is not None:
        cycle_ = seen(found)[SUSPENDED].cycle
        assert (cycle_ and cycle_.name) == by


@pytest.mark.parametrize(
    ("found", "message"),
    [
        (facts(OLD, cycle(1, counts={"discrepancies": 10})), None),
        (facts(OLD, cycle(1, counts={"discrepancies": 11})), f"11 discrepancies {OF_100}"),
        (facts(OLD, cycle(1, counts={"discrepancies": 11}), failed(2)), f"11 discrepancies {OF_100}"),
        (facts(OLD, cycle(1, counts={"discrepancies": 11}), cycle(2)), None),
        (facts(cycle(1, counts={"discrepancies": 100, "created": 100})), None),
        (facts(failed(0), cycle(1, counts={"discrepancies": 100, "created": 100})), None),
        (facts(cycle(1, counts={"discrepancies": 100, "created": 49})), f"100 discrepancies {OF_100}"),
        (facts(OLD, cycle(1, counts={"discrepancies": 100, "created": 100})),
         f"100 discrepancies {OF_100}"),
        (facts(OLD, cycle(1, customers=0, counts={"discrepancies": 1})),
         "1 discrepancy among 0 customers, more than 10%"),
        (facts(OLD, cycle(1, customers=0)), None),
        (facts(failed(1)), None),
        (facts(OLD, replace(cycle(1, counts={"discrepancies": 90}), approved=True)), None),
    ],
    ids=["at the limit", "beyond", "failed since", "mended", "the first of all", "the first after a failed one",
         "the only one that is kept", "a second one", "no customer", "no customer, nothing found", "none",
         "approved by a person"],
)  # fmt: skip
def test_trigger_high_discrepancy_rates(found: Facts, message: str | None) -> None:
    """More than a tenth of the customers, but for the first cycle of all, which finds everybody missing."""
    assert triggered(found, RATE) == message


def test_every_trigger_is_looked_for_once() -> None:
    """The functions are those of the vocabulary, in its order."""
    assert [trigger for trigger, _ in TRIGGERS] == list(Trigger)


def test_dry_runs_and_what_has_not_ended_do_not_count() -> None:
    """Newest first by their end, within a second by the version; dry runs and what is running are left out."""
    rows: list[tuple[str, str, dict[str, Any], dict[str, Any]]] = [
        ("first", "7", {}, report(1)),
        ("dry", "8", {"dryRun": True}, report(4)),
        ("running", "9", {}, {"phase": "in_progress", "startTime": "2026-03-09T00:00:00Z"}),
        ("waiting", "3", {}, {}),
        ("second", "12", {}, report(2)),
        ("same second", "15", {"dryRun": False}, report(2)),
    ]
    assert [found.name for found in past_cycles(rows)] == ["same second", "second", "first"]
    (carried_out,) = past_cycles([("first-approved-1", "9", {"approves": "first"}, report(2))])
    assert carried_out.approved
