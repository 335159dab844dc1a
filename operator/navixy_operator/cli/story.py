"""One customer's story as plain data and as lines: record, verdict, pin, resource, connections, decision."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from navixy_operator.core.actions import Hold
from navixy_operator.core.conditions import find, timestamp
from navixy_operator.core.guards import HOLDING
from navixy_operator.core.model import Connection, Record
from navixy_operator.core.naming import resource_name
from navixy_operator.core.pins import Pin, unheeded
from navixy_operator.core.plan import Decision, closes_of
from navixy_operator.core.readiness import not_heeded
from navixy_operator.core.reading import show
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import Condition, Reason
from navixy_operator.ports import Resource
from navixy_operator.preview import Preview
from navixy_operator.roll import is_declared


def find_decision(found: Preview, ref: str) -> Decision | None:
    """The decision on the customer of that reference, or whose resource has, or would have, that name."""
    by_ref = {d.subject.customer_ref: d for d in found.finding.decisions if d.subject.customer_ref is not None}
    if ref in by_ref:
        return by_ref[ref]
    named = (known for known, item in found.resources.items() if item.name == ref and known in by_ref)
    usual = (known for known in by_ref if resource_name(known) == ref)
    return next((by_ref[known] for names in (named, usual) for known in names), None)


def tell(found: Preview, decision: Decision, now: datetime) -> dict[str, Any]:
    """The customer's story as plain data: no hash, only its fingerprint."""
    ref = decision.subject.customer_ref or ""
    customer, item = found.finding.snapshot.customers.get(ref), found.resources.get(ref)
    verdict = decision.subject.verdict
    return {
        "customerRef": ref,
        "record": None if customer is None else _record(customer.record),
        "declaration": _declaration(item) if item is not None and is_declared(item) else None,
        "verdict": {"eligible": verdict.eligible, "reason": verdict.reason.value, "message": verdict.message},
        "pin": _pin(decision, item, now),
        "resource": item and {"name": item.name, "ready": _ready(item.status), "sync": found.sync.name},
        "connections": [_connection(decision.subject, connection) for connection in decision.subject.connections],
        "decision": _decision(decision),
    }


def held_closes(decision: Decision) -> int:
    """How many closes of this customer's connections wait for a person's approval."""
    action = decision.action
    return len(closes_of(action.instead_of)) if isinstance(action, Hold) and action.reason in HOLDING else 0


def _record(record: Record) -> dict[str, Any]:
    return {
        "name": record.name and show(record.name).strip(chr(34)),
        "state": record.state.value if record.state else None,
        "gateways": record.gateways,
        "hash": record.fingerprint and f"fingerprint {record.fingerprint}",
        "rows": record.rows,
        "declared": record.declared,
    }


def _declaration(item: Resource) -> dict[str, Any]:
    secret = item.spec["hashSecretRef"]
    return {
        "name": item.name,
        "secret": f"{secret['name']}/{secret['key']}",
        "deleting": item.deleting,
    }


def _pin(decision: Decision, item: Resource | None, now: datetime) -> dict[str, Any] | None:
    """The pin that counts, or the one that has ended; None: there is none."""
    pins = decision.subject.pins
    pin: Pin | None = pins.pin or pins.expired
    if pin is None:
        return None
    late = item is not None and unheeded(item.annotations, item.status, now)
    without = decision.without_pin
    return {
        **pin.to_status(),
        "words": pin.in_words(),
        "expired": pins.expired is not None,
        "problems": list(pins.problems),
        "notHeeded": not_heeded(decision).removeprefix("; ") or None,
        "heededByOperator": not late,
        "without": without
        and {
            "desired": None if without.desired is None else without.desired.value,
            "reason": without.reason.value,
            "message": without.message,
        },
    }


def _ready(status: Mapping[str, Any]) -> str:
    entry = find(status.get("conditions", ()), Condition.READY)
    return "not known yet" if entry is None else f"{entry['status']} ({entry['reason']}: {entry['message']})"


def _connection(subject: Subject, connection: Connection) -> dict[str, Any]:
    return {
        "id": connection.id,
        "state": connection.state.value,
        "origin": connection.origin.value,
        "since": timestamp(connection.updated_at),
        "sameHash": subject.same_hash(connection),
        "error": connection.error and f"{connection.error.code}: {connection.error.message}",
    }


def _decision(decision: Decision) -> dict[str, Any]:
    held = decision.action.reason if isinstance(decision.action, Hold) else None
    action = decision.action.instead_of if isinstance(decision.action, Hold) else decision.action
    return {
        "desired": decision.desired.value,
        "asItIs": decision.as_it_is,
        "action": action.kind.value,
        "reason": decision.reason.value,
        "message": decision.message,
        "heldBy": held.value if held not in {None, Reason.DRY_RUN} and held is not None else None,
    }
