"""Rows, connections, subjects, their ends and resources for the tests of the rules, with defaults that are in order."""

import hashlib
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from navixy_operator.core.eligibility import Intake, Snapshot
from navixy_operator.core.model import (
    DEFAULT_HASH_PATTERN,
    Connection,
    ConnectionFault,
    CustomerRow,
    NavixyHash,
    Record,
    Verdict,
    fingerprint,
)
from navixy_operator.core.outcome import Failure, Settled, settle
from navixy_operator.core.pins import Pin, PinReading
from navixy_operator.core.plan import decide
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import ConnectionState, CustomerState, Kind, Origin, PinMode, Reason
from navixy_operator.ports import Resource

NOW: Final = datetime(2026, 3, 1, 3, 0, tzinfo=UTC)
ELIGIBLE: Final = Verdict(Reason.ELIGIBLE, "eligible")
PERMANENT: Final = ConnectionFault("hash-rejected", "no such hash", permanent=True)
PASSING: Final = ConnectionFault("upstream-busy", "try again", permanent=False)

CONNECTED: Final = ConnectionState.CONNECTED
PENDING: Final = ConnectionState.PENDING
FAILED: Final = ConnectionState.FAILED
DISCONNECTED: Final = ConnectionState.DISCONNECTED


def hash_of(name: str) -> str:
    """A well-formed Navixy hash, a different one for each name."""
    return hashlib.sha256(name.encode(errors="surrogatepass")).hexdigest()[:32]


def print_of(name: str) -> str:
    """The fingerprint of :func:`hash_of`."""
    return fingerprint(hash_of(name))


def row(ref: object = "acme", *, number: int = 1, **columns: Any) -> CustomerRow:
    """A Navixy row of an eligible customer, but for the columns given."""
    columns = {
        "provider": "navixy",
        "state": "active",
        "navixy_hash": hash_of(str(ref)),
        "gateway_count": 3,
        **columns,
    }
    return CustomerRow(number, ref, **columns)


def declared(ref: str = "acme", hash_name: str | None = None, **fields: Any) -> Record:
    """A person's declaration of an active customer with a hash of its own, but for the fields given."""
    fields = {"state": CustomerState.ACTIVE, "gateways": None, "hash": NavixyHash(hash_of(hash_name or ref)), **fields}
    return Record(ref, declared=True, **fields)


def snapshot_of(
    rows: Iterable[CustomerRow], pattern: str = DEFAULT_HASH_PATTERN, *, declares: Iterable[Record] = ()
) -> Snapshot:
    """The rows and declarations, judged."""
    intake = Intake(pattern)
    for entry in rows:
        intake.take(entry)
    for record in declares:
        intake.declare(record)
    return intake.judge()


def reason_of(*rows: CustomerRow, ref: str = "acme", declares: Iterable[Record] = ()) -> Reason:
    """The verdict's reason on one of the customers."""
    return snapshot_of(rows, declares=declares).customers[ref].verdict.reason


def connection(
    identity: str = "c-1", ref: str | None = "acme", state: ConnectionState = CONNECTED, **fields: Any
) -> Connection:
    """A connection with the customer's own hash; ``age`` in minutes."""
    moment = NOW - timedelta(minutes=fields.pop("age", 60))
    if "fingerprint" not in fields and ref is not None:
        fields["fingerprint"] = print_of(ref)
    return Connection(identity, ref, state, moment, moment, **fields)


def subject(*connections: Connection, reason: Reason = Reason.ELIGIBLE, **fields: Any) -> Subject:
    """The customer ``acme`` with these connections."""
    fields = {"customer_ref": "acme", "fingerprint": print_of("acme"), **fields}
    return Subject(verdict=Verdict(reason, f"because: {reason}"), connections=connections, **fields)


def end(before: Subject, *after: Connection, failure: Failure | None = None) -> Settled:
    """The decision on a subject, carried out, and what F1.1 lists afterwards."""
    return settle(decide(before), after, failure)


def pinned(mode: PinMode, **fields: Any) -> PinReading:
    """A pin that counts."""
    return PinReading(Pin(mode, **fields))


def manual(identity: str = "c-1", state: ConnectionState = CONNECTED, **fields: Any) -> Connection:
    """A connection that a person set through F1.3."""
    return connection(identity, state=state, origin=Origin.MANUAL, **fields)


def resource(
    kind: Kind,
    name: str,
    *,
    spec: Mapping[str, Any] | None = None,
    status: Mapping[str, Any] | None = None,
    **more: Any,
) -> Resource:
    """An object as the API server gives it."""
    fields = {
        "namespace": "default",
        "uid": f"uid-{kind}-{name}",
        "resource_version": "1",
        "generation": 1,
        "created_at": "2026-01-01T00:00:00Z",
        "labels": {},
        "annotations": {},
        "finalizers": (),
        "deleting": False,
        **more,
    }
    return Resource(kind=kind, name=name, spec=dict(spec or {}), status=dict(status or {}), **fields)
