"""What a cycle found, did and left: counts and lists of a SyncCycle's status (spec: Log Synchronization Results)."""

import hashlib
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Final

from navixy_operator.core.actions import Establish, Hold, Keep, Replace
from navixy_operator.core.conditions import MAX_MESSAGE
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.model import Connection
from navixy_operator.core.outcome import Settled
from navixy_operator.core.plan import CLOSED, SKIPS, Decision, closes_of
from navixy_operator.core.vocabulary import (
    ActionKind,
    ConnectionState,
    Desired,
    Discrepancy,
    Outcome,
    Reason,
)

MAX_LISTED: Final = 100


@dataclass(frozen=True, slots=True)
class Validation:
    """Step 7: whether the world is as it should be, and in which ways it is not."""

    expected: int
    actual: int
    messages: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether counts and members agree."""
        return not self.messages

    def to_status(self) -> dict[str, Any]:
        """As a SyncCycle's ``status.validation``."""
        found: dict[str, Any] = {"passed": self.passed, "expected": self.expected, "actual": self.actual}
        return {**found, "messages": [_cut(message) for message in self.messages]} if self.messages else found


def validate(settled: Sequence[Settled]) -> Validation:
    """Compare counts and members (spec step 7; AC7, AC11). Customers left as they are count as they are."""
    expected, actual = expected_count(settled), actual_count(entry.final.connections for entry in settled)
    checks = (
        (_of(settled, lambda entry: _unmet(entry, Desired.CONNECTED)), "eligible customers without their connection"),
        (_of(settled, lambda entry: _open_although(entry, CLOSED)), "suspended, removed or unknown customers with one"),
        (_of(settled, lambda entry: _open_although(entry, SKIPS)), "customers with one who miss a requirement"),
    )
    messages = [f"{len(refs)} {words}: {_some(refs)}" for refs, words in checks if refs]
    if expected != actual:
        messages.insert(0, f"{actual} connections are connected where {expected} are expected")
    return Validation(expected, actual, tuple(messages))


def expected_count(settled: Iterable[Settled]) -> int:
    """How many connections should be connected."""
    return sum(
        _connected(entry.final.connections)
        if entry.decision.as_it_is
        else int(entry.decision.desired is Desired.CONNECTED)
        for entry in settled
    )


def actual_count(connections: Iterable[Iterable[Connection]]) -> int:
    """How many connections are connected."""
    return sum(map(_connected, connections))


def counts(snapshot: Snapshot, decisions: Sequence[Decision], settled: Sequence[Settled]) -> dict[str, int]:
    """The counts of a cycle, but for those of resources written."""
    found = Counter(decision.discrepancy for decision in decisions if decision.discrepancy)
    ended = Counter((entry.decision.action.kind, entry.outcome) for entry in settled)
    opening = (ActionKind.ESTABLISH, ActionKind.REPLACE, ActionKind.WATCH)
    closing = (ActionKind.CLOSE, ActionKind.TRIM)
    return {
        "rows": snapshot.rows,
        "customers": len(snapshot.customers) + len(snapshot.orphans),
        "eligible": sum(customer.verdict.eligible for customer in snapshot.customers.values()),
        "skipped": len(skips(snapshot)),
        "expected": expected_count(settled),
        "actualBefore": actual_count(decision.subject.connections for decision in decisions),
        "actual": actual_count(entry.final.connections for entry in settled),
        "discrepancies": found.total(),
        "missing": found[Discrepancy.MISSING],
        "extra": found[Discrepancy.EXTRA],
        "suspendedConnected": found[Discrepancy.SUSPENDED] + found[Discrepancy.REMOVED],
        "established": sum(ended[kind, Outcome.SUCCEEDED] for kind in opening),
        "establishFailed": sum(ended[kind, Outcome.FAILED] for kind in opening),
        "pending": sum(ended[kind, Outcome.PENDING] for kind in opening),
        "closed": sum(ended[kind, Outcome.SUCCEEDED] for kind in closing),
        "closeFailed": sum(ended[kind, outcome] for kind in closing for outcome in (Outcome.FAILED, Outcome.PENDING)),
        "held": ended[ActionKind.HOLD, Outcome.HELD],
    }


def skips(snapshot: Snapshot) -> list[dict[str, str]]:
    """Customers who miss a requirement, or whose record is bad, and why (AC2, AC8)."""
    listed = [
        {"customerRef": ref, "reason": customer.verdict.reason.value, "message": _cut(customer.verdict.message)}
        for ref, customer in snapshot.customers.items()
        if customer.verdict.reason in SKIPS
    ]
    nameless = [{"reason": Reason.INVALID_RECORD.value, "message": orphan.message} for orphan in snapshot.orphans]
    return listed + nameless


def discrepancies(decisions: Iterable[Decision]) -> list[dict[str, str]]:
    """The discrepancy report (AC4): one entry for each customer or leftover that is not as it should be."""
    return [
        {
            "type": decision.discrepancy.value,
            **_named(decision),
            "message": _cut(_FOUND.get(decision.discrepancy, decision.message)),
        }
        for decision in decisions
        if decision.discrepancy is not None
    ]


def actions(settled: Iterable[Settled]) -> list[dict[str, str]]:
    """What was done, or held, and how it ended (AC8)."""
    return [
        {
            **_named(entry.decision),
            "action": _kind(entry.decision).value,
            "outcome": entry.outcome.value,
            "reason": _why(entry).value,
            "message": _cut(entry.failure.fault.message if entry.failure else entry.decision.message),
        }
        for entry in settled
        if not isinstance(entry.decision.action, Keep)
    ]


