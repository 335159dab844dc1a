"""Desired against actual: the truth table of the plan, row by row."""

from dataclasses import dataclass, replace
from typing import Any, Final

import pytest

from navixy_operator.core import plan
from navixy_operator.core.actions import Action, Close, Establish, Keep, Replace, Trim, Watch
from navixy_operator.core.model import Connection
from navixy_operator.core.pins import NO_PIN
from navixy_operator.core.plan import decide
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import Desired, Discrepancy, PinMode, Reason
from navixy_operator.core.wishes import wish
from support.builders import (
    CONNECTED,
    DISCONNECTED,
    FAILED,
    PASSING,
    PENDING,
    PERMANENT,
    connection,
    manual,
    pinned,
    print_of,
    subject,
)
from support.tables import tables

(ACTIONS,) = tables(plan.__doc__)
KEEP: Final = Keep()


@dataclass(frozen=True)
class Case:
    """A subject, the row of a table that is meant, and what must come out."""

    row: str
    name: str
    subject: Subject
    action: Action = KEEP
    discrepancy: Discrepancy | None = None
    reason: Reason = Reason.ELIGIBLE

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


ours, theirs = connection("c-1"), connection("c-2", fingerprint=print_of("old"))
untold = connection("c-3", fingerprint=None)
pending, pending_other = connection("p-1", state=PENDING), connection("p-2", state=PENDING, fingerprint=print_of("old"))
failed, refused = connection("f-1", state=FAILED, error=PASSING), connection("f-2", state=FAILED, error=PERMANENT)
gone = connection("d-1", state=DISCONNECTED)
pinned_to_stay: Final = subject(ours, failed, reason=Reason.SUSPENDED, pins=pinned(PinMode.HOLD))
MISSING, CHANGED, DOUBLE = Discrepancy.MISSING, Discrepancy.HASH_CHANGED, Discrepancy.DUPLICATE

NOTHING: Final = "Connected | nothing open"
MANY: Final = "Connected | several open"
WAITING: Final = "Connected | pending, same hash"
RIGHT: Final = "Connected | connected, same hash"
OTHER: Final = "Connected | connected or pending, other hash"
BROKEN: Final = "Connected | failed"
OPEN: Final = "Disconnected | anything open"
SHUT: Final = "Disconnected | nothing open"
LEAVE: Final = "as it is | anything"


def off(reason: Reason, *connections: Connection) -> Subject:
    """The customer whose connection is not desired."""
    return subject(*connections, reason=reason)


def pinned_on(reason: Reason, *connections: Connection, **fields: Any) -> Subject:
    """The customer who is pinned to be connected, whatever the verdict."""
    return subject(*connections, reason=reason, pins=pinned(PinMode.CONNECT), **fields)


def kept_on(*connections: Connection, **fields: Any) -> Subject:
    """The customer who is pinned to be connected, and whose hash is gone."""
    return pinned_on(Reason.MISSING_HASH, *connections, fingerprint=None, has_hash=False, **fields)


