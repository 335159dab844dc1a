"""Which alerts are active: the table of the spec, row by row, with its borders; and the words they come in."""

from typing import Any, Final

import pytest

from navixy_operator.core.alerts import RULES, SUMMARIES, Facts, Sighting, Thresholds, active
from navixy_operator.core.alerttext import MAX_BYTES
from navixy_operator.core.history import PastCycle, past_cycles
from navixy_operator.core.vocabulary import AlertName, Severity

JSON = dict[str, Any]
QUIET: Final = {
    "rows": 100,
    "customers": 100,
    "skipped": 0,
    "expected": 100,
    "actual": 100,
    "unresolved": 0,
    "established": 0,
    "establishFailed": 0,
}
FAILURE: Final = AlertName.SYNCHRONIZATION_FAILURE
PERSISTENT: Final = AlertName.PERSISTENT_DISCREPANCIES
MISMATCH: Final = AlertName.CONNECTION_COUNT_MISMATCH
SUSPENDED: Final = AlertName.SUSPENDED_CONNECTED
SKIPS: Final = AlertName.HIGH_SKIP_RATE
ESTABLISHES: Final = AlertName.ESTABLISH_FAILURE_RATE
HELD: Final = AlertName.CLOSES_HELD


def condition(kind: str, status: str, reason: str, message: str = "as it is") -> JSON:
    """A condition as it stands in a status."""
    return {"type": kind, "status": status, "reason": reason, "message": message}


def completed(**counts: int) -> JSON:
    """A NavixySync after a cycle that came to its end with these counts, and no drift pass since."""
    tally = QUIET | counts
    last = {"name": "main-2", "phase": "completed", "reason": "Synchronized", "message": "a summary", "counts": tally}
    return {"lastCycle": last, "expected": tally["expected"], "actual": tally["actual"], "suspendedConnected": 0}


def failed(reason: str = "DatabaseUnavailable", before: JSON | None = None, **fields: Any) -> JSON:
    """The same after a cycle that failed; what an earlier one left is still there."""
    last = {"name": "main-3", "phase": "failed", "reason": reason, "message": "the database did not answer"}
    return {**(before or completed()), "lastCycle": last, **fields}


def report(name: str = "main-2", phase: str = "completed", minute: int = 2, **status: Any) -> PastCycle:
    """A SyncCycle that has ended."""
    ended = f"2026-03-01T03:{minute:02}:00Z"
    told = {"phase": phase, "startTime": ended, "completionTime": ended, "message": "a summary", **status}
    (cycle,) = past_cycles([(name, "1", {}, told)])
    return cycle


def names(facts: Facts) -> set[AlertName]:
    """The alerts that are active."""
    return {firing.name for firing in active(facts)}


