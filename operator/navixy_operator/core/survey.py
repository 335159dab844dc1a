"""How a NavixySync's customers stand, counted from their resources, with the first few of each sort by name."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Final

from navixy_operator.core.conditions import find
from navixy_operator.core.vocabulary import Condition, ConnectionState, CustomerState, Reason
from navixy_operator.core.words import SHOWN, listed

JSON = Mapping[str, Any]

_CLOSED: Final = frozenset({CustomerState.SUSPENDED.value, CustomerState.REMOVED.value})
_NONE: Final = "no connection"
_UNREADABLE: Final = "of a state that cannot be read"


@dataclass(slots=True)
class Group:
    """Customers of one sort: how many, and the first few by name."""

    count: int = 0
    refs: list[str] = field(default_factory=list)

    def add(self, ref: str) -> None:
        """One more."""
        self.count += 1
        if len(self.refs) < SHOWN:
            self.refs.append(ref)

    def __str__(self) -> str:
        return f"{self.count} ({listed(self.refs, self.count)})" if self.refs else str(self.count)


Groups = Mapping[str, Group]


@dataclass(slots=True)
class Survey:
    """All of them. ``unready``: by the reason of Ready; ``ineligible``: by that of Eligible; ``pins``: by mode.

    ``open_though_closed``: suspended and removed ones whose connection is open, by the reason of Ready.
    """

    customers: int = 0
    states: Counter[str] = field(default_factory=Counter)
    connections: Counter[str] = field(default_factory=Counter)
    unready: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    ineligible: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    pins: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))
    manual: Group = field(default_factory=Group)
    open_though_closed: defaultdict[str, Group] = field(default_factory=lambda: defaultdict(Group))

    def take(self, spec: JSON, status: JSON) -> None:
        """Count one customer."""
        ref, conditions = str(spec.get("customerRef", "")), status.get("conditions", ())
        ready, eligible = find(conditions, Condition.READY), find(conditions, Condition.ELIGIBLE)
        why = "" if ready is None else str(ready["reason"])
        connection = status.get("connection") or {}
        state = str(connection.get("state", _NONE))
        self.customers += 1
        self.states[spec.get("state", _UNREADABLE)] += 1
        self.connections[state] += 1
        if ready is not None and ready["status"] != "True":
            self.unready[why].add(ref)
        if eligible is not None and eligible["status"] == "False":
            self.ineligible[str(eligible["reason"])].add(ref)
        if "pin" in status:
            self.pins[str(status["pin"].get("mode", ""))].add(ref)
        if why == Reason.MANUAL_OPERATION:
            self.manual.add(ref)
        if spec.get("state") in _CLOSED and "id" in connection and state != ConnectionState.DISCONNECTED:
            self.open_though_closed[why].add(ref)

    def unready_for(self, *reasons: Reason) -> Group:
        """Those that are not ready for one of these reasons."""
        return merged(self.unready, *reasons)


def merged(groups: Groups, *reasons: str) -> Group:
    """Several groups as one."""
    found = [groups[reason] for reason in reasons if reason in groups]
    return Group(sum(group.count for group in found), [ref for group in found for ref in group.refs][:SHOWN])


def survey(customers: Iterable[tuple[JSON, JSON]]) -> Survey:
    """Count customers, given as spec and status."""
    found = Survey()
    for spec, status in customers:
        found.take(spec, status)
    return found
