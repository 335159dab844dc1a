"""What the rules of manifests/monitoring must do: series, minute by minute, and when an alert fires with which words.

Series and times are promtool's: one value a minute, ``stale`` where a target or its series ends, ``_`` for nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from navixy_operator.core.vocabulary import AlertName, Metric, RuleName, Severity

NAMESPACE: Final = "fleets"


@dataclass(frozen=True, slots=True)
class Firing:
    """At ``time`` it fires with this description, and with these labels beside its name and severity."""

    time: str
    description: str
    labels: Mapping[str, str] = field(default_factory=lambda: {"namespace": NAMESPACE, "sync": "main"})


@dataclass(frozen=True, slots=True)
class Case:
    """One alert. ``what``: the specification's row, or what is special. ``quiet``: when it must not fire."""

    what: str
    name: AlertName | RuleName
    severity: Severity
    series: Mapping[str, str]
    quiet: Sequence[str]
    firing: Sequence[Firing]

    @property
    def id(self) -> str:
        """For pytest."""
        return f"{self.name}: {self.what}"


def of(name: str, values: str, *, sync: str = "main", pod: str = "a", **labels: str) -> dict[str, str]:
    """A series of a NavixySync, as the replica ``pod`` exposes it."""
    return _series(name, values, namespace=NAMESPACE, sync=sync, instance=pod, pod=pod, **labels)


def process(name: str, values: str, *, pod: str = "a", **labels: str) -> dict[str, str]:
    """A series of one replica; its namespace is the pod's."""
    return _series(name, values, namespace="navixy-operator", instance=pod, pod=pod, **labels)


def _series(name: str, values: str, **labels: str) -> dict[str, str]:
    shown = ",".join(f'{label}="{value}"' for label, value in labels.items())
    return {f"{name}{{{shown}}}": values}


OF_MAIN: Final = f"NavixySync {NAMESPACE}/main"
OF_PROCESS: Final[Mapping[str, str]] = {"namespace": "navixy-operator"}

SPECIFICATION: Final = (
    Case(
        "Synchronization Failure",
        AlertName.SYNCHRONIZATION_FAILURE,
        Severity.HIGH,
        of(Metric.LAST_CYCLE_SUCCESS, "1 0 0 1") | of(Metric.LAST_CYCLE_SUCCESS, "1 1 1 1", sync="other"),
        quiet=("0m", "3m"),
        firing=[
            Firing(
                time,
                f"The last cycle of {OF_MAIN} failed. Nothing was opened or closed by halves; the next scheduled cycle "
                "tries again.",
            )
            for time in ("1m", "2m")
        ],
    ),
    Case(
        "Persistent Discrepancies",
        AlertName.PERSISTENT_DISCREPANCIES,
        Severity.MEDIUM,
        of(Metric.DISCREPANT_CYCLES, "2 3 0") | of(Metric.DISCREPANT_CYCLES, "0 1 2", sync="other"),
        quiet=("0m", "2m"),
        firing=[
            Firing("1m", f"3 cycles of {OF_MAIN} in a row have left discrepancies between customers and connections."),
        ],
    ),
    Case(
        "Connection Count Mismatch",
        AlertName.CONNECTION_COUNT_MISMATCH,
        Severity.HIGH,
        # of the other one, the last cycle left all in order; a drift pass is at work
        of(Metric.COUNT_DIFFERENCE, "0 -2 1 0")
        | of(Metric.DISCREPANT_CYCLES, "0 1 1 1")
        | of(Metric.COUNT_DIFFERENCE, "0 -1 -1 0", sync="other")
        | of(Metric.DISCREPANT_CYCLES, "0x3", sync="other"),
        quiet=("0m", "3m"),
        firing=[
            Firing(
                time,
                f"After the last cycle or drift pass of {OF_MAIN}, the number of connections differs from the expected "
                f"one by {difference}.",
            )
            for time, difference in (("1m", -2), ("2m", 1))
        ],
    ),
    Case(
        "Suspended Customers with Connections",
        AlertName.SUSPENDED_CONNECTED,
        Severity.HIGH,
        of(Metric.SUSPENDED_REMAINING, "0 1 0") | of(Metric.SUSPENDED_REMAINING, "0 0 0", sync="other"),
        quiet=("0m", "2m"),
        firing=[Firing("1m", f"1 suspended or removed customers of {OF_MAIN} have an open connection.")],
    ),
    Case(
        # 3 of 30 are exactly 10%: that is not more than 10%
        "High Customer Skip Rate",
        AlertName.HIGH_SKIP_RATE,
        Severity.LOW,
        of(Metric.SKIPPED_CUSTOMERS, "2 3 2 0", reason="MissingHash")
        | of(Metric.SKIPPED_CUSTOMERS, "1 1 1 0", reason="NoGateways")
        | of(Metric.POLLED_CUSTOMERS, "30 30 30 0")
        | of(Metric.SKIPPED_CUSTOMERS, "3 3 3 3", sync="other", reason="MissingHash")
        | of(Metric.POLLED_CUSTOMERS, "300 300 300 300", sync="other"),
        quiet=("0m", "2m", "3m"),
        firing=[
            Firing(
                "1m",
                f"The last cycle of {OF_MAIN} skipped 13.33% of the customers, because they miss a requirement.",
            ),
        ],
    ),
    Case(
        # no series where nothing was to be opened
        "Connection Establishment Failure Rate",
        AlertName.ESTABLISH_FAILURE_RATE,
        Severity.MEDIUM,
        of(Metric.ESTABLISH_SUCCESS_RATIO, "_ 0.9 0.89 0.9") | of(Metric.ESTABLISH_SUCCESS_RATIO, "1x3", sync="other"),
        quiet=("0m", "1m", "3m"),
        firing=[Firing("2m", f"In the last cycle of {OF_MAIN}, only 89% of the connections to open were established.")],
    ),
)
"""A case for each row of the specification's table "Alert Conditions", by its name."""

