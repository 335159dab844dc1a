"""A NavixyCustomer's spec, labels and status, computed (design section 2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.actions import Hold
from navixy_operator.core.conditions import MAX_MESSAGE, condition, merge, timestamp
from navixy_operator.core.model import Connection, ConnectionFault, Customer
from navixy_operator.core.outcome import Settled
from navixy_operator.core.vocabulary import (
    LABEL_ELIGIBLE,
    Condition,
    ConnectionState,
    CustomerState,
    Desired,
    Outcome,
    Reason,
    Source,
)

_PHASES: Final = {
    ConnectionState.CONNECTED: "Connected",
    ConnectionState.PENDING: "Pending",
    ConnectionState.FAILED: "Failed",
    ConnectionState.DISCONNECTED: "Disconnected",
}


def customer_spec(customer: Customer, sync: str) -> dict[str, Any]:
    """The spec that the database wants: no field where the database gave nothing readable."""
    record = customer.record
    spec: dict[str, Any] = {"customerRef": record.customer_ref, "sync": sync, "source": Source.DATABASE.value}
    if record.state is not None:
        spec["state"] = record.state.value
    if record.gateways is not None:
        spec["gateways"] = record.gateways
    if record.fingerprint is not None:
        spec["hashFingerprint"] = record.fingerprint
    return spec


def gone_spec(spec: Mapping[str, Any]) -> dict[str, Any]:
    """The spec of a customer who is gone from the database: removed, whatever it was."""
    return {**spec, "state": CustomerState.REMOVED.value}


def labels(*, eligible: bool) -> dict[str, str]:
    """The label that narrows a list to the eligible."""
    return {LABEL_ELIGIBLE: "true" if eligible else "false"}


def customer_status(
    previous: Mapping[str, Any], settled: Settled, *, cycle: str, generation: int, now: datetime
) -> dict[str, Any]:
    """The status after a cycle; equal to ``previous`` where nothing changed, so that nothing is written."""
    connection = _connection(previous.get("connection") or {}, settled)
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "phase": _PHASES[ConnectionState(connection.get("state", ConnectionState.DISCONNECTED))],
        "desired": settled.decision.desired.value,
        "failedCycles": _failed_cycles(previous.get("failedCycles", 0), settled),
        "conditions": merge(
            previous.get("conditions", ()),
            (_eligible(settled), *_readiness(settled)),
            generation=generation,
            now=now,
        ),
    }
    if connection:
        status["connection"] = connection
    changed = status != {key: value for key, value in previous.items() if key != "lastCycle"}
    status["lastCycle"] = cycle if changed else previous.get("lastCycle", cycle)
    return status


def refused_fingerprint(status: Mapping[str, Any]) -> str | None:
    """The fingerprint of the hash that F1.1 refused for good, as an earlier cycle wrote it down."""
    error = (status.get("connection") or {}).get("error") or {}
    return error.get("hashFingerprint") if error.get("permanent") else None


def _connection(previous: Mapping[str, Any], settled: Settled) -> dict[str, Any]:
    current, failure = settled.final.current, settled.failure
    if failure is not None and (current is None or not current.is_open):
        return {"state": ConnectionState.FAILED.value, "error": _error(failure.fault, settled.final.fingerprint)}
    if _remembers(previous, settled) and (current is None or not current.is_open):
        return dict(previous)
    return {} if current is None else _shown(previous, current, settled)


def _remembers(previous: Mapping[str, Any], settled: Settled) -> bool:
    """Whether nothing was tried because of what F1.1 said of this very hash: that stays written down."""
    refused = refused_fingerprint({"connection": previous})
    return settled.decision.reason is Reason.HASH_REJECTED and refused == settled.final.fingerprint


def _shown(previous: Mapping[str, Any], current: Connection, settled: Settled) -> dict[str, Any]:
    same = previous.get("id") == current.id and previous.get("state") == current.state
    shown = {
        "id": current.id,
        "state": current.state.value,
        "since": previous.get("since", timestamp(current.updated_at)) if same else timestamp(current.updated_at),
    }
    if settled.failure is not None:
        shown["error"] = _error(settled.failure.fault, settled.final.fingerprint)
    elif current.error is not None:
        # Where F1.1 does not tell whose hash failed, it is the one that the customer had when it did.
        before = (previous.get("error") or {}).get("hashFingerprint") if same else None
        shown["error"] = _error(current.error, current.fingerprint or before or settled.final.fingerprint)
    return shown


def _error(fault: ConnectionFault, fingerprint: str | None) -> dict[str, Any]:
    error = {"code": fault.code[:MAX_MESSAGE], "message": fault.message[:MAX_MESSAGE], "permanent": fault.permanent}
    return {**error, "hashFingerprint": fingerprint} if fingerprint else error


def _failed_cycles(before: int, settled: Settled) -> int:
    match settled.outcome:
        case Outcome.FAILED:
            return before + 1
        case Outcome.SUCCEEDED:
            return 0
        case _:
            return before


def _eligible(settled: Settled) -> dict[str, Any]:
    verdict = settled.decision.subject.verdict
    return condition(Condition.ELIGIBLE, status=verdict.eligible, reason=verdict.reason, message=verdict.message)


def _readiness(settled: Settled) -> tuple[dict[str, Any], ...]:
    """``Ready``, and what kstatus wants beside it while work goes on or cannot go on."""
    ready, reason, message = _ready(settled)
    entries = [condition(Condition.READY, status=ready, reason=reason, message=message)]
    if settled.outcome is Outcome.PENDING:
        entries.append(condition(Condition.RECONCILING, status=True, reason=reason, message=message))
    if reason is Reason.HASH_REJECTED:
        entries.append(condition(Condition.STALLED, status=True, reason=reason, message=message))
    return tuple(entries)


def _ready(settled: Settled) -> tuple[bool, Reason, str]:
    decision = settled.decision
    if settled.as_desired:
        connected = decision.desired is Desired.CONNECTED and not decision.as_it_is
        return (True, Reason.CONNECTED, "connected") if connected else (True, decision.reason, decision.message)
    return False, *_why_not(settled)


def _why_not(settled: Settled) -> tuple[Reason, str]:
    decision = settled.decision
    if isinstance(decision.action, Hold):
        return decision.action.reason, "due, but held back; see the cycle"
    if decision.reason is Reason.HASH_REJECTED:
        return decision.reason, decision.message
    if settled.failure is not None:
        return settled.failure.reason, settled.failure.fault.message
    if decision.desired is Desired.DISCONNECTED:
        return Reason.PENDING, "F1.1 is closing the connection"
    if (failed := settled.failed_connection) is None:
        return Reason.PENDING, "F1.1 is establishing the connection"
    permanent = failed.error is not None and failed.error.permanent
    message = failed.error.message if failed.error is not None else "F1.1 could not establish the connection"
    return Reason.HASH_REJECTED if permanent else Reason.ESTABLISH_FAILED, message