UNAUTHORIZED: Final = condition("ForwardingAvailable", "False", "ForwardingUnauthorized", "401")
ROWS: Final = {
    "nothing has ever run": ({}, frozenset(), set()),
    "all is well": (completed(), frozenset(), set()),
    # Synchronization Failure | High | Sync fails
    "the last cycle failed": (failed(), frozenset(), {FAILURE}),
    "by a fault of ours": (failed("InternalError"), frozenset(), {FAILURE}),
    "and told no reason, as an older version": (
        {"lastCycle": {"name": "x", "phase": "failed"}},
        frozenset(),
        {FAILURE},
    ),
    "the operator was stopped": (failed("Interrupted"), frozenset(), set()),
    "the operator was stopped after a failure": (failed("Interrupted"), frozenset({FAILURE}), {FAILURE}),
    "a cycle completed after a failure": (completed(), frozenset({FAILURE}), set()),
    "a cycle runs after a failure": (
        failed(phase="in_progress", activeCycle="main-4"),
        frozenset({FAILURE}),
        {FAILURE},
    ),
    "our token is refused between cycles": ({**completed(), "conditions": [UNAUTHORIZED]}, frozenset(), {FAILURE}),
    "F1.1 does not answer between cycles": (
        {**completed(), "conditions": [condition("ForwardingAvailable", "False", "ForwardingUnavailable")]},
        frozenset(),
        set(),
    ),
    "stalled, which is said elsewhere": ({**completed(), "phase": "failed"}, frozenset(), set()),
    # Persistent Discrepancies | Medium | Discrepancies persist > 2 cycles
    "discrepancies for two cycles": ({**completed(), "discrepantCycles": 2}, frozenset(), set()),
    "discrepancies for three cycles": ({**completed(), "discrepantCycles": 3}, frozenset(), {PERSISTENT}),
    "they are gone": (completed(), frozenset({PERSISTENT}), set()),
    # Connection Count Mismatch | High | Count mismatch after sync
    "one is missing after a cycle": (completed(actual=99), frozenset(), {MISMATCH}),
    "one is too many after a cycle": (completed(actual=101), frozenset(), {MISMATCH}),
    "a drift pass has put it right": ({**completed(actual=99), "actual": 100}, frozenset({MISMATCH}), set()),
    "one is lost between cycles": ({**completed(), "actual": 99}, frozenset(), set()),
    "still so, the next cycle failed": (
        failed(before=completed(actual=99)),
        frozenset({MISMATCH}),
        {FAILURE, MISMATCH},
    ),
    "right again, the next cycle failed": (failed(actual=100), frozenset({MISMATCH}), {FAILURE}),
    "lost between cycles, the next failed": (failed(actual=99), frozenset(), {FAILURE}),
    # Suspended Customers with Connections | High | Any suspended customer has connection
    "one suspended customer is connected": ({**completed(), "suspendedConnected": 1}, frozenset(), {SUSPENDED}),
    "it is closed": ({**completed(), "suspendedConnected": 0}, frozenset({SUSPENDED}), set()),
    # High Customer Skip Rate | Low | > 10% customers skipped
    "exactly 10% are skipped": (completed(skipped=10), frozenset(), set()),
    "11% are skipped": (completed(skipped=11), frozenset(), {SKIPS}),
    "10.01% are skipped": (completed(customers=9990, skipped=1000), frozenset(), {SKIPS}),
    "there are no customers": (completed(customers=0, skipped=0), frozenset(), set()),
    "still so, the next cycle failed (skips)": (failed(), frozenset({SKIPS}), {FAILURE, SKIPS}),
    "fewer are skipped": (completed(skipped=10), frozenset({SKIPS}), set()),
    # Connection Establishment Failure Rate | Medium | < 90% success rate
    "exactly 90% succeeded": (completed(established=90, establishFailed=10), frozenset(), set()),
    "89% succeeded": (completed(established=89, establishFailed=11), frozenset(), {ESTABLISHES}),
    "89.99% succeeded": (completed(established=8999, establishFailed=1001), frozenset(), {ESTABLISHES}),
    "the only one failed": (completed(establishFailed=1), frozenset(), {ESTABLISHES}),
    "none was tried": (completed(unresolved=1), frozenset(), set()),
    "none was tried since": (completed(unresolved=1), frozenset({ESTABLISHES}), {ESTABLISHES}),
    "none was tried since, nothing is left to do": (completed(), frozenset({ESTABLISHES}), set()),
    "the next cycle failed (establishes)": (failed(), frozenset({ESTABLISHES}), {FAILURE, ESTABLISHES}),
    "more succeeded": (completed(established=9, establishFailed=1), frozenset({ESTABLISHES}), set()),
    # design section 3
    "closes are held": (
        {**completed(), "conditions": [condition("ClosesHeld", "True", "MassClose")]},
        frozenset(),
        {HELD},
    ),
    "none is held": (
        {**completed(), "conditions": [condition("ClosesHeld", "False", "NoneHeld")]},
        frozenset({HELD}),
        set(),
    ),
}


@pytest.mark.parametrize("row", ROWS)
def test_active(row: str) -> None:
    """Each state of a NavixySync has its alerts, and no others."""
    status, before, expected = ROWS[row]
    assert names(Facts(status, before=before)) == expected


@pytest.mark.parametrize(
    ("status", "thresholds", "expected"),
    [
        ({**completed(), "discrepantCycles": 5}, Thresholds(persistent_cycles=5), set()),
        ({**completed(), "discrepantCycles": 2}, Thresholds(persistent_cycles=1), {PERSISTENT}),
        (completed(skipped=25), Thresholds(skip_rate_percent=25), set()),
        (completed(skipped=1), Thresholds(skip_rate_percent=0), {SKIPS}),
        (completed(skipped=100), Thresholds(skip_rate_percent=100), set()),
        (completed(established=1, establishFailed=1), Thresholds(establish_success_percent=50), set()),
        (completed(established=99, establishFailed=1), Thresholds(establish_success_percent=100), {ESTABLISHES}),
        (completed(establishFailed=1), Thresholds(establish_success_percent=0), set()),
    ],
)
def test_thresholds_are_the_syncs(status: JSON, thresholds: Thresholds, expected: set[AlertName]) -> None:
    """``spec.alerts`` moves the three borders that are a matter of taste."""
    assert names(Facts(status, thresholds)) == expected


def test_severities_are_the_specs() -> None:
    """The spec's column; the closes that are held are urgent, for they wait for a person."""
    assert {name: severity for name, severity, _ in RULES} == {
        FAILURE: Severity.HIGH,
        PERSISTENT: Severity.MEDIUM,
        MISMATCH: Severity.HIGH,
        SUSPENDED: Severity.HIGH,
        SKIPS: Severity.LOW,
        ESTABLISHES: Severity.MEDIUM,
        HELD: Severity.HIGH,
    }
    assert SUMMARIES.keys() == set(AlertName)


