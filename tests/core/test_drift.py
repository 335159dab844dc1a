"""What a drift pass does of what is due, and what it leaves to the next cycle: the table, row by row."""

from dataclasses import dataclass, replace
from datetime import timedelta
from itertools import product
from typing import Any, Final

import pytest

from navixy_operator.core import drift
from navixy_operator.core.actions import Close, Keep
from navixy_operator.core.drift import Attempts, failed_before, pause_after, within_drift
from navixy_operator.core.guards import HOLDING, hold, hold_closes
from navixy_operator.core.outcome import Failure, settle
from navixy_operator.core.plan import Decision, decide
from navixy_operator.core.status import customer_status
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import PinMode, Policy, Reason
from support.builders import (
    DISCONNECTED,
    FAILED,
    NOW,
    PASSING,
    PENDING,
    connection,
    pinned,
    print_of,
    subject,
)
from support.tables import tables

(TABLE,) = tables(drift.__doc__)
LEFTOVER, GUARDED, FAILED_BEFORE, NOT_CLOSED, ELSE = (due for due, _ in TABLE)
JSON = dict[str, Any]
NEXT: Final = Reason.NEXT_CYCLE
ours, other = connection("c-1"), connection("c-1", fingerprint=print_of("old"))
pending, failed = connection("c-1", state=PENDING), connection("c-1", state=FAILED, error=PASSING)
lost = connection("c-1", state=DISCONNECTED)
OFF, ON = pinned(PinMode.DISCONNECT), pinned(PinMode.CONNECT)
ANSWER: Final = Failure(Reason.ESTABLISH_FAILED, PASSING)
NO_CLOSE: Final = Failure(Reason.CLOSE_FAILED, PASSING)


def status_of(decision: Decision, *after: Any, failure: Failure | None = None) -> JSON:
    """The status that a cycle wrote after such a decision."""
    return customer_status({}, settle(decision, after, failure), cycle="c-1", generation=1, now=NOW)


def due(*connections: Any, reason: Reason = Reason.ELIGIBLE, **fields: Any) -> Decision:
    """What is due now."""
    return decide(subject(*connections, reason=reason, **fields))


def held(guard: Reason, decision: Decision) -> JSON:
    """The status where a guard held the close."""
    (kept,) = hold_closes([decision], guard)
    return status_of(kept, *decision.subject.connections)


NEVER: Final[JSON] = {}
WELL: Final = status_of(due(ours), ours)
UNANSWERED: Final = status_of(due(), failure=ANSWER)
BROKEN: Final = status_of(due(failed), failed)
NOT_SHUT: Final = status_of(due(ours, reason=Reason.SUSPENDED), ours, failure=NO_CLOSE)
PINNED_NOT_SHUT: Final = status_of(due(ours, pins=OFF), ours, failure=NO_CLOSE)
suspended, extra = due(ours, reason=Reason.SUSPENDED), due(ours, reason=Reason.NOT_IN_DATABASE, has_resource=False)
deleted = due(ours, reason=Reason.DECLARATION_DELETED)

ALWAYS: Final = {(False, False), (False, True), (True, False), (True, True)}
"""Whether the pause is over, and whether ``retry.failed`` is ``Backoff``: the pairs in which it is done."""
DUE, DUE_AND_SOON, NEVER_DONE = {(True, False), (True, True)}, {(True, True)}, set[tuple[bool, bool]]()


@dataclass(frozen=True)
class Case:
    """What is due, the status it meets, and under which settings a drift pass does it; else why not."""

    row: str
    name: str
    decision: Decision
    status: JSON
    done: set[tuple[bool, bool]]
    why: Reason = NEXT

    def __str__(self) -> str:
        return f"{self.row}: {self.name}"


