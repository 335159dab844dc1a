"""Which alerts are active now, told from a NavixySync's status (spec: Alerting Rules; design section 3 for the last).

| alert                                    | severity | active while                                                   |
|------------------------------------------|----------|----------------------------------------------------------------|
| NavixySynchronizationFailure             | high     | the last cycle failed, or F1.1 refuses our token between them  |
| NavixyPersistentDiscrepancies            | medium   | discrepancies have lasted for more than ``persistentCycles``   |
| NavixyConnectionCountMismatch            | high     | the last cycle counted other than expected, and it is still so |
| NavixySuspendedCustomersConnected        | high     | a suspended or removed customer has an open connection         |
| NavixyHighCustomerSkipRate               | low      | more than ``skipRatePercent`` of the customers are skipped     |
| NavixyConnectionEstablishmentFailureRate | medium   | less than ``establishSuccessPercent`` of establishes succeed   |
| NavixyClosesHeld                         | high     | a guard holds closes until a person approves them              |

What a cycle that failed cannot tell stays as it was. So does the rate of establishes after a cycle that had none to
make, unless that one left nothing unresolved: then nothing fails any more.

A cycle that was interrupted is no failed synchronization to wake somebody for: the operator was stopped, as in a
rollout, nothing is wrong with the database or F1.1, and the next drift pass finishes the work. It neither raises the
first alert nor ends it. Several of them in a row are a failure: then the operator never comes to an end.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from navixy_operator.core.alerttext import described
from navixy_operator.core.conditions import find
from navixy_operator.core.history import PastCycle
from navixy_operator.core.triggers import INTERRUPTED_CYCLES, leading
from navixy_operator.core.vocabulary import ActionKind, AlertName, Condition, Outcome, Phase, Reason, Severity
from navixy_operator.core.words import listed, number, tally

Names = frozenset[AlertName]


@dataclass(frozen=True, slots=True)
class Thresholds:
    """``spec.alerts``: cycles in a row, percent of the customers, percent of the establishes."""

    persistent_cycles: int = 2
    skip_rate_percent: int = 10
    establish_success_percent: int = 90


@dataclass(frozen=True, slots=True)
class Sighting:
    """Suspended or removed customers with a connection, as the comparison of a cycle finds them before it acts.

    ``refs``: some of them.
    """

    cycle: str
    count: int
    refs: tuple[str, ...] = ()

    def is_running(self, status: Mapping[str, Any]) -> bool:
        """Whether the cycle is still at it, as the NavixySync's status says."""
        return bool(status.get("activeCycle") == self.cycle)

    def was_cut_off(self, status: Mapping[str, Any]) -> bool:
        """Whether the cycle failed before it had looked again: nothing newer is known."""
        last = status.get("lastCycle", {})
        return (last.get("name"), last.get("phase")) == (self.cycle, Phase.FAILED)


@dataclass(frozen=True, slots=True)
class Facts:
    """What the rules look at. ``status``: the NavixySync's; ``cycles``: those that have ended, newest first.

    ``before``: the alerts that were active so far. ``sighting``: what a cycle has found and not yet ended with.
    """

    status: Mapping[str, Any]
    thresholds: Thresholds = Thresholds()
    cycles: tuple[PastCycle, ...] = ()
    before: Names = frozenset()
    sighting: Sighting | None = None

    @property
    def last(self) -> Mapping[str, Any]:
        """The last cycle as the NavixySync tells of it; empty before the first."""
        found: Mapping[str, Any] = self.status.get("lastCycle", {})
        return found

    @property
    def completed(self) -> bool:
        """Whether the last cycle came to its end: then it has counts."""
        return bool(self.last.get("phase") == Phase.COMPLETED)

    @property
    def last_completed(self) -> PastCycle | None:
        """The report of the last cycle that came to its end; None: it is not kept."""
        return next((cycle for cycle in self.cycles if cycle.completed), None)

    def count(self, name: str) -> int:
        """One of the last cycle's counts; 0 where it failed."""
        return int(self.last.get("counts", {}).get(name, 0))

    def told(self, kind: Condition) -> tuple[str, str, str]:
        """A condition: status, reason and message."""
        found = find(self.status.get("conditions", ()), kind)
        return ("Unknown", "", "") if found is None else (found["status"], found["reason"], found["message"])


