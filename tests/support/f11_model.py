"""A small model of F1.1: what a plan's actions make of its connections when all goes well."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from itertools import count
from typing import assert_never

from navixy_operator.core.actions import Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.model import Connection
from navixy_operator.core.plan import Decision
from navixy_operator.core.vocabulary import ConnectionState
from support.builders import NOW


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
