"""What a cycle has to tell, step by step: the spec's audit events as log lines, and Events for what people must see.

An ordinary establish has a log line but no Event: 10,000 of them would double the writes (design section 5).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from navixy_operator.chronicle import Chronicle
from navixy_operator.core import report
from navixy_operator.core.actions import Hold, Keep, Trim, Watch
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.outcome import Failure, Settled
from navixy_operator.core.plan import Decision, close_discrepancy, closes_of
from navixy_operator.core.projection import ready_reason
from navixy_operator.core.vocabulary import (
    ActionKind,
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

_UNFINISHED: Final = frozenset({Reason.PENDING, Reason.ESTABLISH_FAILED, Reason.CLOSE_FAILED})
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
            shown = [each for decision in found for each in _shown(decision)]
            chronicle.tell(EventName.EXTRA_DETECTED, **told, connections=shown)


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
        elif resource is not None and entry.as_desired:
            _tell_settled_since(chronicle, entry, resource.status)


def tell_drifted(chronicle: Chronicle, settled: Sequence[Settled], published: Published) -> None:
    """The same of a drift pass, which looks again and again at what is pending."""
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
        for place in sorted(progress.closes_asked.keys() | progress.opens_asked):
            opens, failure = place in progress.opens_asked, progress.failures.get(place)
            if closes := progress.closes_asked.get(place):
                _tell_asked(chronicle, decisions[place], None if opens else failure, closed_connections=closes)
            if opens:
                _tell_asked(chronicle, decisions[place], failure)
        raise


def tell_overtaken(chronicle: Chronicle, settled: Sequence[Settled], progress: Progress) -> None:
    """What was closed before a person's word stopped the rest of a decision, which nothing else is told of."""
    for place in sorted(progress.closes_asked.keys() & progress.overtaken):
        decision, still_open = settled[place].decision, {connection.id for connection in settled[place].final.open}
        if closed := [each for each in progress.closes_asked[place] if each not in still_open]:
            chronicle.tell(EventName.CONNECTION_CLOSED, **_about(decision), **_gone(decision, closed))


def _tell_asked(chronicle: Chronicle, decision: Decision, failure: Failure | None, **closes: Any) -> None:
    event, problem = _event(opening=not closes, failed=failure is not None), CUT_OFF
    if failure is not None:
        problem = f"{failure.fault.code}: {failure.fault.message}"
    status = EventStatus.PENDING if failure is None else EventStatus.FAILED
    chronicle.tell(event, **_about(decision), status=status, warning=True, problem=problem, **_why(decision), **closes)


def _event(*, opening: bool, failed: bool) -> EventName:
    if opening:
        return EventName.ESTABLISH_FAILED if failed else EventName.CONNECTION_ESTABLISHED
    return EventName.CLOSE_FAILED if failed else EventName.CONNECTION_CLOSED


def _gone(decision: Decision, closed: Sequence[str]) -> dict[str, Any]:
    """Connections that are closed, whatever the customer is left with."""
    state = ConnectionState.DISCONNECTED.value
    return {**_why(decision), "connection_state": state, "closed_connections": closed}


def _about(decision: Decision) -> dict[str, Any]:
    origin = Origin.MANUAL if decision.reason in BY_A_PERSON else Origin.AUTOMATIC
    return {"customer": decision.subject.customer_ref, "origin": origin, "discrepancy": decision.discrepancy}


def _why(decision: Decision) -> dict[str, Any]:
    return {"action": decision.action.kind.value, "reason": decision.reason.value}


def _tell_action(chronicle: Chronicle, entry: Settled, published: Published) -> None:
    decision, opening = entry.decision, entry.decision.opens or not entry.decision.closes
    name = decision.name if decision.subject.connections else decision.subject.customer_ref or ""
    resource = published.resources.get(name)
    event, told = _event(opening=opening, failed=entry.outcome is not Outcome.SUCCEEDED), _about(decision)
    still_open = {connection.id for connection in entry.final.open}
    closed = [connection.id for connection in decision.closes if connection.id not in still_open]
    why = {**_why(decision), **_connection(entry)}
    if opening and closed:  # the old one, before the new one
        chronicle.tell(EventName.CONNECTION_CLOSED, **told, **_gone(decision, closed))
    elif isinstance(decision.action, Trim) and entry.outcome is Outcome.SUCCEEDED:
        why = {**_gone(decision, closed), "kept_connection": decision.action.keep.id}
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


def _tell_settled_since(chronicle: Chronicle, entry: Settled, before: Mapping[str, Any]) -> None:
    """What F1.1 has brought to its end since a pass asked for it, and did not see that end, or took it for failed."""
    decision = entry.decision
    if decision.as_it_is or before.get("desired") != decision.desired or ready_reason(before) not in _UNFINISHED:
        return
    opened = decision.desired is Desired.CONNECTED
    kind = Discrepancy.MISSING if opened else close_discrepancy(decision.reason)
    told = {**_about(decision), "discrepancy": kind, "action": ActionKind.WATCH.value}
    event = EventName.CONNECTION_ESTABLISHED if opened else EventName.CONNECTION_CLOSED
    chronicle.tell(event, **told, reason=decision.reason.value, **_connection(entry))
    chronicle.tell(EventName.DISCREPANCY_RESOLVED, **told)


def _connection(entry: Settled) -> dict[str, Any]:
    """The connection that a customer is left with."""
    current = entry.final.current
    if current is None:
        return {"connection_state": ConnectionState.DISCONNECTED.value}
    return {"connection_id": current.id, "connection_state": current.state.value}


def _shown(decision: Decision) -> Iterator[dict[str, Any]]:
    """The connections that are too many, also where their close is held."""
    action = decision.action.instead_of if isinstance(decision.action, Hold) else decision.action
    for connection in closes_of(action):
        yield {
            "customer": decision.subject.customer_ref,
            "connection_id": connection.id,
            "connection_state": connection.state.value,
        }
