"""What pin and unpin did, and what the operator made of it: as words and as plain data."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from navixy_operator.core.conditions import find
from navixy_operator.core.pins import Pin, read_pin
from navixy_operator.core.vocabulary import Condition, Desired, PinMode, Reason
from navixy_operator.ports import Resource


@dataclass(frozen=True, slots=True)
class Change:
    """The customer before and after a change of its pin's annotations, at that moment."""

    before: Resource
    after: Resource
    at: datetime

    @property
    def ref(self) -> str:
        """The customer's reference."""
        return str(self.after.spec["customerRef"])

    @property
    def pin(self) -> Pin | None:
        """The pin that counts now."""
        return read_pin(self.after.annotations, self.at).pin

    @property
    def old(self) -> Pin | None:
        """The pin that was there before, though it may no longer have counted."""
        reading = read_pin(self.before.annotations, self.at)
        return reading.pin or reading.expired

    @property
    def changed(self) -> bool:
        """Whether anything was written."""
        return self.before.annotations != self.after.annotations


def pinned_words(change: Change) -> str:
    """What was set: one line."""
    words = "" if change.pin is None else change.pin.in_words()
    if not change.changed:
        return f"{change.ref} is pinned already: {words}"
    instead = "" if change.old is None else f" (before: {change.old.in_words()})"
    return f"{change.ref} is pinned: {words}{instead}"


def unpinned_words(change: Change) -> str:
    """What was taken away: one line."""
    if not change.changed:
        return f"{change.ref} is not pinned"
    was = "" if change.old is None else f" (before: {change.old.in_words()})"
    return f"{change.ref} is no longer pinned{was}"


def overruled(item: Resource) -> dict[str, str | None] | None:
    """What would be desired without the pin, as the operator told it last; None: it never did."""
    status = item.status
    instead = (status.get("pin") or {}).get("insteadOf")
    if instead is not None:
        return {"desired": instead.get("desired"), "reason": instead["reason"]}
    ready, verdict = _condition(item, Condition.READY), _condition(item, Condition.ELIGIBLE)
    if "desired" not in status or verdict is None:
        return None
    if ready is not None and ready["reason"] == Reason.MANUAL_OPERATION:
        return {"desired": None, "reason": Reason.MANUAL_OPERATION.value}
    return {"desired": status["desired"], "reason": verdict["reason"]}


def overruled_words(item: Resource) -> str:
    """The same in words."""
    found = overruled(item)
    if found is None:
        return "nothing that is known: no operator has judged this customer yet"
    return f"{found['desired'] or 'as it is'} ({found['reason']})"


def present(item: Resource) -> dict[str, Any]:
    """What the connection is now, as the operator told it last."""
    connection, ready = item.status.get("connection") or {}, _condition(item, Condition.READY)
    return {
        "connection": {key: connection[key] for key in ("id", "state", "since") if key in connection} or None,
        "ready": None if ready is None else {key: ready[key] for key in ("status", "reason", "message")},
    }


def present_words(item: Resource) -> str:
    """``connected since …; Ready False (PolicyObserve: due, but held back; see the cycle)``."""
    now = present(item)
    connection, ready = now["connection"] or {}, now["ready"]
    since = f" since {connection['since']}" if "since" in connection else ""
    state = f"{connection['state']}{since}" if "state" in connection else "no connection"
    if ready is None:
        return state
    told = ready["reason"] if ready["status"] == "True" else f"{ready['reason']}: {ready['message']}"
    return f"{state}; Ready {ready['status']} ({told})"


def objection(item: Resource) -> str | None:
    """Why a pin that the operator has heeded does not decide; None: it does."""
    mode, ready = (item.status.get("pin") or {}).get("mode"), _condition(item, Condition.READY)
    if mode in {None, PinMode.HOLD.value}:
        return None
    if ready is not None and ready["reason"] == Reason.MANUAL_OPERATION:
        return "F1.3 has set this connection, and decides"
    if mode == PinMode.CONNECT and item.status.get("desired") == Desired.DISCONNECTED:
        return "it cannot be connected, for no hash is known"
    return None


def in_motion(item: Resource) -> bool:
    """Whether the connection is still on its way to what is desired."""
    return _condition(item, Condition.RECONCILING) is not None


def document(change: Change, latest: Resource, *, heeded: bool | None) -> dict[str, Any]:
    """All of it as plain data. ``heeded`` None: nobody waited for it."""
    return {
        "customerRef": change.ref,
        "namespace": latest.namespace,
        "name": latest.name,
        "sync": latest.spec["sync"],
        "pin": None if change.pin is None else change.pin.to_status(),
        "before": None if change.old is None else change.old.to_status(),
        "changed": change.changed,
        "overrules": overruled(latest if heeded else change.before) if change.pin is not None else None,
        "heeded": heeded,
        "objection": objection(latest) if heeded else None,
        **present(latest),
    }


def _condition(item: Resource, kind: Condition) -> Mapping[str, Any] | None:
    return find(item.status.get("conditions", ()), kind)