CASES: Final = [
    Case(NOTHING, "none", subject(), Establish(), MISSING),
    Case(NOTHING, "closed ones", subject(gone), Establish(), MISSING),
    Case(NOTHING, "pinned on, though suspended", pinned_on(Reason.SUSPENDED), Establish(), MISSING, Reason.PINNED),
    Case(NOTHING, "pinned on, refused", pinned_on(Reason.SUSPENDED, refused=print_of("acme")), Keep(), MISSING,
         Reason.HASH_REJECTED),
    Case(NOTHING, "another hash was refused", subject(refused=print_of("old")), Establish(), MISSING),
    Case(NOTHING, "refused", subject(refused=print_of("acme")), Keep(), MISSING, Reason.HASH_REJECTED),
    Case(NOTHING, "refused, a closed one listed", subject(gone, refused=print_of("acme")), Keep(), MISSING,
         Reason.HASH_REJECTED),
    Case(MANY, "both connected, the newer is kept", subject(connection("old", age=9), connection("new", age=1)),
         Trim(connection("new", age=1), (connection("old", age=9),)), DOUBLE),
    Case(MANY, "connected before pending, though older", subject(pending, connection("old", age=99)),
         Trim(connection("old", age=99), (pending,)), DOUBLE),
    Case(MANY, "same hash before newer", subject(connection("n", age=1, fingerprint=print_of("old")), ours),
         Trim(ours, (connection("n", age=1, fingerprint=print_of("old")),)), DOUBLE),
    Case(MANY, "pending before failed", subject(failed, pending), Trim(pending, (failed,)), DOUBLE),
    Case(MANY, "same age: by id", subject(connection("a"), connection("b")),
         Trim(connection("b"), (connection("a"),)), DOUBLE),
    Case(MANY, "one of them watched in vain", subject(failed, pending, stuck="p-1"), Trim(pending, (failed,)), DOUBLE),
    Case(MANY, "no hash to compare with: the newest", kept_on(ours, connection("new", age=1, fingerprint="f" * 16)),
         Trim(connection("new", age=1, fingerprint="f" * 16), (ours,)), DOUBLE, Reason.PINNED),
    Case(MANY, "closed ones do not count", subject(ours, gone, connection("d-2", state=DISCONNECTED))),
    Case(WAITING, "watched", subject(pending), Watch(pending)),
    Case(WAITING, "fingerprint not told", subject(connection("p", state=PENDING, fingerprint=None)),
         Watch(connection("p", state=PENDING, fingerprint=None))),
    Case(WAITING, "watched in vain before", subject(pending, stuck="p-1"), Replace((pending,)), MISSING),
    Case(WAITING, "another one was watched in vain", subject(pending, stuck="p-0"), Watch(pending)),
    Case(WAITING, "watched in vain, and no hash to begin afresh", kept_on(pending, stuck="p-1"), Watch(pending),
         reason=Reason.PINNED),
    Case(RIGHT, "kept", subject(ours)),
    Case(RIGHT, "watched in vain, and there at last", subject(ours, stuck="c-1")),
    Case(RIGHT, "no hash to compare with", kept_on(theirs), reason=Reason.PINNED),
    Case(RIGHT, "fingerprint not told", subject(untold)),
    Case(RIGHT, "refused in the past", subject(ours, refused=print_of("acme"))),
    Case(OTHER, "connected", subject(theirs), Replace((theirs,)), CHANGED),
    Case(OTHER, "pending", subject(pending_other), Replace((pending_other,)), MISSING),
    Case(OTHER, "connected, and a pending one with the right hash", subject(pending, theirs),
         Replace((theirs, pending)), CHANGED),
    Case(OTHER, "connected, the new hash is refused", subject(theirs, refused=print_of("acme")), Keep(), CHANGED,
         Reason.HASH_REJECTED),
    Case(OTHER, "pending, the new hash is refused", subject(pending_other, refused=print_of("acme")), Keep(), MISSING,
         Reason.HASH_REJECTED),
    Case(BROKEN, "tried afresh", subject(failed), Replace((failed,)), MISSING),
    Case(BROKEN, "several", subject(failed, refused), Replace((refused, failed)), MISSING),
    Case(BROKEN, "refused for good", subject(refused, refused=print_of("acme")), Keep(), MISSING, Reason.HASH_REJECTED),
    Case(BROKEN, "another hash was refused", subject(refused, refused=print_of("old")), Replace((refused,)), MISSING),
    Case(OPEN, "suspended", off(Reason.SUSPENDED, ours), Close((ours,)), Discrepancy.SUSPENDED, Reason.SUSPENDED),
    Case(OPEN, "removed", off(Reason.REMOVED, ours), Close((ours,)), Discrepancy.REMOVED, Reason.REMOVED),
    Case(OPEN, "gone", off(Reason.NOT_IN_DATABASE, ours), Close((ours,)), Discrepancy.EXTRA, Reason.NOT_IN_DATABASE),
    Case(OPEN, "no gateways", off(Reason.NO_GATEWAYS, ours), Close((ours,)), Discrepancy.INELIGIBLE,
         Reason.NO_GATEWAYS),
    Case(OPEN, "pending", off(Reason.SUSPENDED, pending), Close((pending,)), Discrepancy.SUSPENDED, Reason.SUSPENDED),
    Case(OPEN, "failed", off(Reason.SUSPENDED, failed), Close((failed,)), Discrepancy.SUSPENDED, Reason.SUSPENDED),
    Case(OPEN, "all of them", off(Reason.MISSING_HASH, pending, failed, ours, gone), Close((ours, pending, failed)),
         Discrepancy.INELIGIBLE, Reason.MISSING_HASH),
    Case(OPEN, "pinned off", subject(ours, pins=pinned(PinMode.DISCONNECT)), Close((ours,)), Discrepancy.PINNED,
         Reason.PINNED),
    Case(OPEN, "the declaration is deleted", off(Reason.DECLARATION_DELETED, ours), Close((ours,)), Discrepancy.REMOVED,
         Reason.DECLARATION_DELETED),
    Case(SHUT, "pinned off", subject(gone, pins=pinned(PinMode.DISCONNECT)), reason=Reason.PINNED),
    Case(SHUT, "none", off(Reason.SUSPENDED), reason=Reason.SUSPENDED),
    Case(SHUT, "closed ones", off(Reason.INVALID_HASH, gone), reason=Reason.INVALID_HASH),
    Case(LEAVE, "contradictory, connected", off(Reason.DUPLICATE_HASH, theirs, failed), reason=Reason.DUPLICATE_HASH),
    Case(LEAVE, "contradictory, none", off(Reason.INVALID_RECORD), reason=Reason.INVALID_RECORD),
    Case(LEAVE, "contradictory, two", off(Reason.DUPLICATE_REFERENCE, ours, theirs), reason=Reason.DUPLICATE_REFERENCE),
    Case(LEAVE, "pinned to stay", pinned_to_stay, reason=Reason.PINNED),
    Case(LEAVE, "not yet judged", off(Reason.NOT_YET_JUDGED, ours), reason=Reason.NOT_YET_JUDGED),
    Case(LEAVE, "manual", off(Reason.SUSPENDED, manual()), reason=Reason.MANUAL_OPERATION),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_action(case: Case) -> None:
    """The action, discrepancy and reason that the row of the table says."""
    decision = decide(case.subject)
    assert (decision.action, decision.discrepancy, decision.reason) == (case.action, case.discrepancy, case.reason)
    assert case.row == row_of(decision.desired, decision.as_it_is, case.row)


def row_of(desired: Desired, as_it_is: bool, row: str) -> str:  # noqa: FBT001 - a cell of the table
    """The row, with the first cell as the decision says it."""
    return f"{'as it is' if as_it_is else desired} | {row.split(' | ')[1]}"


def test_every_row_of_the_actions_has_a_case() -> None:
    """The table in the docstring and the cases have the same rows, and every action of a row is seen in one."""
    told = {f"{desired} | {actual}": action for desired, actual, action in ACTIONS}
    assert {case.row for case in CASES} == set(told)
    for row, action in told.items():
        seen = {case.action.kind.value for case in CASES if case.row == row}
        assert {
            word for word in ("Keep", "Establish", "Watch", "Replace", "Trim", "Close") if word in action
        } == seen - ({"Keep"} if row == MANY else set())


@pytest.mark.parametrize(
    ("state", "desired"), [(CONNECTED, "Connected"), (PENDING, "Disconnected"), (FAILED, "Disconnected")]
)
def test_as_it_is_counts_as_it_is(state: object, desired: str) -> None:
    """What is left alone desires what there is."""
    assert decide(subject(manual(state=state))).desired.value == desired  # type: ignore[arg-type]


@pytest.mark.parametrize("case", CASES, ids=str)
def test_what_would_be_without_the_pin(case: Case) -> None:
    """While pinned, the decision says what would be desired otherwise (design section 2); unpinned it does not."""
    without = decide(case.subject).without_pin
    unpinned = replace(case.subject, pins=NO_PIN)
    assert without == (None if case.subject.pin is None else wish(unpinned))


def test_names() -> None:
    """By its reference; by its connection where it is nobody's."""
    assert decide(subject()).name == "acme"
    assert decide(subject(ours, customer_ref=None, reason=Reason.NOT_IN_DATABASE)).name == "nobody (c-1)"
