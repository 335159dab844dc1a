"""The plan: desired against actual, customer by customer (spec: Compare and Identify Discrepancies; design section 3).

What is desired, first match wins (pins take their place at the top of ``RULES``):

| rule                        | desired      | reason                                                   |
|-----------------------------|--------------|----------------------------------------------------------|
| F1.3 opened or closed it    | as it is     | ManualOperation                                          |
| the customer is closed      | Disconnected | Suspended, Removed, NotInDatabase                        |
| the data contradicts itself | as it is     | InvalidRecord, DuplicateReference, DuplicateHash         |
| a requirement is missing    | Disconnected | NoGateways, MissingHash, InvalidHash                     |
| eligible                    | Connected    | Eligible                                                 |

Desired against actual:

| desired      | actual                           | action                                                |
|--------------|----------------------------------|-------------------------------------------------------|
| as it is     | anything                         | Keep                                                  |
| Connected    | nothing open                     | Establish; Keep while F1.1 refuses this very hash     |
| Connected    | several open                     | Trim to the best: connected, same hash, newest        |
| Connected    | pending, same hash               | Watch                                                 |
| Connected    | connected, same hash             | Keep                                                  |
| Connected    | connected or pending, other hash | Replace; Keep while F1.1 refuses the new hash         |
| Connected    | failed                           | Replace; Keep while F1.1 refuses this very hash       |
| Disconnected | anything open                    | Close                                                 |
| Disconnected | nothing open                     | Keep                                                  |
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final, assert_never

from navixy_operator.core.actions import Action, Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.model import Connection, Verdict
from navixy_operator.core.vocabulary import ConnectionState, Desired, Discrepancy, Origin, Reason

CLOSED: Final = frozenset({Reason.SUSPENDED, Reason.REMOVED, Reason.NOT_IN_DATABASE})
CONTRADICTORY: Final = frozenset({Reason.INVALID_RECORD, Reason.DUPLICATE_REFERENCE, Reason.DUPLICATE_HASH})
REQUIREMENTS: Final = frozenset({Reason.NO_GATEWAYS, Reason.MISSING_HASH, Reason.INVALID_HASH})
SKIPS: Final = CONTRADICTORY | REQUIREMENTS

REFUSED: Final = "F1.1 refuses this hash for good; it is tried again when the hash changes"
_STANDING: Final = {ConnectionState.CONNECTED: 3, ConnectionState.PENDING: 2, ConnectionState.FAILED: 1}


@dataclass(frozen=True, slots=True)
class Subject:
    """All that is known of one customer when the plan is made.

    ``customer_ref`` is None for a connection that names nobody. ``refused`` is the fingerprint of the hash that F1.1
    refused for good; ``has_resource`` tells whether a NavixyCustomer stands for the customer.
    """

    customer_ref: str | None
    verdict: Verdict
    fingerprint: str | None
    connections: tuple[Connection, ...]
    refused: str | None = None
    has_resource: bool = True

    @property
    def open(self) -> tuple[Connection, ...]:
        """The open connections, best first: connected before pending before failed, same hash, newest."""
        if len(self.connections) <= 1:  # nearly always, and asked for often
            return tuple(c for c in self.connections if c.is_open)
        return tuple(sorted((c for c in self.connections if c.is_open), key=self._rank, reverse=True))

    @property
    def current(self) -> Connection | None:
        """The connection that tells the customer's story: the best open one, else the last closed."""
        if opened := self.open:
            return opened[0]
        return max(self.connections, key=lambda c: (c.updated_at, c.id), default=None)

    @property
    def hash_is_refused(self) -> bool:
        """Whether F1.1 has said for good that it does not take this very hash."""
        return self.fingerprint is not None and self.refused == self.fingerprint

    def same_hash(self, connection: Connection) -> bool:
        """Whether the connection was opened with the customer's hash; yes where F1.1 does not tell."""
        return connection.fingerprint is None or connection.fingerprint == self.fingerprint

    def _rank(self, connection: Connection) -> tuple[object, ...]:
        standing = _STANDING[connection.state]
        return standing, self.same_hash(connection), connection.created_at, connection.id


@dataclass(frozen=True, slots=True)
class Wish:
    """What is desired (None: as it is) and why."""

    desired: Desired | None
    reason: Reason
    message: str


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


Rule = Callable[[Subject], Wish | None]


def _manual(subject: Subject) -> Wish | None:
    current = subject.current
    if any(c.origin is Origin.MANUAL for c in subject.open) or (
        current is not None and not current.is_open and current.origin is Origin.MANUAL
    ):
        return Wish(None, Reason.MANUAL_OPERATION, "a person set this connection through F1.3; it stays as it is")
    return None


def _closed(subject: Subject) -> Wish | None:
    verdict = subject.verdict
    return Wish(Desired.DISCONNECTED, verdict.reason, verdict.message) if verdict.reason in CLOSED else None


def _contradictory(subject: Subject) -> Wish | None:
    verdict = subject.verdict
    return Wish(None, verdict.reason, verdict.message) if verdict.reason in CONTRADICTORY else None


def _requirement(subject: Subject) -> Wish | None:
    verdict = subject.verdict
    return Wish(Desired.DISCONNECTED, verdict.reason, verdict.message) if verdict.reason in REQUIREMENTS else None


def _eligible(subject: Subject) -> Wish:
    return Wish(Desired.CONNECTED, subject.verdict.reason, subject.verdict.message)


RULES: Final[tuple[Rule, ...]] = (_manual, _closed, _contradictory, _requirement, _eligible)


def wish(subject: Subject) -> Wish:
    """What is desired for the subject: the first rule that matches. Total, for the last rule always matches."""
    return next(found for rule in RULES if (found := rule(subject)) is not None)


def decide(subject: Subject) -> Decision:
    """The decision on one subject. Total."""
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
    return Watch(best) if best.state is ConnectionState.PENDING else Keep()


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
            return _TO_CLOSE.get(wanted.reason, Discrepancy.INELIGIBLE)
        case Keep():
            return _refusal(subject) if wanted.desired is Desired.CONNECTED else None
        case Watch() | Hold():
            return None
        case never:
            assert_never(never)


def _refusal(subject: Subject) -> Discrepancy | None:
    """What is still wrong with an eligible customer who is left alone: F1.1 refuses the hash, or nothing is."""
    if not _settled(subject):
        return Discrepancy.MISSING
    return None if subject.same_hash(subject.open[0]) else Discrepancy.HASH_CHANGED


_TO_CLOSE: Final = {
    Reason.SUSPENDED: Discrepancy.SUSPENDED,
    Reason.REMOVED: Discrepancy.REMOVED,
    Reason.NOT_IN_DATABASE: Discrepancy.EXTRA,
}
