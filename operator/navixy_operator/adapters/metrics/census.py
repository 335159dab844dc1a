"""Customers counted by what their resources say; only those that have changed are looked at again.

Of 10,000, unchanged ones cost one or two milliseconds in all; a changed one costs some microseconds, in pieces between
which others run.
"""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from navixy_operator.core.guards import HOLDING
from navixy_operator.core.measures import Sample
from navixy_operator.core.vocabulary import Condition, ConnectionState, Metric, PinMode, Reason
from navixy_operator.ports import Resource

PIECE: Final = 250
"""Changed customers between two pauses: one or two milliseconds."""
LONG_PIECE: Final = 10_000
"""The same of all customers."""
Key = tuple[str, str]
# plain text from here on: to hash a member of an enumeration costs as much as all the rest of a look
_WORDS: Final = (Condition.READY.value, Condition.ELIGIBLE.value, Condition.PINNED.value)
_UNJUDGED: Final = ("Unknown", Reason.NOT_YET_JUDGED.value)
_WAITING: Final = frozenset(reason.value for reason in HOLDING)


@dataclass(frozen=True, slots=True)
class Traits:
    """What customers are counted by: status and reason of each condition, None without it; state; mode of the pin."""

    conditions: tuple[tuple[str, str] | None, ...]
    state: str | None
    mode: str | None


Place = tuple[Key, Traits]


class Census:
    """Counts by NavixySync (namespace and name). Remembers each customer as it was counted."""

    def __init__(self) -> None:
        self._counted: dict[str, tuple[Resource, Place]] = {}
        self._counts: dict[Key, Counter[Traits]] = {}
        self._shared: dict[Place, Place] = {}
        """One object for all who are alike: a few, where the customers are many."""
        self._whole = False

    def update(self, customers: Sequence[Resource]) -> Iterator[None]:
        """Count these customers, all there are, instead of those before; pauses after each piece, to be gone through.

        An object that is the same as before is taken to be unchanged: resources are frozen.
        """
        changed = 0
        for number, item in enumerate(customers, start=1):
            known = self._counted.get(item.uid)
            if known is None or known[0] is not item:
                self._replace(item, known)
                changed += 1
            if changed == PIECE or number % LONG_PIECE == 0:
                changed = 0
                yield
        if len(self._counted) > len(customers):
            for uid in self._counted.keys() - {item.uid for item in customers}:
                self._take_away(self._counted.pop(uid)[1])
        self._whole = True

    def samples(self, sync: Key) -> Iterator[Sample]:
        """The counts of one NavixySync's customers, by reason as there are, by state and mode also those of 0.

        Nothing before all have been counted for the first time.
        """
        if not self._whole:
            return
        customers, states, modes = Counter[tuple[str, ...]](), Counter[str | None](), Counter[str | None]()
        for traits, count in self._counts.get(sync, Counter()).items():
            states[traits.state] += count
            modes[traits.mode] += count
            for word, told in zip(_WORDS, traits.conditions, strict=True):
                if told is not None:
                    customers[word, *told] += count
        for labels, count in sorted(customers.items()):
            yield Sample(Metric.CUSTOMERS, count, labels)
        for state in ConnectionState:
            yield Sample(Metric.CONNECTIONS, states[state.value], (state.value,))
        for mode in PinMode:
            yield Sample(Metric.PINS, modes[mode.value], (mode.value,))

    def held(self, sync: Key) -> int | None:
        """Customers whose close a guard holds; None: not all have been counted yet."""
        if not self._whole:
            return None
        counts = self._counts.get(sync, Counter())
        return sum(count for traits, count in counts.items() if (traits.conditions[0] or _UNJUDGED)[1] in _WAITING)

    def _replace(self, item: Resource, known: tuple[Resource, Place] | None) -> None:
        place: Place = ((item.namespace, str(item.spec.get("sync", ""))), _traits(item.status))
        place = self._shared.setdefault(place, place)
        self._counted[item.uid] = (item, place)
        if known is not None and known[1] is place:
            return
        if known is not None:
            self._take_away(known[1])
        self._counts.setdefault(place[0], Counter())[place[1]] += 1

    def _take_away(self, place: Place) -> None:
        sync, traits = place
        counts = self._counts[sync]
        counts[traits] -= 1
        if not counts[traits]:
            del counts[traits], self._shared[place]
        if not counts:
            del self._counts[sync]


def _traits(status: Mapping[str, Any]) -> Traits:
    """What one customer counts as."""
    told = {entry["type"]: (entry["status"], entry["reason"]) for entry in status.get("conditions", ())}
    ready, eligible, pinned = (told.get(word) for word in _WORDS)
    state, mode = (status.get("connection") or {}).get("state"), (status.get("pin") or {}).get("mode")
    return Traits((ready or _UNJUDGED, eligible or _UNJUDGED, pinned), state, mode)
