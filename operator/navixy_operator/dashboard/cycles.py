"""Rows about cycles: the ten metrics of spec.md with their thresholds, what was found and done, how long it took."""

from functools import partial
from typing import Final

from navixy_operator.core.vocabulary import Metric
from navixy_operator.dashboard.layout import Row
from navixy_operator.dashboard.overview import ABOVE_95_PERCENT, NONE_IS_GOOD, NONE_OR_BAD, SYNC
from navixy_operator.dashboard.panels import Bounds, Colour, Drawn, Kind, Panel, Query, Unit
from navixy_operator.dashboard.promql import DAY, Record, grown, latest, mean, or_none, quantile, summed

FIVE_MINUTES: Final = Bounds(Colour.GOOD, ((300, Colour.BAD),))
NO_DIFFERENCE: Final = Bounds(Colour.BAD, ((0, Colour.GOOD), (1, Colour.BAD)))
PERSISTENT: Final = Bounds(Colour.GOOD, ((1, Colour.ODD), (3, Colour.BAD)))
_series = partial(Panel, Kind.SERIES)
_share = partial(_series, unit=Unit.SHARE, bounds=ABOVE_95_PERCENT, top=1.0)
_wide = partial(_series, width=12, height=8)
_areas = partial(_wide, drawn=Drawn.AREAS)
_bars = partial(_wide, drawn=Drawn.BARS)
_narrow = partial(_series, width=6)

KEY_METRICS: Final = Row(
    "The ten metrics of each cycle",
    (
        _share(
            "Synchronization success rate",
            "Share of the kept cycles that were completed, and the same of the last 30 days. Threshold: above 95 %.",
            (
                Query(latest(Metric.SUCCESS_RATIO), SYNC),
                Query(latest(Record.CYCLES), f"{SYNC}, 30 days"),
            ),
        ),
        _series(
            "Discrepancies",
            "Differences between customers and connections that the last cycle found, of every type. Ideal: 0.",
            (Query(or_none(summed(Metric.DISCREPANCIES, "type")), SYNC),),
            bounds=NONE_IS_GOOD,
        ),
        _series(
            "Missing connections",
            "Eligible customers without a connection, before the last cycle established them. Ideal: 0.",
            (Query(latest(Metric.MISSING_CONNECTIONS), SYNC),),
            bounds=NONE_IS_GOOD,
        ),
        _series(
            "Extra connections",
            "Open connections without a customer, before the last cycle closed them. Ideal: 0.",
            (Query(latest(Metric.EXTRA_CONNECTIONS), SYNC),),
            bounds=NONE_IS_GOOD,
        ),
        _series(
            "Suspended customers with connections",
            "Suspended or removed customers with an open connection: those that the last cycle found, and those who "
            "still have one. Ideal: 0.",
            (
                Query(latest(Metric.SUSPENDED_CONNECTED), f"{SYNC}, found"),
                Query(latest(Metric.SUSPENDED_REMAINING), f"{SYNC}, still"),
            ),
            bounds=NONE_OR_BAD,
        ),
        _series(
            "Connection count accuracy",
            "Actual minus expected number of connections, after the last cycle or drift pass. Perfect: 0.",
            (Query(latest(Metric.COUNT_DIFFERENCE), SYNC),),
            bounds=NO_DIFFERENCE,
        ),
        _narrow(
            "Customers skipped",
            "Customers that miss a requirement (hash, gateways) or whose record is bad, by the last cycle. No "
            "threshold: look at the trend. More than 10 % of the customers raise an alert.",
            (
                Query(or_none(summed(Metric.SKIPPED_CUSTOMERS, "reason")), SYNC),
                Query(latest(Metric.POLLED_CUSTOMERS), f"{SYNC}, of so many customers"),
            ),
        ),
        _narrow(
            "Sync duration",
            "How long the last cycle took. Threshold: below 5 minutes.",
            (Query(latest(Metric.LAST_DURATION), SYNC),),
            unit=Unit.SECONDS,
            bounds=FIVE_MINUTES,
        ),
        _share(
            "Connection establishment success rate",
            "Share of the connections to open that were established: in the last cycle, and in the last 30 days. "
            "Threshold: above 95 %; below 90 % raises an alert.",
            (
                Query(latest(Metric.ESTABLISH_SUCCESS_RATIO), SYNC),
                Query(latest(Record.ESTABLISHES), f"{SYNC}, 30 days"),
            ),
            width=6,
        ),
        _share(
            "Connection closure success rate",
            "Share of the connections to close that were closed: in the last cycle, and in the last 30 days. "
            "Threshold: above 95 %.",
            (
                Query(latest(Metric.CLOSE_SUCCESS_RATIO), SYNC),
                Query(latest(Record.CLOSES), f"{SYNC}, 30 days"),
            ),
            width=6,
        ),
    ),
)

