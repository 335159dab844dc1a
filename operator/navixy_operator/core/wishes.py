"""What is desired of a customer's connection, and why (design section 3, The rules).

First match wins:

| rule                             | desired      | reason                                                  |
|----------------------------------|--------------|---------------------------------------------------------|
| pinned to hold                   | as it is     | Pinned                                                  |
| F1.3 opened or closed it         | as it is     | ManualOperation                                         |
| pinned to connect, and it can be | Connected    | Pinned                                                  |
| pinned to disconnect             | Disconnected | Pinned                                                  |
| the customer is closed           | Disconnected | Suspended, Removed, NotInDatabase, DeclarationDeleted   |
| the data contradicts itself      | as it is     | InvalidRecord, UnreadableReference, DuplicateReference, |
|                                  |              | DuplicateHash, SecretNotFound                           |
| no cycle has judged it so        | as it is     | NotYetJudged, ChangedByHand                             |
| a requirement is missing         | Disconnected | NoGateways, MissingHash, InvalidHash                    |
| eligible                         | Connected    | Eligible                                                |

A customer can be connected where the hash can be had, or while a connection lives that was opened with one.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import ConnectionState, Desired, Origin, PinMode, Reason

CLOSED: Final = frozenset({Reason.SUSPENDED, Reason.REMOVED, Reason.NOT_IN_DATABASE, Reason.DECLARATION_DELETED})
CONTRADICTORY: Final = frozenset(
    {
        Reason.INVALID_RECORD,
        Reason.UNREADABLE_REFERENCE,
        Reason.DUPLICATE_REFERENCE,
        Reason.DUPLICATE_HASH,
        Reason.SECRET_NOT_FOUND,
    }
)
UNKNOWN: Final = frozenset({Reason.NOT_YET_JUDGED, Reason.CHANGED_BY_HAND})
"""What a drift pass, which polls no database, cannot tell: left as it is until a cycle has judged it."""
REQUIREMENTS: Final = frozenset({Reason.NO_GATEWAYS, Reason.MISSING_HASH, Reason.INVALID_HASH})
SKIPS: Final = CONTRADICTORY | REQUIREMENTS
BY_A_PERSON: Final = frozenset({Reason.PINNED, Reason.DECLARATION_DELETED})
"""Why a close is a person's own: no guard holds it."""
_ALIVE: Final = frozenset({ConnectionState.CONNECTED, ConnectionState.PENDING})


@dataclass(frozen=True, slots=True)
class Wish:
    """What is desired (None: as it is) and why."""

    desired: Desired | None
    reason: Reason
    message: str


Rule = Callable[[Subject], Wish | None]


def _pinned_to_hold(subject: Subject) -> Wish | None:
    return _by_pin(subject, PinMode.HOLD, None)


def _manual(subject: Subject) -> Wish | None:
    current = subject.current
    if any(c.origin is Origin.MANUAL for c in subject.open) or (
        current is not None and not current.is_open and current.origin is Origin.MANUAL
    ):
        return Wish(None, Reason.MANUAL_OPERATION, "a person set this connection through F1.3; it stays as it is")
    return None


def _pinned_to_connect(subject: Subject) -> Wish | None:
    """An open connection is kept though the hash is gone: a person's word must not end in a close."""
    possible = subject.has_hash or any(connection.state in _ALIVE for connection in subject.open)
    return _by_pin(subject, PinMode.CONNECT, Desired.CONNECTED) if possible else None


def _pinned_to_disconnect(subject: Subject) -> Wish | None:
    return _by_pin(subject, PinMode.DISCONNECT, Desired.DISCONNECTED)


def _by_pin(subject: Subject, mode: PinMode, desired: Desired | None) -> Wish | None:
    if subject.pin is None or subject.pin.mode is not mode:
        return None
    return Wish(desired, Reason.PINNED, f"pinned: {subject.pin.in_words()}")


def _closed(subject: Subject) -> Wish | None:
    verdict = subject.verdict
    return Wish(Desired.DISCONNECTED, verdict.reason, verdict.message) if verdict.reason in CLOSED else None


def _contradictory(subject: Subject) -> Wish | None:
    verdict = subject.verdict
    return Wish(None, verdict.reason, verdict.message) if verdict.reason in CONTRADICTORY else None


def _unknown(subject: Subject) -> Wish | None:
    verdict = subject.verdict
    return Wish(None, verdict.reason, verdict.message) if verdict.reason in UNKNOWN else None


def _requirement(subject: Subject) -> Wish | None:
    verdict = subject.verdict
    return Wish(Desired.DISCONNECTED, verdict.reason, verdict.message) if verdict.reason in REQUIREMENTS else None


def _eligible(subject: Subject) -> Wish:
    return Wish(Desired.CONNECTED, subject.verdict.reason, subject.verdict.message)


RULES: Final[tuple[Rule, ...]] = (
    _pinned_to_hold,
    _manual,
    _pinned_to_connect,
    _pinned_to_disconnect,
    _closed,
    _contradictory,
    _unknown,
    _requirement,
    _eligible,
)


def wish(subject: Subject) -> Wish:
    """What is desired for the subject: the first rule that matches. Total, for the last rule always matches."""
    return next(found for rule in RULES if (found := rule(subject)) is not None)
