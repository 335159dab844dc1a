"""Step 7 of a cycle: whether counts and members are as they should be (spec: Validate Synchronization Results)."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from navixy_operator.core.conditions import MAX_MESSAGE
from navixy_operator.core.model import Connection
from navixy_operator.core.outcome import Settled
from navixy_operator.core.vocabulary import ConnectionState, Desired, Reason
from navixy_operator.core.wishes import CLOSED, SKIPS

SHOWN: Final = 5
_SUSPENDED: Final = frozenset({Reason.SUSPENDED, Reason.REMOVED, Reason.DECLARATION_DELETED})


@dataclass(frozen=True, slots=True)
class Validation:
    """Step 7: whether the world is as it should be, and in which ways it is not."""

    expected: int
    actual: int
    messages: tuple[str, ...]

    @property
    def passed(self) -> bool:
        """Whether counts and members agree."""
        return not self.messages

    def to_status(self) -> dict[str, Any]:
        """As a SyncCycle's ``status.validation``."""
        found: dict[str, Any] = {"passed": self.passed, "expected": self.expected, "actual": self.actual}
        return {**found, "messages": [message[:MAX_MESSAGE] for message in self.messages]} if self.messages else found


def validate(settled: Sequence[Settled]) -> Validation:
    """Compare counts and members (spec step 7; AC7, AC11). Customers left as they are count as they are."""
    expected, actual = expected_count(settled), actual_count(entry.final.connections for entry in settled)
    checks = (
        (_of(settled, lambda entry: _unmet(entry, Desired.CONNECTED)), "eligible customers without their connection"),
        (_of(settled, lambda entry: _open_although(entry, CLOSED)), "suspended, removed or unknown customers with one"),
        (_of(settled, lambda entry: _open_although(entry, SKIPS)), "customers with one who miss a requirement"),
    )
    messages = [f"{len(refs)} {words}: {_some(refs)}" for refs, words in checks if refs]
    if expected != actual:
        messages.insert(0, f"{actual} connections are connected where {expected} are expected")
    return Validation(expected, actual, tuple(messages))


def expected_count(settled: Iterable[Settled]) -> int:
    """How many connections should be connected."""
    return sum(
        _connected(entry.final.connections)
        if entry.decision.as_it_is
        else int(entry.decision.desired is Desired.CONNECTED)
        for entry in settled
    )


def actual_count(connections: Iterable[Iterable[Connection]]) -> int:
    """How many connections are connected."""
    return sum(map(_connected, connections))


def suspended_count(settled: Iterable[Settled]) -> int:
    """How many suspended or removed customers have an open connection; those of a person's word do not count."""
    return sum(entry.decision.reason in _SUSPENDED and bool(entry.final.open) for entry in settled)


def _connected(connections: Iterable[Connection]) -> int:
    return sum(connection.state is ConnectionState.CONNECTED for connection in connections)


def _of(settled: Iterable[Settled], matches: Callable[[Settled], bool]) -> list[str]:
    return [entry.decision.name for entry in settled if matches(entry)]


def _unmet(entry: Settled, desired: Desired) -> bool:
    return entry.decision.desired is desired and not entry.as_desired


def _open_although(entry: Settled, reasons: frozenset[Reason]) -> bool:
    return entry.decision.reason in reasons and _unmet(entry, Desired.DISCONNECTED)


def _some(refs: Sequence[str]) -> str:
    shown = ", ".join(refs[:SHOWN])
    return f"{shown} and {len(refs) - SHOWN} more" if len(refs) > SHOWN else shown
