"""What opens an investigation (spec: Investigation Triggers). Each is a small function of the facts.

| trigger                     | seen when                                                                             |
|-----------------------------|---------------------------------------------------------------------------------------|
| ConnectionCountMismatch     | the last completed cycle validated another count than expected (AC11), or             |
|                             | discrepancies of whatever sort have lasted for more than ``persistentCycles``         |
| SynchronizationFailure      | the last cycle failed; one that was interrupted only when several in a row were;      |
|                             | or F1.1 refuses our token between the cycles                                          |
| CustomersRepeatedlySkipped  | the same customers were skipped by each of the last three completed cycles            |
| SuspendedCustomersConnected | a suspended or removed customer is connected, after the actions or between cycles     |
| HighDiscrepancyRate         | the last completed cycle found more than 10% discrepancies; the first does not count, |
|                             | nor one that carries out approved closes                                              |

Dry runs count for nothing.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from navixy_operator.core.conditions import find
from navixy_operator.core.history import PastCycle
from navixy_operator.core.vocabulary import Condition, Reason, Trigger
from navixy_operator.core.words import listed, number

REPEATED_CYCLES: Final = 3
"""Completed cycles in a row that skip a customer: then it is skipped repeatedly."""
INTERRUPTED_CYCLES: Final = 3
"""Cycles in a row that were interrupted: once may be a rollout, so often is a failure."""
RATE_PERCENT: Final = 10
"""Discrepancies for each hundred customers; as many skipped ones raise an alert."""


@dataclass(frozen=True, slots=True)
class Facts:
    """What the triggers look at. ``status``: the NavixySync's; ``cycles``: those that have ended, newest first.

    ``persistent_cycles``: how many of them discrepancies may last.
    """

    status: Mapping[str, Any]
    cycles: tuple[PastCycle, ...]
    persistent_cycles: int = 2

    @property
    def completed(self) -> tuple[PastCycle, ...]:
        """Those that came to their end, newest first."""
        return tuple(cycle for cycle in self.cycles if cycle.completed)


@dataclass(frozen=True, slots=True)
class Sighting:
    """A trigger that is seen. ``message``: what there is to see; ``cycle``: the one that showed it, None: none did."""

    trigger: Trigger
    message: str
    cycle: PastCycle | None


def leading(cycles: Sequence[PastCycle], holds: Callable[[PastCycle], bool]) -> Sequence[PastCycle]:
    """The cycles from the newest back for which something holds without a break."""
    return cycles[: next((at for at, cycle in enumerate(cycles) if not holds(cycle)), len(cycles))]


Seen = tuple[str, PastCycle | None]
Look = Callable[[Facts], Seen | None]


def count_mismatch(facts: Facts) -> Seen | None:
    """AC11: "connection count does not match expected customer count". It persists when it lasts for more cycles."""
    lasting = leading(facts.completed, _mismatched)
    if not lasting or (counts := lasting[0].expected_and_actual) is None:
        return _persistent_discrepancies(facts)
    expected, actual = counts
    message = f"{actual} connections are connected where {expected} are expected"
    persists = f"; it persists: {len(lasting)} completed cycles in a row found a mismatch" if len(lasting) > 1 else ""
    return message + persists, lasting[0]


def _persistent_discrepancies(facts: Facts) -> Seen | None:
    """Spec: "> 2 cycles … trigger investigation". One too many and one too few make the counts equal."""
    cycles = int(facts.status.get("discrepantCycles", 0))
    if cycles <= facts.persistent_cycles or not facts.completed:
        return None
    return f"{cycles} completed cycles in a row left discrepancies, though the counts are equal", facts.completed[0]


def _mismatched(cycle: PastCycle) -> bool:
    counts = cycle.expected_and_actual
    return counts is not None and counts[0] != counts[1]


def synchronization_failure(facts: Facts) -> Seen | None:
    """The last cycle failed. That the operator was stopped in its middle is no failure of its own, unless repeated."""
    interrupted = leading(facts.cycles, lambda cycle: cycle.interrupted)
    if len(interrupted) >= INTERRUPTED_CYCLES:
        often = f"the last {len(interrupted)} cycles were interrupted: the operator was stopped in their middle"
        return often, interrupted[0]
    failures = leading([cycle for cycle in facts.cycles if not cycle.interrupted], lambda cycle: cycle.failed)
    if not failures:
        return _token_refused(facts)
    often = f"; {len(failures)} in a row failed" if len(failures) > 1 else ""
    return f"the last cycle failed with {failures[0].reason}{often}", failures[0]


def _token_refused(facts: Facts) -> Seen | None:
    """Between the cycles: the next one would fail, and nothing mends it but a person."""
    told = find(facts.status.get("conditions", ()), Condition.FORWARDING_AVAILABLE)
    if told is None or (told["status"], told["reason"]) != ("False", Reason.FORWARDING_UNAUTHORIZED):
        return None
    return f"between the cycles: {told['message']}", None


def repeatedly_skipped(facts: Facts) -> Seen | None:
    """The same customers, whatever they lack, in each of the last cycles that came to their end."""
    lately = facts.completed[:REPEATED_CYCLES]
    if len(lately) < REPEATED_CYCLES or not (refs := always_skipped(lately)):
        return None
    who = number(len(refs), "customer is", "customers are")
    message = f"{who} skipped by each of the last {REPEATED_CYCLES} completed cycles: {listed(refs)}"
    return message, lately[0]


def always_skipped(cycles: tuple[PastCycle, ...]) -> list[str]:
    """The customers that each of the cycles skipped."""
    return sorted(set.intersection(*(set(cycle.skips) for cycle in cycles))) if cycles else []


def suspended_connected(facts: Facts) -> Seen | None:
    """Still open after the actions, as the last completed cycle lists it, or open again by what was seen since."""
    last = facts.completed[0] if facts.completed else None
    left, refs = (0, ()) if last is None else (last.count("suspendedRemaining"), last.left_open)
    since = _seen_since(facts)
    count = left if since is None else since
    if not count:
        return None
    who = number(count, "suspended or removed customer has", "suspended or removed customers have")
    names = f": {listed(refs)}" if count == left == len(refs) else ""
    return f"{who} an open connection{names}", last if left else None


def _seen_since(facts: Facts) -> int | None:
    """What was seen last; None: nothing is known, or it is older than the newest completed cycle."""
    newer = [cycle.name for cycle in facts.cycles if not facts.completed or cycle.ended >= facts.completed[0].ended]
    older = {cycle.name for cycle in facts.cycles} - set(newer)
    count = facts.status.get("suspendedConnected")
    return None if count is None or facts.status.get("lastCycle", {}).get("name") in older else int(count)


def high_discrepancy_rate(facts: Facts) -> Seen | None:
    """Many customers at once are not as they should be. The first cycle of all finds everybody missing.

    One that carries out approved closes finds again what a person has looked at.
    """
    if not facts.completed or _is_first(facts) or facts.completed[0].approved:
        return None
    last = facts.completed[0]
    found, customers = last.count("discrepancies"), last.count("customers")
    if 100 * found <= RATE_PERCENT * customers:
        return None
    told = f"{number(found, 'discrepancy', 'discrepancies')} among {number(customers, 'customer')}"
    return f"{told}, more than {RATE_PERCENT}%", last


def _is_first(facts: Facts) -> bool:
    """Whether no earlier cycle is kept, and this one made the resources of most of its customers."""
    last = facts.completed[0]
    return len(facts.completed) == 1 and 2 * last.count("created") >= last.count("customers")


TRIGGERS: Final[tuple[tuple[Trigger, Look], ...]] = (
    (Trigger.COUNT_MISMATCH, count_mismatch),
    (Trigger.SYNCHRONIZATION_FAILURE, synchronization_failure),
    (Trigger.REPEATEDLY_SKIPPED, repeatedly_skipped),
    (Trigger.SUSPENDED_CONNECTED, suspended_connected),
    (Trigger.HIGH_DISCREPANCY_RATE, high_discrepancy_rate),
)


def sightings(facts: Facts) -> Iterator[Sighting]:
    """The triggers that are seen now."""
    for trigger, look in TRIGGERS:
        if (seen := look(facts)) is not None:
            yield Sighting(trigger, *seen)
