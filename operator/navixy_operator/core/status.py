"""A NavixyCustomer's spec, labels and status, computed (design section 2)."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.conditions import MAX_MESSAGE, condition, merge, timestamp
from navixy_operator.core.model import Connection, ConnectionFault, Customer
from navixy_operator.core.outcome import Settled
from navixy_operator.core.projection import refused_fingerprint
from navixy_operator.core.readiness import is_left, pin_condition, pin_status, readiness
from navixy_operator.core.vocabulary import (
    LABEL_ELIGIBLE,
    LABEL_VERDICT,
    Condition,
    ConnectionState,
    CustomerState,
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


def labels(verdict: Reason) -> dict[str, str]:
    """The labels that narrow a list: to the eligible, to one verdict. A drift pass goes by the second."""
    return {
        LABEL_ELIGIBLE: "true" if verdict is Reason.ELIGIBLE else "false",
        LABEL_VERDICT: verdict.value,
    }


def customer_status(
    previous: Mapping[str, Any],
    settled: Settled,
    *,
    cycle: str | None,
    generation: int,
    now: datetime,
    persistent: int = 2,
) -> dict[str, Any]:
    """The status after a pass; equal to ``previous`` where nothing changed, so that nothing is written.

    ``cycle`` None: a drift pass, which leaves ``lastCycle`` alone and counts no failure. ``persistent``: failed cycles
    in a row after which a person should look.
    """
    connection = _connection(previous.get("connection") or {}, settled)
    failed = previous.get("failedCycles", 0)
    failed = failed if cycle is None and settled.outcome is Outcome.FAILED else _failed_cycles(failed, settled)
    status: dict[str, Any] = {
        "observedGeneration": generation,
        "phase": _PHASES[ConnectionState(connection.get("state", ConnectionState.DISCONNECTED))],
        "desired": settled.decision.desired.value,
        "failedCycles": failed,
        "conditions": merge(
            previous.get("conditions", ()),
            (_eligible(settled), *pin_condition(settled.decision), *readiness(previous, settled, failed >= persistent)),
            generation=generation,
            now=now,
        ),
    }
    if connection:
        status["connection"] = connection
    if (pin := pin_status(settled.decision)) is not None:
        status["pin"] = pin
    changed = status != {key: value for key, value in previous.items() if key != "lastCycle"}
    last = cycle if changed and cycle is not None else previous.get("lastCycle")
    return status if last is None else {**status, "lastCycle": last}


def _connection(previous: Mapping[str, Any], settled: Settled) -> dict[str, Any]:
    current, failure = settled.final.current, settled.failure
    if failure is not None and (current is None or not current.is_open):
        return {"state": ConnectionState.FAILED.value, "error": _error(failure.fault, settled.final.fingerprint)}
    if is_left(settled.decision) and (current is None or not current.is_open):
        return dict(previous)
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
    elif _still_refused(previous, current, settled):
        shown["error"] = previous["error"]
    elif current.error is not None:
        # Where F1.1 does not tell whose hash failed, it is the one that the customer had when it did.
        before = (previous.get("error") or {}).get("hashFingerprint") if same else None
        shown["error"] = _error(current.error, current.fingerprint or before or settled.final.fingerprint)
    elif same and is_left(settled.decision) and "error" in previous:
        shown["error"] = previous["error"]
    return shown


def _still_refused(previous: Mapping[str, Any], current: Connection, settled: Settled) -> bool:
    """Whether F1.1 has refused the hash, and what is open was opened with another: nothing to close it for."""
    refused = refused_fingerprint({"connection": previous})
    connected = current.state is ConnectionState.CONNECTED and settled.final.same_hash(current)
    return current.is_open and refused is not None and refused == settled.final.fingerprint and not connected


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