FOUND_AND_DONE: Final = Row(
    "Discrepancies and actions over time",
    (
        _areas(
            "Discrepancies by type",
            "What the last cycle found, by type. `MissingConnection`: eligible, but not connected. `ExtraConnection`: "
            "a connection of nobody. `HashChanged`: connected with another hash than the customer has now.",
            (Query(latest(Metric.DISCREPANCIES, "type"), f"{SYNC} {{{{type}}}}"),),
        ),
        _wide(
            "Discrepancies that are left",
            "Discrepancies that the last cycle could not put right, and for how many cycles in a row there have been "
            "any. More than two cycles raise an alert.",
            (
                Query(latest(Metric.UNRESOLVED_DISCREPANCIES), f"{SYNC}, left"),
                Query(latest(Metric.DISCREPANT_CYCLES), f"{SYNC}, cycles in a row"),
            ),
            bounds=PERSISTENT,
        ),
        _bars(
            "Establishes by result",
            "Connections that cycles and drift passes opened. `pending`: not settled when the pass was over; a drift "
            "pass looks again.",
            (Query(grown(Metric.ESTABLISHES, "result"), f"{SYNC} {{{{result}}}}"),),
        ),
        _bars(
            "Closes by result",
            "Connections that cycles, drift passes and pins closed.",
            (Query(grown(Metric.CLOSES, "result"), f"{SYNC} {{{{result}}}}"),),
        ),
        _wide(
            "Expected and actual connections",
            "How many connections should be connected, and how many are, by the last cycle.",
            (
                Query(latest(Metric.EXPECTED_CONNECTIONS), f"{SYNC}, expected"),
                Query(latest(Metric.ACTUAL_CONNECTIONS), f"{SYNC}, actual"),
            ),
        ),
        _bars(
            "Cycles by result",
            "Cycles that came to their end within a day.",
            (Query(grown(Metric.CYCLES, "result", during=DAY), f"{SYNC} {{{{result}}}}"),),
        ),
    ),
)

STEPS: Final = Row(
    "Steps of a cycle and their duration",
    (
        _wide(
            "Steps of a cycle",
            "Mean duration of each step over the last day. `publish` writes the NavixyCustomers, `resolve_missing` "
            "establishes connections and watches them settle.",
            (Query(mean(Metric.STEP_DURATION, "step"), f"{SYNC} {{{{step}}}}"),),
            unit=Unit.SECONDS,
        ),
        _wide(
            "Whole cycles",
            "Duration that half, and that 95 % of the cycles of the last day stayed below. Threshold: 5 minutes.",
            (
                Query(quantile(0.5, Metric.DURATION, during=DAY), f"{SYNC}, half"),
                Query(quantile(0.95, Metric.DURATION, during=DAY), f"{SYNC}, 95 %"),
            ),
            unit=Unit.SECONDS,
            bounds=FIVE_MINUTES,
        ),
        _wide(
            "Drift passes",
            "Duration that half, and that 95 % of the passes between cycles stayed below.",
            (
                Query(quantile(0.5, Metric.DRIFT_DURATION), f"{SYNC}, half"),
                Query(quantile(0.95, Metric.DRIFT_DURATION), f"{SYNC}, 95 %"),
            ),
            unit=Unit.SECONDS,
        ),
        _wide(
            "Customers that wait",
            "Customers whose pin, declaration or change by hand has yet to be looked at. It is short, and soon empty.",
            (Query(latest(Metric.ATTENDANT_QUEUE), SYNC),),
        ),
    ),
    folded=True,
)
