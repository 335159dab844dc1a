"""What there is to measure of a synchronization: which cycle counts as the last, and what an approval takes away."""

from typing import Any

from navixy_operator.core.driftstatus import IN_DRIFT
from navixy_operator.core.measures import Report, Sample, in_order, report_of, samples
from navixy_operator.core.vocabulary import Metric

COUNTS = {"established": 3, "establishFailed": 1, "missing": 4}


def ended(name: str, phase: str = "completed", at: str = "2026-03-01T03:00:00Z", **more: Any) -> Report:
    """The report of a SyncCycle that ended then."""
    report = report_of(name, {"phase": phase, "completionTime": at, "durationSeconds": 2.5, "counts": COUNTS, **more})
    assert report is not None
    return report


def values(
    status: dict[str, Any], reports: list[Report], found: dict[str, int] | None = None
) -> dict[tuple[str, ...], float]:
    """All samples by metric and labels."""
    shown = list(samples(status, reports, found, 7))
    told = {(sample.metric, *sample.labels): sample.value for sample in shown}
    assert len(told) == len(shown), "each once"
    return told


def held(status: str, message: str = "closes are held") -> dict[str, Any]:
    """A NavixySync with that condition."""
    return {"conditions": [{"type": "ClosesHeld", "status": status, "reason": "MassClose", "message": message}]}


def test_what_has_not_ended_has_no_report() -> None:
    """Neither a cycle that waits nor one that runs."""
    assert report_of("c", {}) is None
    assert report_of("c", {"phase": "pending"}) is None
    assert report_of("c", {"phase": "in_progress", "startTime": "2026-03-01T03:00:00Z"}) is None


def test_of_two_that_ended_in_one_second_the_syncs_own_last_is_the_last() -> None:
    """Times are told to the second; the NavixySync knows the order."""
    for last in ("a", "b"):
        found = in_order([ended("a"), ended("b"), ended("c", at="2026-02-28T03:00:00Z")], {"lastCycle": {"name": last}})
        assert found[0].cycle == "c"
        assert found[-1].cycle == last


def test_a_last_cycle_whose_resource_is_gone_counts_by_what_the_sync_tells() -> None:
    """Its counts show; what it found by type is not made up."""
    last = {"name": "gone", "phase": "completed", "completionTime": "2026-03-02T03:00:00Z", "counts": COUNTS}
    found = in_order([ended("a", "failed")], {"lastCycle": last})
    assert [report.cycle for report in found] == ["a", "gone"]
    shown = values({}, found)
    assert shown[Metric.MISSING_CONNECTIONS,] == 4
    assert not [key for key in shown if key[0] in {Metric.DISCREPANCIES, Metric.SKIPPED_CUSTOMERS}]


def test_without_a_cycle_nothing_is_made_up() -> None:
    """A NavixySync that is new shows no ratio, no count, no duration."""
    assert values({}, []) == {}
    only_failed = values({}, [ended("a", "failed", counts={})])
    assert only_failed == {
        (Metric.SUCCESS_RATIO,): 0.0,
        (Metric.LAST_CYCLE_SUCCESS,): 0.0,
        (Metric.LAST_DURATION,): 2.5,
    }


def test_a_running_comparison_goes_before_the_last_report() -> None:
    """What was found just now, types that were not found as 0; the removed count with the suspended."""
    shown = values({}, [ended("a")], {"SuspendedConnected": 2, "RemovedConnected": 1, "ExtraConnection": 5})
    assert shown[Metric.SUSPENDED_CONNECTED,] == 3
    assert (shown[Metric.MISSING_CONNECTIONS,], shown[Metric.EXTRA_CONNECTIONS,]) == (0, 5)
    assert shown[Metric.DISCREPANCIES, "RemovedConnected"] == 1
    assert shown[Metric.DISCREPANCIES, "MissingConnection"] == 0
    assert shown[Metric.ESTABLISH_SUCCESS_RATIO,] == 0.75, "of the last completed cycle"


def test_held_closes() -> None:
    """The list of the last completed cycle; none once it is approved; what a drift pass holds, by its customers."""
    listed = ended("a", heldCloses={"count": 12, "digest": "d", "reason": "MassClose"})
    approved = ended("a", heldCloses={"count": 12, "approvedAt": "2026-03-01T04:00:00Z"})
    later = ended("b", "failed", at="2026-03-02T03:00:00Z")
    key = (Metric.HELD_CLOSES,)
    assert key not in values({}, [listed])
    assert values(held("False"), [listed])[key] == 0
    assert values(held("True"), [listed])[key] == 12
    assert values(held("True"), [listed, later])[key] == 12
    assert values(held("True"), [approved])[key] == 0
    assert values(held("True", IN_DRIFT), [ended("a")])[key] == 7


def test_each_condition_has_a_value_for_each_status() -> None:
    """1 for the one that it has."""
    shown = values(held("Unknown"), [])
    found = {key[2]: value for key, value in shown.items() if key[:2] == (Metric.CONDITION, "ClosesHeld")}
    assert found == {"True": 0.0, "False": 0.0, "Unknown": 1.0}


def test_times_are_seconds_since_1970() -> None:
    """As Prometheus compares them with ``time()``."""
    found = list(samples({"lastSuccessfulTime": "1970-01-01T00:01:40Z"}, [], None, 0))
    assert found == [Sample(Metric.LAST_SUCCESS, 100.0)]


def test_an_interrupted_cycle_is_neither_a_success_nor_a_failure() -> None:
    """The rule of the alert looks at the last cycle that was not cut off by a stop of the operator."""
    cut = ended("cut", "failed", at="2026-03-02T03:00:00Z", reason="Interrupted")
    assert values({}, [ended("good"), cut])[Metric.LAST_CYCLE_SUCCESS,] == 1.0
    assert values({}, [ended("bad", "failed"), cut])[Metric.LAST_CYCLE_SUCCESS,] == 0.0
    assert (Metric.LAST_CYCLE_SUCCESS,) not in values({}, [cut])
    assert (Metric.LAST_DURATION,) not in values({}, [cut]), "nobody was there: that is no cycle's duration"
    assert values({}, [ended("good"), cut])[Metric.SUCCESS_RATIO,] == 0.5
