"""The first row: whether all is well, at a glance."""

from functools import partial
from typing import Final

from navixy_operator.core.vocabulary import Condition, InvestigationPhase, Metric
from navixy_operator.dashboard.layout import Row
from navixy_operator.dashboard.panels import Bounds, Colour, Kind, Panel, Query, Unit
from navixy_operator.dashboard.promql import condition, latest, or_none, summed

SYNC: Final = "{{namespace}}/{{sync}}"
"""What a series of a NavixySync is called."""
NONE_IS_GOOD: Final = Bounds(Colour.GOOD, ((1, Colour.ODD),))
NONE_OR_BAD: Final = Bounds(Colour.GOOD, ((1, Colour.BAD),))
OVERDUE_SECONDS: Final = 26 * 3600
OVERDUE: Final = Bounds(Colour.GOOD, ((OVERDUE_SECONDS, Colour.BAD),))
ABOVE_95_PERCENT: Final = Bounds(Colour.BAD, ((0.95, Colour.GOOD),))
UNRESOLVED: Final = f'phase!="{InvestigationPhase.RESOLVED}"'

_stat = partial(Panel, Kind.STAT, width=4, height=4)

OVERVIEW: Final = Row(
    "Overview",
    (
        _stat(
            "Ready",
            "Whether the NavixySync is Ready: its customers have the connections that they should have, and the "
            "operator can reach what it needs. `kubectl describe navixysync` says why not.",
            (Query(condition(Condition.READY), SYNC),),
            words={1: ("ready", Colour.GOOD), 0: ("not ready", Colour.BAD), -1: ("not known yet", Colour.ODD)},
        ),
        _stat(
            "Last cycle",
            "How the last cycle ended. A failed one is tried again at the next scheduled moment.",
            (Query(latest(Metric.LAST_CYCLE_SUCCESS), SYNC),),
            words={1: ("completed", Colour.GOOD), 0: ("failed", Colour.BAD)},
        ),
        _stat(
            "Since the last success",
            "Time since a cycle was last completed. With a daily schedule, more than 26 hours are too much.",
            (Query(f"time() - {latest(Metric.LAST_SUCCESS)}", SYNC),),
            unit=Unit.SECONDS,
            bounds=OVERDUE,
        ),
        _stat(
            "Next cycle",
            "When the next scheduled cycle is due. Nothing while the NavixySync is suspended.",
            (Query(f"{latest(Metric.NEXT_SCHEDULE)} * 1000", SYNC),),
            unit=Unit.FROM_NOW,
        ),
        _stat(
            "Success rate",
            "Share of the cycles that are kept (spec.history) that were completed. It should stay above 95 %.",
            (Query(latest(Metric.SUCCESS_RATIO), SYNC),),
            unit=Unit.SHARE,
            bounds=ABOVE_95_PERCENT,
        ),
        _stat(
            "Unresolved discrepancies",
            "What the last cycle could not put right: customers whose connection is not as it should be.",
            (Query(latest(Metric.UNRESOLVED_DISCREPANCIES), SYNC),),
            bounds=NONE_OR_BAD,
        ),
        _stat(
            "Expected connections",
            "How many connections should be connected, by the last cycle.",
            (Query(latest(Metric.EXPECTED_CONNECTIONS), SYNC),),
        ),
        _stat(
            "Actual connections",
            "How many connections are connected, by the last cycle.",
            (Query(latest(Metric.ACTUAL_CONNECTIONS), SYNC),),
        ),
        _stat(
            "Alerts",
            "Alerts that last, as the operator pushes them to Alertmanager.",
            (Query(or_none(summed(Metric.ALERTS, "alertname", "severity")), SYNC),),
            bounds=NONE_OR_BAD,
        ),
        _stat(
            "Investigations",
            "Investigations that are not resolved: `kubectl get investigations`.",
            (Query(or_none(summed(Metric.INVESTIGATIONS, "trigger", "phase", where=UNRESOLVED)), SYNC),),
            bounds=NONE_IS_GOOD,
        ),
        _stat(
            "Held closes",
            "Closes that a guard holds until a person approves them: `kubectl navixy approve`.",
            (Query(latest(Metric.HELD_CLOSES), SYNC),),
            bounds=NONE_IS_GOOD,
        ),
        _stat(
            "Pins",
            "Customers whom a person has pinned: their connection is as that person wants it.",
            (Query(or_none(summed(Metric.PINS, "mode")), SYNC),),
        ),
    ),
)
