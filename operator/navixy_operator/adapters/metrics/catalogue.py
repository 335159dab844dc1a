"""Every metric, described once: what the registry is made from, and docs/metrics.md (spec: Monitoring Metrics)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from navixy_operator.core.vocabulary import Metric

PLACE: Final = ("namespace", "sync")
"""Which NavixySync: the first labels of every metric about one."""


class Sort(StrEnum):
    """Types of metrics, as Prometheus calls them."""

    GAUGE = "gauge"
    COUNTER = "counter"
    HISTOGRAM = "histogram"
    INFO = "info"


@dataclass(frozen=True, slots=True)
class Row:
    """The row of the specification's table, "Key Metrics Tracked", that a metric is; ``at``: where it is collected."""

    name: str
    threshold: str
    at: str


@dataclass(frozen=True, slots=True)
class Described:
    """One metric. ``buckets``: upper bounds of a histogram, in its unit."""

    sort: Sort
    help: str
    labels: tuple[str, ...] = ()
    buckets: tuple[float, ...] = ()
    row: Row | None = None


def _sync(
    sort: Sort, text: str, *labels: str, buckets: tuple[float, ...] = (), row: tuple[str, str, str] | None = None
) -> Described:
    return Described(sort, text, (*PLACE, *labels), buckets, None if row is None else Row(*row))


