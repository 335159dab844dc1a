"""What there is to measure of one synchronization, from what its resources say (spec: Monitoring Metrics).

Ratios are from 0 to 1, and absent where nothing was tried: nothing is neither a success nor a failure.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.conditions import find
from navixy_operator.core.driftstatus import IN_DRIFT
from navixy_operator.core.vocabulary import Condition, Discrepancy, Metric, Phase, Reason
from navixy_operator.core.wishes import SKIPS

Counted = Mapping[str, int]
STATUSES: Final = ("True", "False", "Unknown")
SUSPENDED: Final = (Discrepancy.SUSPENDED, Discrepancy.REMOVED)


@dataclass(frozen=True, slots=True)
class Sample:
    """A value; ``labels`` are the values of the metric's own labels, in their order."""

    metric: Metric
    value: float
    labels: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Report:
    """What is kept of a finished cycle. ``ended`` is RFC 3339.

    ``discrepancies`` by type and ``skips`` by reason are None where they are not known any more; ``held``: closes that
    wait for approval; ``interrupted``: the operator was stopped meanwhile, which says nothing of what it works on.
    """

    cycle: str
    completed: bool
    ended: str
    seconds: float
    counts: Counted
    discrepancies: Counted | None = None
    skips: Counted | None = None
    held: int = 0
    interrupted: bool = False


def report_of(cycle: str, status: Mapping[str, Any]) -> Report | None:
    """The report in a SyncCycle's status; None: it has not ended."""
    if status.get("phase") not in {Phase.COMPLETED, Phase.FAILED}:
        return None
    closes = status.get("heldCloses", {})
    return Report(
        cycle,
        status["phase"] == Phase.COMPLETED,
        status.get("completionTime", ""),
        float(status.get("durationSeconds", 0.0)),
        status.get("counts", {}),
        status.get("discrepancyCounts", {}),
        status.get("skipCounts", {}),
        0 if "approvedAt" in closes else int(closes.get("count", 0)),
        status.get("reason") == Reason.INTERRUPTED,
    )


def in_order(kept: Iterable[Report], status: Mapping[str, Any]) -> list[Report]:
    """Reports from the oldest to the one that a NavixySync calls its last, also where that SyncCycle is gone."""
    last = status.get("lastCycle", {})
    name = last.get("name", "")
    found = {report.cycle: report for report in kept}
    if name and name not in found and (told := report_of(name, last)) is not None:
        found[name] = Report(name, told.completed, told.ended, told.seconds, told.counts)
    return sorted(found.values(), key=lambda report: (report.ended, report.cycle == name))


def samples(
    status: Mapping[str, Any], reports: Sequence[Report], found: Counted | None, waiting: int | None
) -> Iterator[Sample]:
    """What to show of a NavixySync with that status and those finished cycles, in order, no dry run among them.

    ``found``: discrepancies by type that the last comparison has told and no completed cycle has reported yet;
    ``waiting``: customers whose close is held, None: not known.
    """
    completed = next((report for report in reversed(reports) if report.completed), None)
    if reports:
        yield Sample(Metric.SUCCESS_RATIO, sum(report.completed for report in reports) / len(reports))
    if judged := [report for report in reports if not report.interrupted]:
        yield Sample(Metric.LAST_DURATION, judged[-1].seconds)
        yield Sample(Metric.LAST_CYCLE_SUCCESS, float(judged[-1].completed))
    if completed is not None:
        yield from _of_report(completed)
    yield from _of_comparison(completed, found)
    yield from _of_status(status)
    yield from _of_lists(status)
    yield from _held(status, completed, waiting)


def _of_report(report: Report) -> Iterator[Sample]:
    counts = report.counts
    yield Sample(Metric.POLLED_CUSTOMERS, counts.get("customers", 0))
    if report.skips is not None:
        for reason in sorted(SKIPS):
            yield Sample(Metric.SKIPPED_CUSTOMERS, report.skips.get(reason, 0), (reason.value,))
    yield from _ratio(Metric.ESTABLISH_SUCCESS_RATIO, counts.get("established", 0), counts.get("establishFailed", 0))
    yield from _ratio(Metric.CLOSE_SUCCESS_RATIO, counts.get("closed", 0), counts.get("closeFailed", 0))


def _ratio(metric: Metric, succeeded: int, failed: int) -> Iterator[Sample]:
    if succeeded + failed:
        yield Sample(metric, succeeded / (succeeded + failed))


def _of_comparison(completed: Report | None, found: Counted | None) -> Iterator[Sample]:
    """What a comparison found counts from that moment on, not only from the end of its cycle."""
    by_type = found if found is not None else None if completed is None else completed.discrepancies
    if by_type is not None:
        for kind in Discrepancy:
            yield Sample(Metric.DISCREPANCIES, by_type.get(kind, 0), (kind.value,))
    counts = {} if completed is None else completed.counts
    if found is not None:
        suspended = sum(found.get(kind, 0) for kind in SUSPENDED)
        shown = (found.get(Discrepancy.MISSING, 0), found.get(Discrepancy.EXTRA, 0), suspended)
    elif counts:
        shown = (counts.get("missing", 0), counts.get("extra", 0), counts.get("suspendedConnected", 0))
    else:
        return
    metrics = (Metric.MISSING_CONNECTIONS, Metric.EXTRA_CONNECTIONS, Metric.SUSPENDED_CONNECTED)
    yield from map(Sample, metrics, shown)


def _of_status(status: Mapping[str, Any]) -> Iterator[Sample]:
    for metric, key in _TIMES:
        if key in status:
            yield Sample(metric, datetime.fromisoformat(status[key]).timestamp())
    for metric, key in _NUMBERS:
        if key in status:
            yield Sample(metric, status[key])
    if "expected" in status and "actual" in status:
        yield Sample(Metric.COUNT_DIFFERENCE, status["actual"] - status["expected"])
    if "lastCycle" in status:
        yield Sample(Metric.DISCREPANT_CYCLES, status.get("discrepantCycles", 0))


def _of_lists(status: Mapping[str, Any]) -> Iterator[Sample]:
    for entry in status.get("conditions", ()):
        for word in STATUSES:
            yield Sample(Metric.CONDITION, float(entry["status"] == word), (entry["type"], word))
    for alert in status.get("alerts", ()):
        if not alert.get("resolved"):
            yield Sample(Metric.ALERTS, 1.0, (alert["name"], alert["severity"]))


def _held(status: Mapping[str, Any], completed: Report | None, waiting: int | None) -> Iterator[Sample]:
    """The list of the last completed cycle, or what a drift pass holds, which lists nothing."""
    told = find(status.get("conditions", ()), Condition.CLOSES_HELD)
    if told is None:
        return
    if told["status"] != "True":
        yield Sample(Metric.HELD_CLOSES, 0)
    elif told["message"] == IN_DRIFT or completed is None:
        if waiting is not None:
            yield Sample(Metric.HELD_CLOSES, waiting)
    else:
        yield Sample(Metric.HELD_CLOSES, completed.held)


_TIMES: Final = (
    (Metric.LAST_SUCCESS, "lastSuccessfulTime"),
    (Metric.NEXT_SCHEDULE, "nextScheduleTime"),
)
_NUMBERS: Final = (
    (Metric.EXPECTED_CONNECTIONS, "expected"),
    (Metric.ACTUAL_CONNECTIONS, "actual"),
    (Metric.UNRESOLVED_DISCREPANCIES, "discrepancies"),
    (Metric.SUSPENDED_REMAINING, "suspendedConnected"),
)
