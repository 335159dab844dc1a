"""What a cycle has to tell, step by step: the spec's audit events as log lines, and Events for what people must see.

An ordinary establish has a log line but no Event: 10,000 of them would double the writes (design section 5).
"""

from collections.abc import Sequence
from typing import Any

from navixy_operator.chronicle import Chronicle
from navixy_operator.core import report
from navixy_operator.core.actions import Hold, Keep, Watch
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.outcome import Settled
from navixy_operator.core.plan import Decision
from navixy_operator.core.projection import ready_reason
from navixy_operator.core.report import MAX_LISTED
from navixy_operator.core.vocabulary import CycleEvent, Desired, Discrepancy, Origin, Outcome, Reason
from navixy_operator.core.wishes import BY_A_PERSON
from navixy_operator.persons import tell_persons_word
from navixy_operator.publish import Published, verdict_changed


def tell_polled(chronicle: Chronicle, snapshot: Snapshot) -> None:
    """Customer Database Query, Eligible Customers Identified, Customer Skipped."""
    skipped = report.skips(snapshot)
    eligible = sum(customer.verdict.eligible for customer in snapshot.customers.values())
    chronicle.tell(CycleEvent.DATABASE_QUERIED, rows=snapshot.rows, customers=len(snapshot.customers))
    chronicle.tell(CycleEvent.ELIGIBLE_IDENTIFIED, eligible=eligible, skipped=len(skipped))
    for skip in skipped:
        chronicle.tell(
            CycleEvent.CUSTOMER_SKIPPED,
            customer=skip.get("customerRef"),
            warning=True,
            reason=skip["reason"],
            problem=skip["message"],
        )


def tell_found(chronicle: Chronicle, decisions: Sequence[Decision]) -> None:
    """Missing Connections Detected, Extra Connections Detected."""
    for event, types in (
        (CycleEvent.MISSING_DETECTED, {Discrepancy.MISSING, Discrepancy.HASH_CHANGED}),
        (CycleEvent.EXTRA_DETECTED, set(Discrepancy) - {Discrepancy.MISSING, Discrepancy.HASH_CHANGED}),
    ):
        if names := [decision.name for decision in decisions if decision.discrepancy in types]:
            chronicle.tell(event, count=len(names), customers=names[:MAX_LISTED])


def tell_settled(chronicle: Chronicle, settled: Sequence[Settled], published: Published) -> None:
    """Connection Established, Connection Closed, their failures, Discrepancy Resolved; verdicts, pins, F1.3."""
    for entry in settled:
        resource = published.resources.get(entry.decision.subject.customer_ref or "")
        if resource is not None and verdict_changed(resource, entry):
            verdict = entry.decision.subject.verdict
            chronicle.note(
                resource,
                CycleEvent.VERDICT_CHANGED,
                f"{verdict.reason}: {verdict.message}",
                warning=not verdict.eligible,
            )
        if resource is not None:
            tell_persons_word(chronicle, entry.decision, resource)
        if not isinstance(entry.decision.action, Keep | Hold):
            _tell_action(chronicle, entry, published)


def tell_drifted(chronicle: Chronicle, settled: Sequence[Settled], published: Published) -> None:
    """The same of a drift pass, which looks again and again at what is pending, and finds what has settled since."""
    for entry in settled:
        ref = entry.decision.subject.customer_ref or ""
        item = published.resources.get(ref)
        if item is not None and isinstance(entry.decision.action, Keep) and entry.as_desired:
            was_pending = ready_reason(item.status) is Reason.PENDING
            if was_pending and entry.decision.desired is Desired.CONNECTED:
                chronicle.tell(CycleEvent.CONNECTION_ESTABLISHED, customer=ref, reason=entry.decision.reason.value)
    begun = [e for e in settled if not (isinstance(e.decision.action, Watch) and e.outcome is Outcome.PENDING)]
    tell_settled(chronicle, begun, published)


def _tell_action(chronicle: Chronicle, entry: Settled, published: Published) -> None:
    decision, opening = entry.decision, entry.decision.opens or not entry.decision.closes
    name = decision.name if decision.subject.connections else decision.subject.customer_ref or ""
    resource = published.resources.get(name)
    origin = Origin.MANUAL if decision.reason in BY_A_PERSON else Origin.AUTOMATIC
    why: dict[str, Any] = {
        "origin": origin,
        "action": decision.action.kind.value,
        "outcome": entry.outcome.value,
        "reason": decision.reason.value,
    }
    if entry.outcome is Outcome.SUCCEEDED:
        event = CycleEvent.CONNECTION_ESTABLISHED if opening else CycleEvent.CONNECTION_CLOSED
        chronicle.tell(event, customer=name, **why)
        if decision.discrepancy is not None:
            kind = decision.discrepancy.value
            chronicle.tell(CycleEvent.DISCREPANCY_RESOLVED, customer=name, discrepancy=kind, origin=origin)
        if not opening:
            about = resource or chronicle.sync
            chronicle.note(about, event, f"closed the connection of {name}: {decision.message}")
        return
    event = CycleEvent.ESTABLISH_FAILED if opening else CycleEvent.CLOSE_FAILED
    fault = entry.failure.fault if entry.failure else None
    if fault is None and entry.failed_connection is not None:
        fault = entry.failed_connection.error
    problem = f"{fault.code}: {fault.message}" if fault is not None else "not settled in time"
    chronicle.tell(event, customer=name, warning=True, problem=problem, **why)
    chronicle.note(resource or chronicle.sync, event, f"{name}: {problem}", warning=True)
