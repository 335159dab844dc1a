"""What a cycle found, did and left: counts and lists of a SyncCycle's status (spec: Log Synchronization Results)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

from navixy_operator.core.actions import Hold, Keep
from navixy_operator.core.approval import digest, token
from navixy_operator.core.conditions import MAX_MESSAGE
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.guards import HOLDING
from navixy_operator.core.outcome import Settled
from navixy_operator.core.plan import Decision, closes_of
from navixy_operator.core.validation import Validation, actual_count, expected_count, suspended_count
from navixy_operator.core.vocabulary import (
    ActionKind,
    Discrepancy,
    Outcome,
    Reason,
)
from navixy_operator.core.wishes import SKIPS

MAX_LISTED: Final = 100


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
        "unresolved": sum(not entry.as_desired for entry in settled),
        "missing": found[Discrepancy.MISSING],
        "extra": found[Discrepancy.EXTRA],
        "suspendedConnected": found[Discrepancy.SUSPENDED] + found[Discrepancy.REMOVED],
        "suspendedRemaining": suspended_count(settled),
        "established": sum(ended[kind, Outcome.SUCCEEDED] for kind in opening),
        "establishFailed": sum(ended[kind, Outcome.FAILED] for kind in opening),
        "pending": sum(ended[kind, Outcome.PENDING] for kind in opening),
        "closed": sum(ended[kind, Outcome.SUCCEEDED] for kind in closing),
        "closeFailed": sum(ended[kind, outcome] for kind in closing for outcome in (Outcome.FAILED, Outcome.PENDING)),
        "failed": sum(count for (_, outcome), count in ended.items() if outcome is Outcome.FAILED),
        "held": ended[ActionKind.HOLD, Outcome.HELD],
        "pinned": sum(decision.subject.pin is not None for decision in decisions),
        "manual": sum(decision.reason is Reason.MANUAL_OPERATION for decision in decisions),
        "declared": sum(customer.record.declared for customer in snapshot.customers.values()),
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
        and decision.action.reason in HOLDING
        and closes_of(decision.action.instead_of)
    ]
    if not held:
        return None
    items = [
        {"customerRef": decision.subject.customer_ref or "", "connectionId": connection.id, "reason": _cause(decision)}
        for decision, action in held
        for connection in closes_of(action.instead_of)
    ]
    tokens = sorted({token(item["customerRef"], item["connectionId"]) for item in items})
    return {
        "digest": digest(tokens),
        "count": len(items),
        "reason": held[0][1].reason.value,
        "members": "".join(tokens),
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
    Discrepancy.PINNED: "open, although a person has pinned it off",
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


def _cut(text: str) -> str:
    """As much of a text as a status takes: F1.1's references and a line of several of ours can be longer."""
    return text[:MAX_MESSAGE]


def _named(decision: Decision) -> dict[str, str]:
    named = {"customerRef": _cut(decision.subject.customer_ref)} if decision.subject.customer_ref else {}
    current = decision.subject.current
    return named if current is None or not current.is_open else {**named, "connectionId": _cut(current.id)}


def _kind(decision: Decision) -> ActionKind:
    action = decision.action
    return action.instead_of.kind if isinstance(action, Hold) else action.kind


def _cause(decision: Decision) -> str:
    """Why a connection should be closed: where the customer is eligible, what is wrong with the connection itself."""
    if decision.reason is Reason.ELIGIBLE and decision.discrepancy is not None:
        return decision.discrepancy.value
    return decision.reason.value


def _why(entry: Settled) -> Reason:
    if isinstance(entry.decision.action, Hold):
        return entry.decision.action.reason
    return entry.failure.reason if entry.failure else entry.decision.reason
