"""What a cycle has to tell, step by step: the spec's audit events as log lines, and Events for what people must see.

An ordinary establish has a log line but no Event: 10,000 of them would double the writes (design section 5).
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, Final

from navixy_operator.chronicle import Chronicle
from navixy_operator.core import report
from navixy_operator.core.actions import Hold, Keep, Watch
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.outcome import Failure, Settled
from navixy_operator.core.plan import Decision
from navixy_operator.core.projection import ready_reason
from navixy_operator.core.vocabulary import (
    ConnectionState,
    Desired,
    Discrepancy,
    EventName,
    EventStatus,
    Origin,
    Outcome,
    Reason,
)
from navixy_operator.core.wishes import BY_A_PERSON
from navixy_operator.errors import OperatorError
from navixy_operator.persons import tell_persons_word
from navixy_operator.publish import Published, verdict_changed
from navixy_operator.resolve import Progress

CUT_OFF: Final = "asked for, but the pass was cut off before it was seen how it ended"


def tell_query_failed(chronicle: Chronicle, error: OperatorError) -> None:
    """Customer Database Query that gave nothing."""
    chronicle.tell(
        EventName.DATABASE_QUERIED,
        status=EventStatus.FAILED,
        warning=True,
        reason=error.reason.value,
        problem=str(error),
    )


def tell_polled(chronicle: Chronicle, snapshot: Snapshot) -> None:
    """Customer Database Query, Eligible Customers Identified, Customer Skipped."""
    skipped = report.skips(snapshot)
    eligible = [ref for ref, customer in snapshot.customers.items() if customer.verdict.eligible]
    chronicle.tell(EventName.DATABASE_QUERIED, rows=snapshot.rows, customers=len(snapshot.customers))
    chronicle.tell(
        EventName.ELIGIBLE_IDENTIFIED,
        eligible=len(eligible),
        skipped=len(skipped),
        customers=len(snapshot.customers),
        customer_refs=eligible,
    )
    for skip in skipped:
        chronicle.tell(
            EventName.CUSTOMER_SKIPPED,
            status=EventStatus.SKIPPED,
            customer=skip.get("customerRef"),
            warning=True,
            reason=skip["reason"],
            problem=skip["message"],
        )


def tell_found(chronicle: Chronicle, decisions: Sequence[Decision]) -> None:
    """Missing Connections Detected, Extra Connections Detected: one of each type of discrepancy that there is."""
    for kind in Discrepancy:
        found = [decision for decision in decisions if decision.discrepancy is kind]
        if not found:
            continue
        told: dict[str, Any] = {"status": EventStatus.FOUND, "discrepancy": kind, "count": len(found)}
        if kind in {Discrepancy.MISSING, Discrepancy.HASH_CHANGED}:
            chronicle.tell(EventName.MISSING_DETECTED, **told, customer_refs=[decision.name for decision in found])
        else:
            chronicle.tell(EventName.EXTRA_DETECTED, **told, connections=[_shown(decision) for decision in found])


def tell_settled(chronicle: Chronicle, settled: Sequence[Settled], published: Published) -> None:
    """Connection Established, Connection Closed, their failures, Discrepancy Resolved; verdicts, pins, F1.3."""
    for entry in settled:
        resource = published.resources.get(entry.decision.subject.customer_ref or "")
        if resource is not None and verdict_changed(resource, entry):
            verdict = entry.decision.subject.verdict
            chronicle.note(
                resource,
                EventName.VERDICT_CHANGED,
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
                reason = entry.decision.reason.value
                chronicle.tell(EventName.CONNECTION_ESTABLISHED, customer=ref, reason=reason, **_connection(entry))
    begun = [e for e in settled if not (isinstance(e.decision.action, Watch) and e.outcome is Outcome.PENDING)]
    tell_settled(chronicle, begun, published)


@contextmanager
def told_if_cut_off(chronicle: Chronicle, decisions: Sequence[Decision], progress: Progress) -> Iterator[None]:
    """Where what is inside does not come to its end, tell of everything that F1.1 had been asked for by then.

    Else that is told when it is known how it ended: after the last look at F1.1.
    """
    try:
        yield
    except BaseException:
        for place in sorted(progress.asked):
            _tell_asked(chronicle, decisions[place], progress.failures.get(place))
        raise


def _tell_asked(chronicle: Chronicle, decision: Decision, failure: Failure | None) -> None:
    event, problem = _event(decision, failed=failure is not None), CUT_OFF
    if failure is not None:
        problem = f"{failure.fault.code}: {failure.fault.message}"
    status = EventStatus.PENDING if failure is None else EventStatus.FAILED
    closed = [connection.id for connection in decision.closes]
    why = {**_why(decision), **({"closed_connections": closed} if closed else {})}
    chronicle.tell(event, **_about(decision), status=status, warning=True, problem=problem, **why)


def _event(decision: Decision, *, failed: bool) -> EventName:
    if decision.opens or not decision.closes:
        return EventName.ESTABLISH_FAILED if failed else EventName.CONNECTION_ESTABLISHED
    return EventName.CLOSE_FAILED if failed else EventName.CONNECTION_CLOSED


def _about(decision: Decision) -> dict[str, Any]:
    origin = Origin.MANUAL if decision.reason in BY_A_PERSON else Origin.AUTOMATIC
    return {"customer": decision.subject.customer_ref, "origin": origin, "discrepancy": decision.discrepancy}


def _why(decision: Decision) -> dict[str, Any]:
    return {"action": decision.action.kind.value, "reason": decision.reason.value}


def _tell_action(chronicle: Chronicle, entry: Settled, published: Published) -> None:
    decision, opening = entry.decision, entry.decision.opens or not entry.decision.closes
    name = decision.name if decision.subject.connections else decision.subject.customer_ref or ""
    resource = published.resources.get(name)
    event, told = _event(decision, failed=entry.outcome is not Outcome.SUCCEEDED), _about(decision)
    still_open = {connection.id for connection in entry.final.open}
    closed = [connection.id for connection in decision.closes if connection.id not in still_open]
    why = {**_why(decision), **_connection(entry)}
    if opening and closed:  # the old one, before the new one
        gone = {**_why(decision), "connection_state": ConnectionState.DISCONNECTED.value, "closed_connections": closed}
        chronicle.tell(EventName.CONNECTION_CLOSED, **told, **gone)
    elif not opening:
        why["closed_connections"] = closed
    if entry.outcome is Outcome.SUCCEEDED:
        chronicle.tell(event, **told, **why)
        if decision.discrepancy is not None:
            chronicle.tell(EventName.DISCREPANCY_RESOLVED, **told, action=decision.action.kind.value)
        if not opening:
            about = resource or chronicle.sync
            chronicle.note(about, event, f"closed the connection of {name}: {decision.message}")
        return
    fault = entry.failure.fault if entry.failure else None
    if fault is None and entry.failed_connection is not None:
        fault = entry.failed_connection.error
    problem = f"{fault.code}: {fault.message}" if fault is not None else "not settled in time"
    chronicle.tell(event, **told, status=EventStatus(entry.outcome.value), warning=True, problem=problem, **why)
    chronicle.note(resource or chronicle.sync, event, f"{name}: {problem}", warning=True)


def _connection(entry: Settled) -> dict[str, Any]:
    """The connection that a customer is left with."""
    current = entry.final.current
    if current is None:
        return {"connection_state": ConnectionState.DISCONNECTED.value}
    return {"connection_id": current.id, "connection_state": current.state.value}


def _shown(decision: Decision) -> dict[str, Any]:
    """The connection that a discrepancy is about."""
    current = decision.subject.current
    about: dict[str, Any] = {"customer": decision.subject.customer_ref}
    return about if current is None else {**about, "connection_id": current.id, "connection_state": current.state.value}