CASES: Final = [
    Case(LEFTOVER, "an open connection", extra, NEVER, NEVER_DONE),
    Case(LEFTOVER, "nobody's", due(ours, reason=Reason.NOT_IN_DATABASE, customer_ref=None, has_resource=False), NEVER,
         NEVER_DONE),
    *(Case(GUARDED, guard.value, due(ours, reason=Reason.REMOVED), held(guard, due(ours, reason=Reason.REMOVED)),
           NEVER_DONE, guard) for guard in sorted(HOLDING)),
    Case(GUARDED, "a changed hash, held before", due(other), held(Reason.MASS_CLOSE, due(other)), NEVER_DONE,
         Reason.MASS_CLOSE),
    Case(GUARDED, "the last cycle, but a pin is new", due(ours, pins=OFF), held(Reason.MASS_CLOSE, suspended), ALWAYS),
    Case(GUARDED, "the last cycle, but nothing is cut off", due(), held(Reason.MASS_CLOSE, suspended), ALWAYS),
    Case(FAILED_BEFORE, "the request", due(), UNANSWERED, DUE_AND_SOON),
    Case(FAILED_BEFORE, "the connection", due(failed), BROKEN, DUE_AND_SOON),
    Case(FAILED_BEFORE, "the connection, since the last cycle", due(failed), WELL, DUE_AND_SOON),
    Case(FAILED_BEFORE, "the connection, nobody has seen it yet", due(failed), NEVER, DUE_AND_SOON),
    Case(FAILED_BEFORE, "stuck", due(pending, stuck="c-1"), WELL, DUE_AND_SOON),
    Case(FAILED_BEFORE, "F1.1 forgot the failed one", due(lost), BROKEN, DUE_AND_SOON),
    Case(FAILED_BEFORE, "the old one could not be closed", due(other), NOT_SHUT, DUE_AND_SOON),
    Case(FAILED_BEFORE, "a told pin's", due(failed, pins=ON), status_of(due(failed, pins=ON), failed), DUE_AND_SOON),
    Case(FAILED_BEFORE, "a new pin", due(failed, pins=ON), BROKEN, ALWAYS),
    Case(NOT_CLOSED, "suspended", suspended, NOT_SHUT, DUE),
    Case(NOT_CLOSED, "a told pin's", due(ours, pins=OFF), PINNED_NOT_SHUT, DUE),
    Case(NOT_CLOSED, "a new pin", due(ours, pins=OFF), NOT_SHUT, ALWAYS),
    Case(NOT_CLOSED, "a pin of another person", due(ours, pins=pinned(PinMode.DISCONNECT, by="b")), PINNED_NOT_SHUT,
         ALWAYS),
    Case(NOT_CLOSED, "a deleted declaration", deleted, status_of(deleted, ours, failure=NO_CLOSE), DUE),
    Case(NOT_CLOSED, "a declaration deleted since", deleted, NOT_SHUT, ALWAYS),
    Case(GUARDED, "the last cycle, but it is taken back", deleted, held(Reason.MASS_CLOSE, suspended), ALWAYS),
    Case(ELSE, "missing, never seen", due(), NEVER, ALWAYS),
    Case(ELSE, "lost", due(lost), WELL, ALWAYS),
    Case(ELSE, "suspended", suspended, WELL, ALWAYS),
    Case(ELSE, "suspended, the establishing failed before", suspended, UNANSWERED, ALWAYS),
    Case(ELSE, "to be watched", due(pending), BROKEN, ALWAYS),
    Case(ELSE, "two", due(ours, connection("c-2")), WELL, ALWAYS),
    Case(ELSE, "a changed hash", due(other), WELL, ALWAYS),
    Case(ELSE, "pinned off, told", due(ours, pins=OFF), status_of(due(pins=OFF)), ALWAYS),
    Case(ELSE, "held by the policy before", suspended, status_of(hold(suspended, Reason.POLICY_OBSERVE), ours), ALWAYS),
]  # fmt: skip


@pytest.mark.parametrize("case", CASES, ids=str)
def test_within_drift(case: Case) -> None:
    """Done, or held with the reason, as the row of the table says; the decision is else the same."""
    for now, soon in product((False, True), repeat=2):
        found = within_drift(case.decision, case.status, due=now, soon=soon, policy=Policy.FULL)
        if (now, soon) in case.done:
            assert found is case.decision
        else:
            assert found == hold(case.decision, case.why)
            assert found != case.decision


def test_every_row_has_a_case() -> None:
    """The rows of the table, and no others; each is seen to be done, or not, at least once."""
    assert {case.row for case in CASES} == {row for row, _ in TABLE}


def test_what_failed_is_the_policys_to_hold_first() -> None:
    """No cycle will try what the policy holds: the reason is as that one gives it."""
    found = within_drift(due(), UNANSWERED, due=False, soon=False, policy=Policy.OBSERVE)
    assert found == hold(due(), Reason.POLICY_OBSERVE)


def test_nothing_to_do_is_left_so() -> None:
    """A leftover without anything open, or whatever else asks for nothing: no word of a next cycle."""
    for decision in (due(ours), due(lost, reason=Reason.NOT_IN_DATABASE, has_resource=False)):
        assert within_drift(decision, BROKEN, due=False, soon=False, policy=Policy.FULL) == decision


@pytest.mark.parametrize(
    ("decision", "status", "failed_"),
    [
        (due(), UNANSWERED, True),
        (due(), WELL, False),
        (due(failed), WELL, True),
        (due(other), WELL, False),
        (due(pending, stuck="c-1"), WELL, True),
        (suspended, NOT_SHUT, True),
        (suspended, UNANSWERED, False),
        (due(pending), UNANSWERED, False),
        (due(ours, connection("c-2")), NOT_SHUT, False),
        (due(ours), UNANSWERED, False),
    ],
)
def test_failed_before(decision: Decision, status: JSON, failed_: bool) -> None:  # noqa: FBT001 - a column
    """What was tried in vain, told from the status, or seen in what is left of it; only of the same sort of action."""
    assert failed_before(decision, status) is failed_


def test_the_pause_doubles_up_to_an_hour() -> None:
    """One minute, two, four … sixty; the second half of it is drawn."""
    attempts: Attempts | None = None
    pauses = []
    for count in range(1, 10):
        attempts = pause_after(attempts, NOW, 1.0)
        assert attempts.count == count
        pauses.append((attempts.not_before - NOW) / timedelta(minutes=1))
    assert pauses == [1, 2, 4, 8, 16, 32, 60, 60, 60]


@pytest.mark.parametrize(("count", "longest"), [(0, 60), (3, 480), (20, 3600), (10**6, 3600)])
def test_the_pause_is_drawn(count: int, longest: int) -> None:
    """From a half of it to the whole; however often it has failed."""
    before = Attempts(count, NOW) if count else None
    for share in (0.0, 0.5, 1.0):
        pause = pause_after(before, NOW, share).not_before - NOW
        assert pause.total_seconds() == longest * (0.5 + share / 2)


@pytest.mark.parametrize(
    "found", [subject(), subject(failed), subject(pending, stuck="c-1")], ids=["none", "failed", "stuck"]
)
def test_a_new_pin_goes_before_every_pause(found: Subject) -> None:
    """A person who asks now is heeded now: seconds, not the next cycle."""
    for pins in (ON, OFF):
        decision = decide(replace(found, pins=pins))
        if not isinstance(decision.action, Keep):
            assert within_drift(decision, BROKEN, due=False, soon=False, policy=Policy.FULL) is decision
            assert isinstance(decision.action, Close) is (pins is OFF)
