"""Two small models of F1.1: what a plan makes of its connections when all goes well, and a service that may fail."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from itertools import count
from typing import Any, assert_never

from navixy_operator.core.actions import Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.model import Connection, NavixyHash
from navixy_operator.core.outcome import Failure
from navixy_operator.core.plan import Decision
from navixy_operator.core.vocabulary import ConnectionState, Origin, Reason
from support.builders import NOW, PASSING, PERMANENT


def carry_out(decisions: Iterable[Decision], connections: Sequence[Connection]) -> list[Connection]:
    """The connections afterwards: closed ones disconnected, opened ones connected, watched and kept ones settled."""
    closed: set[str] = set()
    settled: set[str] = set()
    opened: list[Connection] = []
    numbers = count(1)
    for decision in decisions:
        action, subject = decision.action, decision.subject
        closed |= {connection.id for connection in decision.closes}
        match action:
            case Keep() | Hold() | Close():
                pass
            case Watch():
                settled.add(action.connection.id)
            case Trim():
                settled.add(action.keep.id)
            case Establish() | Replace():
                identity = f"new-{next(numbers)}"
                state, print_ = ConnectionState.CONNECTED, subject.fingerprint
                opened.append(Connection(identity, subject.customer_ref, state, NOW, NOW, fingerprint=print_))
            case never:
                assert_never(never)
    return [_after(connection, closed, settled) for connection in connections] + opened


def _after(connection: Connection, closed: set[str], settled: set[str]) -> Connection:
    if connection.id in closed:
        return replace(connection, state=ConnectionState.DISCONNECTED, error=None)
    if connection.id in settled and connection.state is ConnectionState.PENDING:
        return replace(connection, state=ConnectionState.CONNECTED)
    return connection


class CutOffError(Exception):
    """The process ended in the middle of its work."""


@dataclass(frozen=True, slots=True)
class Call:
    """One request that changes something: whom it is about, and what stood there before.

    ``closes`` is the connection that is to be closed, ``with_hash`` the fingerprint of the hash to open one with.
    """

    customer_ref: str | None
    before: tuple[Connection, ...]
    closes: Connection | None = None
    with_hash: str | None = None


@dataclass
class Service:
    """F1.1 in small: it does what it is asked, or fails in the ways that it has, and keeps a journal.

    ``opening`` and ``closing`` say by reference how requests end, where not well; ``refused`` are fingerprints that it
    never takes. ``calls_left`` requests are still answered before the process that asks is cut off; None: all are.
    """

    found: dict[str, Connection] = field(default_factory=dict)
    opening: dict[str, str] = field(default_factory=dict)
    closing: dict[str, str] = field(default_factory=dict)
    refused: frozenset[str] = frozenset()
    calls: list[Call] = field(default_factory=list)
    calls_left: int | None = None
    ticks: int = 0

    def of(self, customer_ref: str | None) -> tuple[Connection, ...]:
        """What there is of one customer, of every state."""
        return tuple(c for c in self.found.values() if c.customer_ref == customer_ref)

    def put(self, customer_ref: str | None, state: ConnectionState, now: datetime, **fields: Any) -> Connection:
        """A new connection. No two have the same times, as none have in the world."""
        moment = self._moment(now)
        connection = Connection(f"c-{self.ticks}", customer_ref, state, moment, moment, **fields)
        self.found[connection.id] = connection
        return connection

    def change(self, connection: Connection, now: datetime, **fields: Any) -> None:
        """The connection becomes another one."""
        self.found[connection.id] = replace(connection, updated_at=self._moment(now), **fields)

    def establish(self, customer_ref: str, navixy_hash: NavixyHash, now: datetime) -> Failure | None:
        """As the answer to the request says it; what comes of it is in the list."""
        print_ = navixy_hash.fingerprint
        self._note(Call(customer_ref, self.of(customer_ref), with_hash=print_))
        way = self.opening.get(customer_ref, "")
        if print_ in self.refused and way != "fails":
            return Failure(Reason.HASH_REJECTED, PERMANENT)
        match way:
            case "no answer":
                return Failure(Reason.ESTABLISH_FAILED, PASSING)
            case "fails":
                error = PERMANENT if print_ in self.refused else PASSING
                self.put(customer_ref, ConnectionState.FAILED, now, fingerprint=print_, error=error)
            case "pends":
                self.put(customer_ref, ConnectionState.PENDING, now, fingerprint=print_)
            case "lost answer":
                self.put(customer_ref, ConnectionState.CONNECTED, now, fingerprint=print_)
                return Failure(Reason.ESTABLISH_FAILED, PASSING)
            case _:
                self.put(customer_ref, ConnectionState.CONNECTED, now, fingerprint=print_)
        return None

    def close(self, connection_id: str, now: datetime) -> Failure | bool:
        """Whether it is closed for certain, or why not."""
        connection = self.found.get(connection_id)
        owner = None if connection is None else connection.customer_ref
        self._note(Call(owner, self.of(owner), closes=connection))
        match self.closing.get(owner or ""):
            case "fails":
                return Failure(Reason.CLOSE_FAILED, PASSING)
            case "takes long":
                return False
            case "forgets it":
                self.found.pop(connection_id, None)
            case _ if connection is not None:
                self.change(connection, now, state=ConnectionState.DISCONNECTED, error=None, origin=Origin.AUTOMATIC)
            case _:
                pass
        return True

    def recover(self, now: datetime) -> None:
        """From now on all goes well: what is pending comes about, or fails where the hash is refused."""
        self.opening.clear()
        self.closing.clear()
        for connection in list(self.found.values()):
            if connection.state is ConnectionState.PENDING and connection.fingerprint in self.refused:
                self.change(connection, now, state=ConnectionState.FAILED, error=PERMANENT)
            elif connection.state is ConnectionState.PENDING:
                self.change(connection, now, state=ConnectionState.CONNECTED)

    def stop(self) -> None:
        """Nothing more happens: what was asked for has been done, and the process is cut off."""
        self.calls_left = None
        raise CutOffError

    def _note(self, call: Call) -> None:
        if self.calls_left == 0:
            self.stop()
        if self.calls_left is not None:
            self.calls_left -= 1
        self.calls.append(call)

    def _moment(self, now: datetime) -> datetime:
        self.ticks += 1
        return now + timedelta(microseconds=self.ticks)