CYCLE_BUCKETS: Final = (1, 5, 10, 30, 60, 120, 180, 240, 300, 600, 1200, 1800, 3600)
"""From a few customers to an hour, after which a cycle counts as hanging; 300 is the specification's threshold."""
STEP_BUCKETS: Final = (0.05, 0.25, 1, 5, 15, 30, 60, 120, 300, 600, 1800)
"""A step may take next to nothing, or all of its cycle's time."""
DRIFT_BUCKETS: Final = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""From a pass that finds nothing changed to the pause between two of them."""
REQUEST_BUCKETS: Final = (0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60)
"""From a service next door to the timeout of a patient setting."""
QUERY_BUCKETS: Final = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300)
"""60 is the default of ``database.timeoutSeconds``."""
WRITE_BUCKETS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30)
"""From one row in a local file to a database that is about to be given up."""

_THE_TEN: Final[Mapping[Metric, Described]] = {
    Metric.SUCCESS_RATIO: _sync(
        Sort.GAUGE,
        "Share of the kept, finished cycles that were completed",
        row=("Synchronization Success Rate", "> 0.95", "when a cycle ends, over the SyncCycles that are kept"),
    ),
    Metric.DISCREPANCIES: _sync(
        Sort.GAUGE,
        "Discrepancies that the last comparison found",
        "type",
        row=("Discrepancy Count", "0 (ideal)", "when a cycle has compared, before it acts"),
    ),
    Metric.MISSING_CONNECTIONS: _sync(
        Sort.GAUGE,
        "Eligible customers without a connection, as the last comparison found them",
        row=("Missing Connections", "0 (ideal)", "when a cycle has compared, before it acts"),
    ),
    Metric.EXTRA_CONNECTIONS: _sync(
        Sort.GAUGE,
        "Open connections without a customer, as the last comparison found them",
        row=("Extra Connections", "0 (ideal)", "when a cycle has compared, before it acts"),
    ),
    Metric.SUSPENDED_CONNECTED: _sync(
        Sort.GAUGE,
        "Suspended or removed customers with an open connection, as the last comparison found them",
        row=("Suspended Customers with Connections", "0 (ideal)", "when a cycle has compared, before it acts"),
    ),
    Metric.COUNT_DIFFERENCE: _sync(
        Sort.GAUGE,
        "Connections that are connected minus those expected, by the last cycle or drift pass",
        row=("Connection Count Accuracy", "0 (perfect match)", "when a cycle validates its results, or a drift pass"),
    ),
    Metric.SKIPPED_CUSTOMERS: _sync(
        Sort.GAUGE,
        "Customers that the last completed cycle skipped, for they miss a requirement or their record is bad",
        "reason",
        row=("Customers Skipped", "track the trend", "when a cycle validates the requirements"),
    ),
    Metric.DURATION: _sync(
        Sort.HISTOGRAM,
        "Duration of cycles, completed or failed, but not of those that were cut off",
        buckets=CYCLE_BUCKETS,
        row=("Sync Duration", "< 300 (5 minutes)", "when a cycle ends"),
    ),
    Metric.ESTABLISH_SUCCESS_RATIO: _sync(
        Sort.GAUGE,
        "Share of the last completed cycle's establishments that succeeded; absent where there were none",
        row=("Connection Establishment Success Rate", "> 0.95", "when a cycle ends, of what it did in F1.1"),
    ),
    Metric.CLOSE_SUCCESS_RATIO: _sync(
        Sort.GAUGE,
        "Share of the last completed cycle's closures that succeeded; absent where there were none",
        row=("Connection Closure Success Rate", "> 0.95", "when a cycle ends, of what it did in F1.1"),
    ),
}
_OF_A_SYNC: Final[Mapping[Metric, Described]] = {
    Metric.CYCLES: _sync(Sort.COUNTER, "Cycles that ended, without dry runs", "result"),
    Metric.LAST_CYCLE_SUCCESS: _sync(
        Sort.GAUGE, "Whether the last finished cycle was completed; one that was interrupted does not count"
    ),
    Metric.LAST_DURATION: _sync(Sort.GAUGE, "Duration of the last finished cycle that was not interrupted"),
    Metric.LAST_SUCCESS: _sync(Sort.GAUGE, "When a cycle was last completed"),
    Metric.NEXT_SCHEDULE: _sync(Sort.GAUGE, "When the next scheduled cycle is due; absent while none is"),
    Metric.STEP_DURATION: _sync(Sort.HISTOGRAM, "Duration of the steps of cycles", "step", buckets=STEP_BUCKETS),
    Metric.DRIFT_DURATION: _sync(
        Sort.HISTOGRAM, "Duration of the drift passes that F1.1 answered", buckets=DRIFT_BUCKETS
    ),
    Metric.DISCREPANT_CYCLES: _sync(Sort.GAUGE, "Completed cycles in a row that left discrepancies"),
    Metric.POLLED_CUSTOMERS: _sync(Sort.GAUGE, "Customers with Navixy as a provider in the last completed cycle"),
    Metric.EXPECTED_CONNECTIONS: _sync(
        Sort.GAUGE, "Connections that should be connected, by the last cycle or drift pass"
    ),
    Metric.ACTUAL_CONNECTIONS: _sync(Sort.GAUGE, "Connections that are connected, by the last cycle or drift pass"),
    Metric.UNRESOLVED_DISCREPANCIES: _sync(Sort.GAUGE, "Discrepancies that the last cycle or drift pass left"),
    Metric.SUSPENDED_REMAINING: _sync(
        Sort.GAUGE, "Suspended or removed customers whom the last cycle or drift pass left with an open connection"
    ),
    Metric.HELD_CLOSES: _sync(Sort.GAUGE, "Closes that a guard holds until a person approves them"),
    Metric.CONDITION: _sync(
        Sort.GAUGE, "Conditions of the NavixySync: 1 for the status that each has, else 0", "condition", "status"
    ),
    Metric.ATTENDANT_QUEUE: _sync(
        Sort.GAUGE, "Customers whose pins, declarations or changes wait to be attended to between the passes"
    ),
}
_OF_CUSTOMERS: Final[Mapping[Metric, Described]] = {
    Metric.CUSTOMERS: _sync(
        Sort.GAUGE,
        "Customers by what their resources say: each once for Ready and Eligible, and for Pinned if it has that",
        "condition",
        "status",
        "reason",
    ),
    Metric.CONNECTIONS: _sync(Sort.GAUGE, "Customers by the state of the connection in their resources", "state"),
    Metric.PINS: _sync(Sort.GAUGE, "Customers with a pin that counts", "mode"),
}
_OF_WORK: Final[Mapping[Metric, Described]] = {
    Metric.ESTABLISHES: _sync(
        Sort.COUNTER,
        "Connections that cycles, drift passes and pins set out to establish; what was pending may count again",
        "result",
    ),
    Metric.CLOSES: _sync(
        Sort.COUNTER,
        "Customers and leftovers whose connection cycles, drift passes or pins set out to close",
        "result",
    ),
    Metric.FORWARDING_REQUEST_DURATION: _sync(
        Sort.HISTOGRAM,
        "Duration of HTTP requests to F1.1, each repeat for itself",
        "operation",
        "result",
        buckets=REQUEST_BUCKETS,
    ),
    Metric.DATABASE_QUERY_DURATION: _sync(
        Sort.HISTOGRAM,
        "Duration of queries of the customer database, from connecting to the last row",
        "operation",
        "result",
        buckets=QUERY_BUCKETS,
    ),
}
_OF_THE_REST: Final[Mapping[Metric, Described]] = {
    Metric.ALERTS: _sync(Sort.GAUGE, "Alerts of the NavixySync that last", "alertname", "severity"),
    Metric.ALERT_PUSHES: _sync(Sort.COUNTER, "Posts to Alertmanager", "result"),
    Metric.INVESTIGATIONS: _sync(Sort.GAUGE, "Investigations that are kept", "trigger", "phase"),
    Metric.AUDIT_AVAILABLE: Described(Sort.GAUGE, "Whether nothing keeps the audit trail from its database"),
    Metric.AUDIT_ENTRIES: Described(Sort.COUNTER, "Entries of the audit trail that were stored in its database"),
    Metric.AUDIT_SPOOLED: Described(Sort.GAUGE, "Entries of the audit trail that wait on the local disk"),
    Metric.AUDIT_LOST: Described(Sort.COUNTER, "Entries of the audit trail that could be neither stored nor spooled"),
    Metric.AUDIT_WRITE_DURATION: Described(
        Sort.HISTOGRAM, "Duration of one write of entries to the audit trail's database", buckets=WRITE_BUCKETS
    ),
    Metric.LEADER: Described(Sort.GAUGE, "Whether this process holds the lease and does the work"),
    Metric.BUILD_INFO: Described(Sort.INFO, "What this process is built from", ("version", "python", "kopf")),
}
CATALOGUE: Final[Mapping[Metric, Described]] = {
    **_THE_TEN,
    **_OF_A_SYNC,
    **_OF_CUSTOMERS,
    **_OF_WORK,
    **_OF_THE_REST,
}
"""In the order in which they are shown."""


READ: Final = tuple(
    metric
    for metric, described in CATALOGUE.items()
    if described.sort in {Sort.GAUGE, Sort.INFO} or metric is Metric.AUDIT_LOST
)
"""The metrics that are read from state at each scrape; all others are kept by counting."""


def family_of(metric: Metric) -> str:
    """The metric's name without the suffix that the client library puts behind it."""
    return metric.removesuffix(_SUFFIXES.get(CATALOGUE[metric].sort, ""))


_SUFFIXES: Final = {Sort.COUNTER: "_total", Sort.INFO: "_info"}
