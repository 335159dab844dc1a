"""What a NavixyCustomer says of its customer, for a drift pass, which polls no database (design section 4).

The verdict is the one that the last cycle published with the resource, in a label, so that it counts although that
cycle was cut off before it wrote any status. A spec that a person has changed since is not acted on: the next cycle
puts it right.
"""

from collections.abc import Mapping
from typing import Any, Final

from navixy_operator.core.conditions import find
from navixy_operator.core.guards import HOLDING
from navixy_operator.core.model import Verdict
from navixy_operator.core.vocabulary import LABEL_VERDICT, Condition, CustomerState, Reason
from navixy_operator.core.wishes import CLOSED, SKIPS

_CLOSED_STATES: Final = frozenset({CustomerState.SUSPENDED.value, CustomerState.REMOVED.value})
_REASONS: Final = {reason.value: reason for reason in Reason}
_OF_DECLARATIONS: Final = frozenset({Reason.DECLARATION_DELETED, Reason.SECRET_NOT_FOUND})
_VERDICTS: Final = {reason.value: reason for reason in (CLOSED | SKIPS | {Reason.ELIGIBLE}) - _OF_DECLARATIONS}
_NOT_YET: Final = Verdict(Reason.NOT_YET_JUDGED, "no cycle has judged this customer yet")
_BY_HAND: Final = Verdict(
    Reason.CHANGED_BY_HAND,
    "the spec is not what the last cycle wrote; the customer database decides, and the next cycle puts it right",
)

JSON = Mapping[str, Any]


def published_verdict(spec: JSON, labels: Mapping[str, str], status: JSON) -> Verdict:
    """What the last cycle thought of a customer from the database. Total."""
    told = find(status.get("conditions", ()), Condition.ELIGIBLE)
    if told is not None and told["reason"] == Reason.NOT_IN_DATABASE and held_by(status) is not None:
        return Verdict(Reason.NOT_IN_DATABASE, told["message"])  # who is gone is not marked while a guard objects
    reason = _VERDICTS.get(labels.get(LABEL_VERDICT, ""))
    if reason is Reason.NOT_IN_DATABASE and told is not None and told["reason"] == Reason.UNREADABLE_REFERENCE:
        return Verdict(Reason.UNREADABLE_REFERENCE, told["message"])  # it marks who is gone before it sees connections
    if reason is None:
        return _NOT_YET
    if not _goes_with(reason, spec):
        return _BY_HAND
    same = told is not None and told["reason"] == reason
    return Verdict(reason, told["message"] if same and told is not None else "so the last cycle found")


def _goes_with(reason: Reason, spec: JSON) -> bool:
    """Whether a cycle can have written this spec together with this verdict."""
    closed, hashed = spec.get("state") in _CLOSED_STATES, "hashFingerprint" in spec
    match reason:
        case Reason.ELIGIBLE:
            return not closed and hashed and bool(spec.get("gateways"))
        case Reason.MISSING_HASH | Reason.INVALID_HASH:
            return not closed and not hashed
        case Reason.NO_GATEWAYS:
            return not closed and not spec.get("gateways")
        case Reason.INVALID_RECORD | Reason.UNREADABLE_REFERENCE:  # of the latter the spec stays as it was
            return True
        case _:
            return closed is (reason in CLOSED)


def reason_of(status: JSON, kind: Condition) -> Reason | None:
    """A condition's reason; None: there is no such condition, or another version's word. Total."""
    found = find(status.get("conditions", ()), kind)
    return None if found is None else _REASONS.get(found["reason"])


def held_by(status: JSON) -> Reason | None:
    """The guard that holds this customer's close since the last cycle; None: none does."""
    reason = reason_of(status, Condition.READY)
    return reason if reason in HOLDING else None


def ready_reason(status: JSON) -> Reason | None:
    """Why the customer is not ready; None: it is, or nothing is known."""
    ready = find(status.get("conditions", ()), Condition.READY)
    return None if ready is None or ready["status"] == "True" else reason_of(status, Condition.READY)


def refused_fingerprint(status: JSON) -> str | None:
    """The fingerprint of the hash that F1.1 refused for good, as an earlier pass wrote it down."""
    error = (status.get("connection") or {}).get("error") or {}
    return error.get("hashFingerprint") if error.get("permanent") else None


def stuck_connection(status: JSON) -> str | None:
    """The connection that two cycles have watched in vain: one that is only slow gets a second chance."""
    connection = status.get("connection") or {}
    timed_out = (connection.get("error") or {}).get("code") == ESTABLISH_TIMEOUT
    return connection.get("id") if timed_out and status.get("failedCycles", 0) >= WATCHED_CYCLES else None


WATCHED_CYCLES: Final = 2
ESTABLISH_TIMEOUT: Final = "establish-timeout"
"""The code of a failure that is ours to tell: pending for longer than ``establishTimeoutSeconds``."""
