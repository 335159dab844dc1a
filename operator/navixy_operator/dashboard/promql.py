"""Expressions, such that they are right with two replicas, across restarts, and for several NavixySyncs at once.

Only the replica that works exposes series of a NavixySync; while it changes there may be two for a moment. Hence no
label of the pod in a result, and ``max`` over what each replica says now. Counters begin anew with each process:
``increase`` knows that.
"""

from enum import StrEnum
from typing import Final

from navixy_operator.core.vocabulary import Metric

CHOSEN: Final = ('namespace=~"$namespace"', 'sync=~"$sync"')
"""The NavixySyncs that are chosen above the dashboard."""
SYNC: Final = ("namespace", "sync")
RECENTLY: Final = "$__rate_interval"
"""As far back as it takes to see a change at the dashboard's resolution."""
DAY: Final = "1d"
"""For what happens in a cycle, once a day."""


class Record(StrEnum):
    """Series that manifests/monitoring/prometheusrule.yaml records: shares of what happened within 30 days."""

    CYCLES = "namespace_sync:navixy_sync_cycles:success_ratio_30d"
    ESTABLISHES = "namespace_sync:navixy_connection_establishes:success_ratio_30d"
    CLOSES = "namespace_sync:navixy_connection_closes:success_ratio_30d"
    FORWARDING_ERRORS = "namespace_sync:navixy_forwarding_requests:error_ratio_10m"


def of(name: str, *where: str) -> str:
    """The series of the chosen NavixySyncs, one for each replica that exposes it."""
    return f"{name}{{{','.join((*CHOSEN, *where))}}}"


def latest(metric: Metric | Record, *by: str, where: str = "") -> str:
    """What a gauge says now, for each NavixySync and each value of the labels ``by``."""
    return f"max by ({_labels(by)}) ({of(metric, *filter(None, (where,)))})"


def summed(metric: Metric, *over: str, by: tuple[str, ...] = (), where: str = "") -> str:
    """A gauge for each NavixySync and each value of the labels ``by``, summed over the labels ``over``."""
    return f"sum by ({_labels(by)}) ({latest(metric, *by, *over, where=where)})"


def or_none(expression: str) -> str:
    """0 for each NavixySync of which the expression says nothing."""
    return f"{expression} or 0 * {latest(Metric.CONDITION)}"


def condition(which: str) -> str:
    """Conditions of each NavixySync (``which``: a regular expression): 1 True, 0 False, -1 Unknown."""
    is_true, is_unknown = (
        latest(Metric.CONDITION, "condition", where=f'condition=~"{which}",status="{status}"')
        for status in ("True", "Unknown")
    )
    return f"{is_true} - {is_unknown}"


def grown(name: str, *by: str, during: str = RECENTLY) -> str:
    """By how much a counter grew in that time, for each NavixySync and each value of the labels ``by``."""
    return f"sum by ({_labels(by)}) (increase({of(name)}[{during}]))"


def mean(histogram: Metric, *by: str, during: str = DAY) -> str:
    """The mean of what a histogram observed in that time; nothing where it observed nothing."""
    total, count = (grown(f"{histogram}_{part}", *by, during=during) for part in ("sum", "count"))
    return f"{total} / ({count} > 0)"


def quantile(share: float, histogram: Metric, *by: str, during: str = RECENTLY) -> str:
    """The value that ``share`` of what a histogram observed in that time stays below."""
    return f"histogram_quantile({share}, {grown(f'{histogram}_bucket', *by, 'le', during=during)})"


def _labels(by: tuple[str, ...] = ()) -> str:
    return ", ".join((*SYNC, *by))