@dataclass(frozen=True, slots=True)
class Firing:
    """An alert that is active. ``summary`` is the same as long as it lasts; ``description`` has numbers and names."""

    name: AlertName
    severity: Severity
    summary: str
    description: str


Rule = Callable[[Facts], str | None]
"""What is wrong, in a sentence with numbers and names; None: nothing."""


def synchronization_failure(facts: Facts) -> str | None:
    """Spec: "Sync fails"."""
    status, reason, message = facts.told(Condition.FORWARDING_AVAILABLE)
    interrupted = facts.last.get("reason") == Reason.INTERRUPTED
    if facts.last.get("phase") == Phase.FAILED and not interrupted:
        return f"{facts.last.get('reason', 'failed')}: {facts.last.get('message', 'its SyncCycle says why')}"
    if (status, reason) == ("False", Reason.FORWARDING_UNAUTHORIZED):
        return f"{reason}: {message}"
    in_a_row = len(leading(facts.cycles, lambda cycle: cycle.interrupted))
    if interrupted and in_a_row >= INTERRUPTED_CYCLES:
        return f"the last {in_a_row} cycles were interrupted: the operator was stopped in their middle"
    carried = interrupted and AlertName.SYNCHRONIZATION_FAILURE in facts.before
    return "the last cycle was interrupted, and the one before had failed" if carried else None


def persistent_discrepancies(facts: Facts) -> str | None:
    """Spec: "Discrepancies persist > 2 cycles"."""
    cycles = int(facts.status.get("discrepantCycles", 0))
    if cycles <= facts.thresholds.persistent_cycles:
        return None
    since = facts.status.get("discrepantSince", "a time not known")
    return f"{cycles} completed cycles in a row left discrepancies, the first of them at {since}"


def connection_count_mismatch(facts: Facts) -> str | None:
    """Spec: "Count mismatch after sync". A cycle raises it; the first pass that finds the counts equal ends it."""
    expected, actual = facts.status.get("expected"), facts.status.get("actual")
    before = AlertName.CONNECTION_COUNT_MISMATCH in facts.before
    raised = facts.count("expected") != facts.count("actual") if facts.completed else before
    if not raised or expected == actual:
        return None
    return f"{number(int(actual or 0), 'connection is', 'connections are')} connected where {expected} are expected"


def suspended_connected(facts: Facts) -> str | None:
    """Spec: "Any suspended customer has connection": at once when a cycle finds it, until its close was seen."""
    if (seen := facts.sighting) is not None:
        return f"{_suspended(seen.count)}: {listed(seen.refs, seen.count)}; {seen.cycle} has found that, and is at it"
    count = int(facts.status.get("suspendedConnected", 0))
    last = facts.last_completed
    left = () if last is None else last.left_open
    names = f": {listed(left)}" if left and len(left) == count else ""
    return f"{_suspended(count)}{names}" if count else None


def high_skip_rate(facts: Facts) -> str | None:
    """Spec: "> 10% customers skipped"."""
    if not facts.completed:
        return "the last cycle failed; the one before had skipped too many" if _SKIPS in facts.before else None
    skipped, customers = facts.count("skipped"), facts.count("customers")
    if 100 * skipped <= facts.thresholds.skip_rate_percent * customers:
        return None
    reasons = facts.last_completed.status.get("skipCounts", {}) if facts.last_completed is not None else {}
    why = tally(sorted(reasons.items()))
    return f"{skipped} of {number(customers, 'customer was', 'customers were')} skipped" + (f": {why}" if why else "")


