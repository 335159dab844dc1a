"""Rows about resources: connections, customers and why they are as they are, conditions, pins, held closes."""

from functools import partial
from typing import Final

from navixy_operator.core.vocabulary import Condition, Metric
from navixy_operator.dashboard.layout import Row
from navixy_operator.dashboard.overview import NONE_IS_GOOD, SYNC
from navixy_operator.dashboard.panels import Colour, Drawn, Kind, Panel, Query
from navixy_operator.dashboard.promql import condition, latest, summed

_series = partial(Panel, Kind.SERIES, height=8)
_areas = partial(_series, drawn=Drawn.AREAS)
_timeline = partial(Panel, Kind.TIMELINE, width=12, height=8)

BAD_IF_TRUE: Final = (Condition.CLOSES_HELD, Condition.RECONCILING, Condition.STALLED)
"""Conditions that are not there, or False, while all is well and at rest."""
GOOD_IF_TRUE: Final = (
    Condition.READY,
    Condition.DATABASE_AVAILABLE,
    Condition.FORWARDING_AVAILABLE,
    Condition.IN_SYNC,
    Condition.AUDIT_AVAILABLE,
)
READY: Final = f'condition="{Condition.READY}"'
ELIGIBLE: Final = f'condition="{Condition.ELIGIBLE}"'


def _words(true: Colour, false: Colour) -> dict[int, tuple[str, Colour]]:
    return {1: ("True", true), 0: ("False", false), -1: ("Unknown", Colour.ODD)}


CONNECTIONS: Final = Row(
    "Connection status",
    (
        _areas(
            "Connections by state",
            "Connections as the customers' resources know them. `pending`: not settled yet. `failed`: F1.1 could not "
            "connect; the next cycle tries again.",
            (Query(latest(Metric.CONNECTIONS, "state"), f"{SYNC} {{{{state}}}}"),),
            width=16,
        ),
        Panel(
            Kind.STAT,
            "Connections now",
            "The same, at this moment.",
            (Query(latest(Metric.CONNECTIONS, "state"), f"{SYNC} {{{{state}}}}"),),
            height=8,
        ),
    ),
)

CUSTOMERS: Final = Row(
    "Customers",
    (
        _areas(
            "Why customers are Ready, or not",
            "NavixyCustomers by the reason of their condition Ready. It says what stands between the connection that "
            "is and the one that should be; a customer who should not be connected, and is not, is Ready, too.",
            (
                Query(
                    latest(Metric.CUSTOMERS, "status", "reason", where=READY), f"{SYNC} {{{{status}}}}: {{{{reason}}}}"
                ),
            ),
            width=12,
        ),
        _areas(
            "Why customers are eligible, or not",
            "NavixyCustomers by the reason of their condition Eligible.",
            (
                Query(
                    latest(Metric.CUSTOMERS, "status", "reason", where=ELIGIBLE),
                    f"{SYNC} {{{{status}}}}: {{{{reason}}}}",
                ),
            ),
            width=12,
        ),
        _areas(
            "Skipped customers by reason",
            "Customers that the last cycle skipped. `MissingHash`, `InvalidHash` and `NoGateways` are put right in the "
            "customer database; the others are data that contradict themselves.",
            (Query(latest(Metric.SKIPPED_CUSTOMERS, "reason"), f"{SYNC} {{{{reason}}}}"),),
        ),
        _series(
            "Pins by mode",
            "Customers whom a person has pinned: `connect`, `disconnect`, or `hold` (left as it is).",
            (Query(latest(Metric.PINS, "mode"), f"{SYNC} {{{{mode}}}}"),),
        ),
        _series(
            "Held closes",
            "Closes that a guard holds until a person approves them.",
            (Query(latest(Metric.HELD_CLOSES), SYNC),),
            bounds=NONE_IS_GOOD,
        ),
    ),
)

CONDITIONS: Final = Row(
    "Status conditions",
    (
        _timeline(
            "Conditions of the NavixySyncs that should be True",
            "Ready sums up the others. `kubectl describe navixysync` has the reasons and the messages.",
            (Query(condition("|".join(GOOD_IF_TRUE)), f"{SYNC} {{{{condition}}}}"),),
            words=_words(Colour.GOOD, Colour.BAD),
        ),
        _timeline(
            "Conditions of the NavixySyncs that tell of work or of trouble",
            "Reconciling: a cycle is running. Stalled: a person has to act before anything goes on. ClosesHeld: closes "
            "wait for approval.",
            (Query(condition("|".join(BAD_IF_TRUE)), f"{SYNC} {{{{condition}}}}"),),
            words=_words(Colour.ODD, Colour.GOOD),
        ),
        _series(
            "Conditions of the customers",
            "NavixyCustomers by condition and its status. Ready False: the connection is not as it should be.",
            (
                Query(
                    summed(Metric.CUSTOMERS, "reason", by=("condition", "status")),
                    f"{SYNC} {{{{condition}}}} {{{{status}}}}",
                ),
            ),
            width=24,
        ),
    ),
)