def test_several_interruptions_in_a_row_are_a_failure() -> None:
    """One may be a rollout; three in a row, and the operator never comes to an end."""
    cut = [report(f"main-{n}", "failed", n, reason="Interrupted") for n in (5, 4, 3)]
    status = failed("Interrupted")
    assert names(Facts(status, cycles=tuple(cut[:2]))) == set()
    assert names(Facts(status, cycles=tuple(cut))) == {FAILURE}
    assert names(Facts(status, cycles=(cut[0], cut[1], report()))) == set()


def test_what_a_running_cycle_sees_counts_at_once() -> None:
    """The comparison has found it, and no status says so yet."""
    seen = Sighting("main-3", 12, ("off", "gone"))
    (firing,) = active(Facts({**completed(), "activeCycle": "main-3"}, sighting=seen))
    assert firing.name is SUSPENDED
    assert firing.description.startswith(
        "12 suspended or removed customers have an open connection: off, gone and 10 more"
    )
    assert "main-3" in firing.description


DISCREPANCIES: Final = [
    {"type": "MissingConnection", "customerRef": "acme"},
    {"type": "MissingConnection", "customerRef": "beta"},
    {"type": "ExtraConnection", "connectionId": "c-9"},
]
REPORT: Final = report(
    message="97 of 100 expected connections are connected; 2 failed to establish",
    discrepancies=DISCREPANCIES,
    discrepancyCounts={"MissingConnection": 2, "ExtraConnection": 1},
    skipCounts={"MissingHash": 9, "NoGateways": 2},
    actions=[
        {"action": "Close", "outcome": "Failed", "customerRef": "off", "message": "F1.1 is slow"},
        {"action": "Establish", "outcome": "Failed", "customerRef": "acme", "message": "upstream-busy"},
        {"action": "Replace", "outcome": "Failed", "customerRef": "beta", "message": "later"},
    ],
    heldCloses={"digest": "0123456789abcdef", "count": 40, "reason": "MassClose"},
)
SUMMARY: Final = (
    " Last completed cycle: main-2, 97 of 100 expected connections are connected; 2 failed to establish."
    " It found 1 ExtraConnection (c-9), 2 MissingConnection (acme, beta)."
)


@pytest.mark.parametrize(
    ("status", "words"),
    [
        (failed(), "DatabaseUnavailable: the database did not answer."),
        (
            {**completed(), "discrepantCycles": 3, "discrepantSince": "2026-02-26T03:00:00Z"},
            "3 completed cycles in a row left discrepancies, the first of them at 2026-02-26T03:00:00Z.",
        ),
        (completed(actual=97), "97 connections are connected where 100 are expected."),
        ({**completed(), "suspendedConnected": 2}, "2 suspended or removed customers have an open connection."),
        (completed(skipped=11), "11 of 100 customers were skipped: 9 MissingHash, 2 NoGateways."),
        (
            completed(establishFailed=2),
            "0 of 2 connections could be established; it failed for acme, beta, for the first because: upstream-busy.",
        ),
        (
            {
                **completed(),
                "conditions": [condition("ClosesHeld", "True", "MassClose", "under the digest 0123456789abcdef")],
            },
            "MassClose: 40 closes of main-2; under the digest 0123456789abcdef.",
        ),
    ],
)
def test_the_description_has_summary_and_discrepancies(status: JSON, words: str) -> None:
    """Spec: "Alerts include synchronization summary and discrepancy details"; first what this one is about."""
    (firing,) = active(Facts(status, cycles=(REPORT,)))
    assert firing.description == words + SUMMARY


def test_without_a_report_the_description_is_what_is_wrong() -> None:
    """The SyncCycle was deleted, or none has come to its end yet."""
    (firing,) = active(Facts(failed()))
    assert firing.description == "DatabaseUnavailable: the database did not answer."


def test_summaries_do_not_change_while_an_alert_lasts() -> None:
    """No counter, no name: status and notifications stay the same from push to push."""
    one, more = (next(active(Facts({**completed(), "suspendedConnected": count}))) for count in (1, 5))
    assert one.summary == more.summary
    assert one.description != more.description


def test_long_descriptions_are_cut() -> None:
    """Below 1 kB in UTF-8, whatever customers and databases are called."""
    long = [{"type": "MissingConnection", "customerRef": "ü" * 1000} for _ in range(100)]
    cycle = report(message="ß" * 1024, discrepancies=long, discrepancyCounts={"MissingConnection": 10_000})
    status = failed()
    status["lastCycle"]["message"] = "€" * 1024
    (firing,) = active(Facts(status, cycles=(cycle,)))
    assert MAX_BYTES - 4 < len(firing.description.encode()) <= MAX_BYTES < 1024
    assert firing.description.endswith("…")
