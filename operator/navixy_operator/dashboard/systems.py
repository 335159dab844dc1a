"""Rows about what is around: alerts, investigations, F1.1, the customer database, the audit trail, the processes."""

from functools import partial
from typing import Final

from navixy_operator.core.vocabulary import Metric
from navixy_operator.dashboard.layout import Row
from navixy_operator.dashboard.overview import NONE_OR_BAD, SYNC
from navixy_operator.dashboard.panels import Bounds, Colour, Drawn, Kind, Panel, Query, Unit
from navixy_operator.dashboard.promql import DAY, RECENTLY, Record, grown, latest, mean, quantile

PROCESS: Final = "{{namespace}} {{instance}}"
"""What a series of one replica is called; the namespace is the operator's own."""
OPERATION: Final = f"{SYNC} {{{{operation}}}}"
ERRORS: Final = Bounds(Colour.GOOD, ((0.1, Colour.BAD),))

_series = partial(Panel, Kind.SERIES, width=12, height=8)
_bars = partial(_series, drawn=Drawn.BARS)
_table = partial(Panel, Kind.TABLE, height=8)
_stat = partial(Panel, Kind.STAT, width=6, height=5)

TROUBLE: Final = Row(
    "Alerts and investigations",
    (
        _table(
            "Alerts of the operator",
            "Alerts that last, with the NavixySync's own thresholds, as the operator pushes them to Alertmanager. "
            "docs/alerts.md tells what each means and what to do.",
            (Query(f"{latest(Metric.ALERTS, 'alertname', 'severity')} > 0", ""),),
            columns={"namespace": "Namespace", "sync": "NavixySync", "alertname": "Alert", "severity": "Severity"},
        ),
        _table(
            "Alerts of Prometheus",
            "Alerts of the rules in manifests/monitoring that fire or are about to.",
            (Query('max by (alertname, severity, alertstate, namespace, sync) (ALERTS{alertname=~"Navixy.*"})', ""),),
            columns={
                "namespace": "Namespace",
                "sync": "NavixySync",
                "alertname": "Alert",
                "severity": "Severity",
                "alertstate": "State",
            },
        ),
        _table(
            "Investigations",
            "How many there are by trigger and phase. `kubectl describe investigation` tells the evidence, the "
            "probable cause and what to do.",
            (Query(f"{latest(Metric.INVESTIGATIONS, 'trigger', 'phase')} > 0", ""),),
            columns={"sync": "NavixySync", "trigger": "Trigger", "phase": "Phase", "Value": "Investigations"},
        ),
        _series(
            "Alerts over time",
            "Alerts of the operator by name.",
            (Query(latest(Metric.ALERTS, "alertname"), f"{SYNC} {{{{alertname}}}}"),),
            drawn=Drawn.AREAS,
        ),
        _bars(
            "Pushes to Alertmanager",
            "How often the operator told Alertmanager of alerts, by result. What could not be told is told again.",
            (Query(grown(Metric.ALERT_PUSHES, "result"), f"{SYNC} {{{{result}}}}"),),
        ),
    ),
)

SYSTEMS: Final = Row(
    "F1.1 and the customer database",
    (
        _series(
            "F1.1: latency",
            "Duration that 95 % of the requests to F1.1 stayed below, by operation. `list` reads all connections.",
            (Query(quantile(0.95, Metric.FORWARDING_REQUEST_DURATION, "operation"), OPERATION),),
            unit=Unit.SECONDS,
            width=8,
        ),
        _bars(
            "F1.1: requests by result",
            "`client_error`: refused because of what was asked (a hash, a token). `throttled`: asked to slow down. The "
            "others that did not succeed are F1.1's own trouble, or the network's.",
            (
                Query(
                    grown(f"{Metric.FORWARDING_REQUEST_DURATION}_count", "operation", "result"),
                    f"{OPERATION}: {{{{result}}}}",
                ),
            ),
            width=8,
        ),
        _series(
            "F1.1: share of requests that failed",
            "Within ten minutes, by F1.1's own trouble or the network's. More than 10 % raise an alert.",
            (Query(latest(Record.FORWARDING_ERRORS), SYNC),),
            unit=Unit.SHARE,
            bounds=ERRORS,
            top=1.0,
            width=8,
        ),
        _series(
            "Customer database: latency",
            "Mean duration of its queries over the last day. `snapshot`: all customers, at the start of a cycle.",
            (Query(mean(Metric.DATABASE_QUERY_DURATION, "operation"), OPERATION),),
            unit=Unit.SECONDS,
        ),
        _bars(
            "Customer database: queries by result",
            "Queries within a day; one that failed has its reason.",
            (
                Query(
                    grown(f"{Metric.DATABASE_QUERY_DURATION}_count", "operation", "result", during=DAY),
                    f"{OPERATION}: {{{{result}}}}",
                ),
            ),
        ),
    ),
    folded=True,
)

AUDIT: Final = Row(
    "Audit trail",
    (
        _stat(
            "Audit trail",
            "Whether the last batch of entries could be written. While it cannot, entries wait in a spool.",
            (Query(f"min by (namespace, instance) ({Metric.AUDIT_AVAILABLE})", PROCESS),),
            words={1: ("available", Colour.GOOD), 0: ("not available", Colour.BAD)},
        ),
        _stat(
            "Entries in the spool",
            "Entries that wait for the audit database. They are delivered in order when it is back.",
            (Query(f"max by (namespace, instance) ({Metric.AUDIT_SPOOLED})", PROCESS),),
            bounds=Bounds(Colour.GOOD, ((1, Colour.ODD),)),
        ),
        _stat(
            "Entries lost",
            "Entries that found no place in the spool, since the process started. Must be 0.",
            (Query(f"max by (namespace, instance) ({Metric.AUDIT_LOST})", PROCESS),),
            bounds=NONE_OR_BAD,
        ),
        _stat(
            "Entries of the last day",
            "Entries that were written within a day.",
            (Query(f"sum by (namespace) (increase({Metric.AUDIT_ENTRIES}[{DAY}]))", "{{namespace}}"),),
        ),
        _series(
            "Entries written",
            "Entries of the audit trail over time.",
            (Query(f"sum by (namespace) (increase({Metric.AUDIT_ENTRIES}[{RECENTLY}]))", "{{namespace}}"),),
        ),
        _series(
            "Writing of a batch",
            "Duration that half, and that 95 % of the batches of the last day stayed below.",
            tuple(
                Query(
                    f"histogram_quantile({share}, sum by (namespace, le) "
                    f"(increase({Metric.AUDIT_WRITE_DURATION}_bucket[{DAY}])))",
                    f"{{{{namespace}}}}, {words}",
                )
                for share, words in ((0.5, "half"), (0.95, "95 %"))
            ),
            unit=Unit.SECONDS,
        ),
    ),
    folded=True,
)

PROCESSES: Final = Row(
    "The operator's processes",
    (
        Panel(
            Kind.TIMELINE,
            "Which replica works",
            "The one that holds the lease; the others stand by, and take over within 20 seconds.",
            (Query(f"max by (namespace, instance) ({Metric.LEADER})", PROCESS),),
            words={1: ("works", Colour.GOOD), 0: ("stands by", Colour.PLAIN)},
            width=16,
            height=6,
        ),
        _table(
            "Versions",
            "What runs where.",
            (Query(f"max by (namespace, instance, version, python, kopf) ({Metric.BUILD_INFO})", ""),),
            columns={"instance": "Instance", "version": "Version", "python": "Python", "kopf": "kopf"},
            height=6,
        ),
    ),
    folded=True,
)