MORE: Final = (
    Case(
        "a guard holds closes until they are approved or no longer right",
        AlertName.CLOSES_HELD,
        Severity.HIGH,
        of(Metric.HELD_CLOSES, "0 40 0"),
        quiet=("0m", "2m"),
        firing=[Firing("1m", f"A guard holds 40 closes of {OF_MAIN} until a person approves them.")],
    ),
    Case(
        "above 95% is right",
        RuleName.LOW_SUCCESS_RATE,
        Severity.LOW,
        of(Metric.SUCCESS_RATIO, "0.951 0.95 1"),
        quiet=("0m", "2m"),
        firing=[Firing("1m", f"Of the last cycles of {OF_MAIN}, only 95% were completed.")],
    ),
    Case(
        "below 5 minutes is right",
        RuleName.SLOW_SYNC,
        Severity.LOW,
        of(Metric.LAST_DURATION, "299.9 300 20"),
        quiet=("0m", "2m"),
        firing=[Firing("1m", f"The last cycle of {OF_MAIN} took 5m 0s.")],
    ),
    Case(
        "above 95% is right, and so is nothing to close",
        RuleName.LOW_CLOSE_SUCCESS_RATE,
        Severity.LOW,
        of(Metric.CLOSE_SUCCESS_RATIO, "_ 0.96 0.5 1"),
        quiet=("0m", "1m", "3m"),
        firing=[Firing("2m", f"In the last cycle of {OF_MAIN}, only 50% of the connections to close were closed.")],
    ),
    Case(
        "one of two replicas is enough; five minutes without any are too long",
        RuleName.OPERATOR_ABSENT,
        Severity.HIGH,
        process(Metric.BUILD_INFO, "1x3 stale", version="1")
        | process(Metric.BUILD_INFO, "1x9 stale _x9 1x3", pod="b", version="1"),
        quiet=("9m", "14m", "20m"),
        firing=[
            Firing(
                "15m",
                "No replica of the operator has been scraped for five minutes; nothing is synchronized or repaired.",
                {},
            )
        ],
    ),
    Case(
        "a change of the leader is no alarm",
        RuleName.NO_LEADER,
        Severity.HIGH,
        process(Metric.LEADER, "1x3 0x16") | process(Metric.LEADER, "0x5 1x3 0x6 1x3", pod="b"),
        quiet=("5m", "9m", "14m", "17m"),
        firing=[
            Firing(
                "15m",
                "For five minutes, none of the replicas in namespace navixy-operator has held the lease "
                "navixy-operator; nothing is synchronized or repaired.",
                OF_PROCESS,
            )
        ],
    ),
    Case(
        # due at 24 h; minute 1580 is 94,800 s
        "26 hours after the last success, when the next cycle was due",
        RuleName.SYNC_OVERDUE,
        Severity.HIGH,
        of(Metric.NEXT_SCHEDULE, "86400x1579 181200x20") | of(Metric.LAST_SUCCESS, "0x1579 94800x20"),
        quiet=("24h", "25h", "26h", "26h15m", "26h20m"),
        firing=[
            Firing(
                "26h16m",
                f"{OF_MAIN} has completed no cycle for more than 26 hours, and its next one was due 2h 16m 0s ago.",
            )
        ],
    ),
    Case(
        "one that has never succeeded counts from the moment at which it was due",
        RuleName.SYNC_OVERDUE,
        Severity.HIGH,
        of(Metric.NEXT_SCHEDULE, "600x40"),
        quiet=("10m", "25m"),
        firing=[
            Firing(
                "26m",
                f"{OF_MAIN} has completed no cycle for more than 26 hours, and its next one was due 16m 0s ago.",
            )
        ],
    ),
    Case(
        "a weekly schedule, and one that rests, are not overdue",
        RuleName.SYNC_OVERDUE,
        Severity.HIGH,
        of(Metric.NEXT_SCHEDULE, "604800x1700")
        | of(Metric.LAST_SUCCESS, "0x1700")
        | of(Metric.LAST_SUCCESS, "0x1700", sync="resting"),
        quiet=("26h16m", "28h"),
        firing=[],
    ),
    Case(
        "F1.1's own errors, for ten minutes",
        RuleName.FORWARDING_ERRORS,
        Severity.MEDIUM,
        of(f"{Metric.FORWARDING_REQUEST_DURATION}_count", "0+6x60", operation="list", result="succeeded")
        | of(f"{Metric.FORWARDING_REQUEST_DURATION}_count", "0+1x60", operation="list", result="server_error")
        | of(f"{Metric.FORWARDING_REQUEST_DURATION}_count", "0+1x60", operation="close", result="timeout")
        | of(
            f"{Metric.FORWARDING_REQUEST_DURATION}_count", "0+9x60", sync="other", operation="list", result="succeeded"
        )
        | of(
            f"{Metric.FORWARDING_REQUEST_DURATION}_count",
            "0+9x60",
            sync="other",
            operation="establish",
            result="client_error",
        ),
        quiet=("0m", "9m"),
        firing=[
            Firing("12m", f"25% of the requests to F1.1 for {OF_MAIN} failed within the last ten minutes."),
        ],
    ),
    Case(
        "one replica that cannot write is one too many",
        RuleName.AUDIT_UNAVAILABLE,
        Severity.MEDIUM,
        process(Metric.AUDIT_AVAILABLE, "1 0x7 1") | process(Metric.AUDIT_AVAILABLE, "1x9", pod="b"),
        quiet=("0m", "5m", "9m"),
        firing=[
            Firing(
                "6m",
                "For five minutes, the operator in namespace navixy-operator could not write its audit trail. Entries "
                "wait in its spool, which is bounded.",
                OF_PROCESS,
            )
        ],
    ),
    Case(
        "counted from zero, across a restart",
        RuleName.AUDIT_ENTRIES_LOST,
        Severity.HIGH,
        process(Metric.AUDIT_LOST, "0x9 6x9 0x200"),
        quiet=("9m", "100m"),
        firing=[
            Firing(
                "15m",
                "The operator in namespace navixy-operator lost about 6 entries of its audit trail within an hour, "
                "because the spool was full.",
                OF_PROCESS,
            )
        ],
    ),
)
