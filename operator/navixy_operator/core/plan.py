"""The plan: desired against actual, customer by customer (spec: Compare and Identify Discrepancies; design section 3).

Desired (:mod:`wishes`) against actual:

| desired      | actual                           | action                                                |
|--------------|----------------------------------|-------------------------------------------------------|
| as it is     | anything                         | Keep                                                  |
| Connected    | nothing open                     | Establish; Keep while F1.1 refuses this very hash     |
| Connected    | several open                     | Trim to the best: connected, same hash, newest        |
| Connected    | pending, same hash               | Watch; Replace where two cycles have watched in vain  |
| Connected    | connected, same hash             | Keep                                                  |
| Connected    | connected or pending, other hash | Replace; Keep while F1.1 refuses the new hash         |
| Connected    | failed                           | Replace; Keep while F1.1 refuses this very hash       |
| Disconnected | anything open                    | Close                                                 |
| Disconnected | nothing open                     | Keep                                                  |
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from navixy_operator.core.actions import Action, Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.model import Connection
from navixy_operator.core.pins import NO_PIN
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import ConnectionState, Desired, Discrepancy, Reason
from navixy_operator.core.wishes import Wish, wish

REFUSED: Final = "F1.1 refuses this hash for good; it is tried again when the hash changes"


@dataclass(frozen=True, slots=True)
class Decision:
    """What is to be done for one subject, and why."""

    subject: Subject
    desired: Desired
    reason: Reason
    message: str
    action: Action
    discrepancy: Discrepancy | None
    as_it_is: bool = False
    without_pin: Wish | None = None
    """What would be desired if the customer were not pinned; None: it is not."""

    @property
    def closes(self) -> tuple[Connection, ...]:
        """The connections that this decision would close."""
        return closes_of(self.action)

    @property
    def opens(self) -> bool:
        """Whether F1.1 is asked for a connection."""
        return isinstance(self.action, Establish | Replace)

    @property
    def name(self) -> str:
        """The customer's reference, or the connection that belongs to nobody."""
        return self.subject.customer_ref or f"nobody ({self.subject.connections[0].id})"


def decide(subject: Subject) -> Decision:
    """The decision on one subject, and beside it what would be desired without its pin. Total."""
    decision = _decide(subject)
    return decision if subject.pin is None else replace(decision, without_pin=wish(replace(subject, pins=NO_PIN)))


def _decide(subject: Subject) -> Decision:
    wanted = wish(subject)
    match wanted.desired:
        case None:
            return _leave(subject, wanted)
        case Desired.CONNECTED:
            action: Action = _connect(subject)
        case Desired.DISCONNECTED:
            action = Close(subject.open) if subject.open else Keep()
        case never:
            assert_never(never)
    reason, message = wanted.reason, wanted.message
    found = _discrepancy(subject, wanted, action)
    if wanted.desired is Desired.CONNECTED and isinstance(action, Keep) and found is not None:
        reason, message = Reason.HASH_REJECTED, REFUSED
    return Decision(subject, wanted.desired, reason, message, action, found)


def decide_all(subjects: Iterable[Subject]) -> tuple[Decision, ...]:
    """The plan: a decision on every subject, in their order."""
    return tuple(decide(subject) for subject in subjects)


def closes_of(action: Action) -> tuple[Connection, ...]:
    """The connections an action would close."""
    match action:
        case Close() | Trim() | Replace():
            return action.connections
        case Keep() | Watch() | Establish() | Hold():
            return ()
        case never:
            assert_never(never)


def _leave(subject: Subject, wanted: Wish) -> Decision:
    connected = any(c.state is ConnectionState.CONNECTED for c in subject.open)
    actual = Desired.CONNECTED if connected else Desired.DISCONNECTED
    return Decision(subject, actual, wanted.reason, wanted.message, Keep(), None, as_it_is=True)


def _connect(subject: Subject) -> Action:
    if not subject.open:
        return Keep() if subject.hash_is_refused else Establish()
    best, *others = subject.open
    if best.state is ConnectionState.FAILED or not subject.same_hash(best):
        return Keep() if subject.hash_is_refused else Replace(subject.open)
    if others:
        return Trim(best, tuple(others))
    if best.state is not ConnectionState.PENDING:
        return Keep()
    return Replace(subject.open) if best.id == subject.stuck and subject.has_hash else Watch(best)


def _settled(subject: Subject) -> bool:
    return any(c.state is ConnectionState.CONNECTED for c in subject.open)


def _discrepancy(subject: Subject, wanted: Wish, action: Action) -> Discrepancy | None:
    match action:
        case Establish():
            return Discrepancy.MISSING
        case Replace():
            return Discrepancy.HASH_CHANGED if _settled(subject) else Discrepancy.MISSING
        case Trim():
            return Discrepancy.DUPLICATE
        case Close():
            return close_discrepancy(wanted.reason)
        case Keep():
            return _refusal(subject) if wanted.desired is Desired.CONNECTED else None
        case Watch() | Hold():
            return None
        case never:
            assert_never(never)


def close_discrepancy(reason: Reason) -> Discrepancy:
    """What is wrong with a connection that is to be closed for this reason."""
    return _TO_CLOSE.get(reason, Discrepancy.INELIGIBLE)


def _refusal(subject: Subject) -> Discrepancy | None:
    """What is still wrong with an eligible customer who is left alone: F1.1 refuses the hash, or nothing is."""
    if not _settled(subject):
        return Discrepancy.MISSING
    return None if subject.same_hash(subject.open[0]) else Discrepancy.HASH_CHANGED


_TO_CLOSE: Final = {
    Reason.SUSPENDED: Discrepancy.SUSPENDED,
    Reason.REMOVED: Discrepancy.REMOVED,
    Reason.NOT_IN_DATABASE: Discrepancy.EXTRA,
    Reason.DECLARATION_DELETED: Discrepancy.REMOVED,
    Reason.PINNED: Discrepancy.PINNED,
}