def establishment_failure_rate(facts: Facts) -> str | None:
    """Spec: "< 90% success rate", in the last cycle that had connections to establish."""
    succeeded, failed = facts.count("established"), facts.count("establishFailed")
    if succeeded + failed == 0:
        at_rest = facts.completed and not facts.count("unresolved")
        return "no cycle has established any since" if _ESTABLISHES in facts.before and not at_rest else None
    if 100 * succeeded >= facts.thresholds.establish_success_percent * (succeeded + failed):
        return None
    tried = number(succeeded + failed, "connection")
    return f"{succeeded} of {tried} could be established{_failures(facts.last_completed)}"


def _failures(cycle: PastCycle | None) -> str:
    """Whose establishes failed, and F1.1's words for the first, as the end of a sentence."""
    acted = () if cycle is None else cycle.status.get("actions", ())
    failed = [e for e in acted if e.get("outcome") == Outcome.FAILED and e["action"] not in _CLOSING]
    if not failed:
        return ""
    refs = [str(entry.get("customerRef", "nobody")) for entry in failed]
    return f"; it failed for {listed(refs)}, for the first because: {failed[0].get('message', 'no reason was given')}"


def closes_held(facts: Facts) -> str | None:
    """Design section 3: "held closes raise an alert"."""
    status, reason, message = facts.told(Condition.CLOSES_HELD)
    if status != "True":
        return None
    found = ((cycle.name, cycle.status.get("heldCloses", {})) for cycle in facts.cycles)
    lists = (
        f"{number(held['count'], 'close')} of {name}; " for name, held in found if held.get("digest", "?") in message
    )
    return f"{reason}: {next(lists, '')}{message}"


def _suspended(count: int) -> str:
    who = number(count, "suspended or removed customer has", "suspended or removed customers have")
    return f"{who} an open connection"


_SKIPS: Final = AlertName.HIGH_SKIP_RATE
_ESTABLISHES: Final = AlertName.ESTABLISH_FAILURE_RATE
_CLOSING: Final = frozenset({ActionKind.CLOSE, ActionKind.TRIM})

RULES: Final[tuple[tuple[AlertName, Severity, Rule], ...]] = (
    (AlertName.SYNCHRONIZATION_FAILURE, Severity.HIGH, synchronization_failure),
    (AlertName.PERSISTENT_DISCREPANCIES, Severity.MEDIUM, persistent_discrepancies),
    (AlertName.CONNECTION_COUNT_MISMATCH, Severity.HIGH, connection_count_mismatch),
    (AlertName.SUSPENDED_CONNECTED, Severity.HIGH, suspended_connected),
    (AlertName.HIGH_SKIP_RATE, Severity.LOW, high_skip_rate),
    (AlertName.ESTABLISH_FAILURE_RATE, Severity.MEDIUM, establishment_failure_rate),
    (AlertName.CLOSES_HELD, Severity.HIGH, closes_held),
)
SUMMARIES: Final = {
    AlertName.SYNCHRONIZATION_FAILURE: "The last synchronization failed",
    AlertName.PERSISTENT_DISCREPANCIES: "Discrepancies persist from cycle to cycle",
    AlertName.CONNECTION_COUNT_MISMATCH: "There are not as many connections as expected",
    AlertName.SUSPENDED_CONNECTED: "Suspended customers are connected",
    AlertName.HIGH_SKIP_RATE: "Many customers are skipped",
    AlertName.ESTABLISH_FAILURE_RATE: "Many connections cannot be established",
    AlertName.CLOSES_HELD: "Closes wait for a person's approval",
}


def active(facts: Facts) -> Iterator[Firing]:
    """The alerts that are active, in the order of the table, each with the last synchronization's summary."""
    for name, severity, rule in RULES:
        if (wrong := rule(facts)) is not None:
            yield Firing(name, severity, SUMMARIES[name], described(wrong, facts.last_completed))