def held_closes(decisions: Iterable[Decision]) -> dict[str, Any] | None:
    """The closes that are held, with a digest over the exact list; None: none are."""
    held = [
        (decision, decision.action)
        for decision in decisions
        if isinstance(decision.action, Hold)
        and decision.action.reason is not Reason.DRY_RUN
        and closes_of(decision.action.instead_of)
    ]
    if not held:
        return None
    items = [
        {"customerRef": decision.subject.customer_ref or "", "connectionId": connection.id}
        for decision, action in held
        for connection in closes_of(action.instead_of)
    ]
    exact = "\n".join(sorted(f"{item['customerRef']}\t{item['connectionId']}" for item in items))
    return {
        "digest": hashlib.sha256(exact.encode(errors="surrogatepass")).hexdigest()[:16],
        "count": len(items),
        "reason": held[0][1].reason.value,
        **capped("items", [{key: _cut(value) for key, value in item.items() if value} for item in items]),
    }


def details(
    snapshot: Snapshot,
    decisions: Sequence[Decision],
    settled: Sequence[Settled],
    validation: Validation,
    tally: Mapping[str, int],
) -> dict[str, Any]:
    """The report's fields of a SyncCycle's status; lists are capped, the counts by type and reason are whole."""
    found, skipped, done = discrepancies(decisions), skips(snapshot), actions(settled)
    done.sort(key=lambda entry: _URGENCY[Outcome(entry["outcome"])])
    fields: dict[str, Any] = {
        "counts": dict(tally),
        "validation": validation.to_status(),
        **capped("discrepancies", found),
        **capped("skips", skipped),
        **capped("actions", done),
    }
    if found:
        fields["discrepancyCounts"] = dict(Counter(entry["type"] for entry in found))
    if skipped:
        fields["skipCounts"] = dict(Counter(entry["reason"] for entry in skipped))
    if (held := held_closes(decisions)) is not None:
        fields["heldCloses"] = held
    return fields


def capped(name: str, entries: Sequence[Mapping[str, str]]) -> dict[str, Any]:
    """A list cut to 100 entries, with how many were left out; nothing at all for an empty one."""
    if not entries:
        return {}
    cut: dict[str, Any] = {name: [dict(entry) for entry in entries[:MAX_LISTED]]}
    return {**cut, f"{name}Omitted": len(entries) - MAX_LISTED} if len(entries) > MAX_LISTED else cut


def summary(tally: Mapping[str, int]) -> str:
    """One line for people: the Event's message and the log's."""
    said = ", ".join(f"{tally[key]} {words}" for key, words in _WORDS.items() if tally[key])
    return f"{tally['actual']} of {tally['expected']} expected connections are connected; {said or 'nothing to do'}"


_FOUND: Final = {
    Discrepancy.MISSING: "eligible, but not connected",
    Discrepancy.HASH_CHANGED: "connected with another hash than the customer has now",
    Discrepancy.DUPLICATE: "more than one open connection",
}
_URGENCY: Final = {
    Outcome.FAILED: 0,
    Outcome.PENDING: 1,
    Outcome.HELD: 2,
    Outcome.SKIPPED: 3,
    Outcome.SUCCEEDED: 4,
}
_WORDS: Final = {
    "established": "established",
    "establishFailed": "failed to establish",
    "pending": "pending",
    "closed": "closed",
    "closeFailed": "failed to close",
    "held": "held",
    "skipped": "customers skipped",
}


def _connected(connections: Iterable[Connection]) -> int:
    return sum(connection.state is ConnectionState.CONNECTED for connection in connections)


def _of(settled: Iterable[Settled], matches: Callable[[Settled], bool]) -> list[str]:
    return [name_of(entry.decision) for entry in settled if matches(entry)]


def _unmet(entry: Settled, desired: Desired) -> bool:
    return entry.decision.desired is desired and not entry.as_desired


def _open_although(entry: Settled, reasons: frozenset[Reason]) -> bool:
    return entry.decision.reason in reasons and _unmet(entry, Desired.DISCONNECTED)


def _some(refs: Sequence[str]) -> str:
    shown = ", ".join(refs[:5])
    return f"{shown} and {len(refs) - 5} more" if len(refs) > 5 else shown  # noqa: PLR2004 - as many as a line takes


def _cut(text: str) -> str:
    """As much of a text as a status takes: F1.1's references and a line of several of ours can be longer."""
    return text[:MAX_MESSAGE]


def name_of(decision: Decision) -> str:
    """The customer's reference, or the connection that belongs to nobody."""
    subject = decision.subject
    return subject.customer_ref or f"nobody ({subject.connections[0].id})"


def _named(decision: Decision) -> dict[str, str]:
    named = {"customerRef": _cut(decision.subject.customer_ref)} if decision.subject.customer_ref else {}
    current = decision.subject.current
    return named if current is None or not current.is_open else {**named, "connectionId": _cut(current.id)}


def _kind(decision: Decision) -> ActionKind:
    action = decision.action
    return action.instead_of.kind if isinstance(action, Hold) else action.kind


def _why(entry: Settled) -> Reason:
    if isinstance(entry.decision.action, Hold):
        return entry.decision.action.reason
    return entry.failure.reason if entry.failure else entry.decision.reason


def opens(decision: Decision) -> bool:
    """Whether the decision asks F1.1 for a connection."""
    return isinstance(decision.action, Establish | Replace)
