"""A customer's ``Ready`` and ``Pinned``, and what kstatus wants beside them (design section 2)."""

from collections.abc import Mapping
from typing import Any, Final

from navixy_operator.core.actions import Hold
from navixy_operator.core.conditions import condition, find
from navixy_operator.core.outcome import Settled
from navixy_operator.core.plan import Decision
from navixy_operator.core.projection import ready_reason
from navixy_operator.core.vocabulary import Condition, Desired, Outcome, Reason

PERSISTENT: Final = "it has failed cycle after cycle (status.failedCycles counts them): somebody must look"


def pin_status(decision: Decision) -> dict[str, Any] | None:
    """``status.pin``: the pin that counts, and what would be desired without it; None: there is none."""
    pin, instead = decision.subject.pin, decision.without_pin
    if pin is None or instead is None:
        return None
    desired = {} if instead.desired is None else {"desired": instead.desired.value}
    return {**pin.to_status(), "insteadOf": {**desired, "reason": instead.reason.value}}


def pin_condition(decision: Decision) -> tuple[dict[str, Any], ...]:
    """``Pinned``: True while a pin counts, False while the annotation of one that has ended is still there."""
    pins, instead = decision.subject.pins, decision.without_pin
    odd = "".join(f"; {problem}" for problem in pins.problems)
    if pins.expired is not None:
        message = f"ended: {pins.expired.in_words()}; the annotation no longer counts and can be removed{odd}"
        return (condition(Condition.PINNED, status=False, reason=Reason.PIN_EXPIRED, message=message),)
    if pins.pin is None or instead is None:
        return ()
    without = f"; without it: {instead.desired or 'as it is'} ({instead.reason})"
    message = f"{pins.pin.in_words()}{without}{odd}{not_heeded(decision)}"
    return (condition(Condition.PINNED, status=True, reason=Reason.PINNED, message=message),)


def not_heeded(decision: Decision) -> str:
    """Why a pin does not decide, as the end of a sentence; empty: it does, or there is none."""
    if decision.subject.pin is None or decision.reason in {Reason.PINNED, Reason.HASH_REJECTED}:
        return ""
    if decision.reason is Reason.MANUAL_OPERATION:
        return "; F1.3 has set this connection, and decides"
    return "; it cannot be connected, for no hash is known"


def is_left(decision: Decision) -> bool:
    """Whether a drift pass leaves what is due to the next cycle: what that one said last still stands."""
    return isinstance(decision.action, Hold) and decision.action.reason is Reason.NEXT_CYCLE


def readiness(
    previous: Mapping[str, Any],
    settled: Settled,
    persists: bool,  # noqa: FBT001 - a fact like the others
) -> tuple[dict[str, Any], ...]:
    """``Ready``, and ``Reconciling`` or ``Stalled`` while work goes on or a person must mend something."""
    ready, reason, message = _ready(previous, settled)
    entries = [condition(Condition.READY, status=ready, reason=reason, message=message)]
    if settled.outcome is Outcome.PENDING:
        entries.append(condition(Condition.RECONCILING, status=True, reason=reason, message=message))
    if reason is Reason.HASH_REJECTED:
        entries.append(condition(Condition.STALLED, status=True, reason=reason, message=message))
    elif not ready and persists and reason in {Reason.CLOSE_FAILED, Reason.ESTABLISH_FAILED}:
        entries.append(condition(Condition.STALLED, status=True, reason=Reason.PERSISTENT_FAILURE, message=PERSISTENT))
    return tuple(entries)


def _ready(previous: Mapping[str, Any], settled: Settled) -> tuple[bool, Reason, str]:
    decision = settled.decision
    if settled.as_desired:
        connected = decision.desired is Desired.CONNECTED and not decision.as_it_is
        plain = connected and decision.reason is Reason.ELIGIBLE
        return (True, Reason.CONNECTED, "connected") if plain else (True, decision.reason, decision.message)
    if is_left(decision) and settled.failed_connection is None:
        told, why = find(previous.get("conditions", ()), Condition.READY), ready_reason(previous)
        if told is not None and why is not None:
            return False, why, told["message"]
    return False, *_why_not(settled)


def _why_not(settled: Settled) -> tuple[Reason, str]:
    decision = settled.decision
    if isinstance(decision.action, Hold) and not (is_left(decision) and settled.failed_connection is not None):
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
