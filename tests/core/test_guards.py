"""The guards: each at its very limit and one beyond, and what they do not hold."""

from dataclasses import replace
from typing import Any, Final

import pytest

from navixy_operator.core import guards
from navixy_operator.core.actions import Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.approval import token
from navixy_operator.core.guards import Facts, Limits, counted, cuts_off, first_objection, guard, hold, restrain
from navixy_operator.core.model import Connection
from navixy_operator.core.plan import Decision, decide, decide_all
from navixy_operator.core.vocabulary import PinMode, Policy, Reason
from support.builders import DISCONNECTED, FAILED, PENDING, connection, manual, pinned, print_of, subject

EMPTY, SHRUNKEN, MASS = Reason.EMPTY_DATABASE, Reason.SHRUNKEN_DATABASE, Reason.MASS_CLOSE
USUAL: Final = Limits()


def limits(close: int = 20, least: int = 10, shrink: int = 20) -> Limits:
    """Limits by their place: percent of closes, closes that are always allowed, percent of losses."""
    return Limits(close, least, shrink)


LIMITS: Final = [
    # an empty database
    ("no customer, none known", Facts(customers=0), USUAL, EMPTY),
    ("no customer, nothing to close", Facts(customers=0, known=9, lost=9), USUAL, EMPTY),
    ("no customer, everything allowed", Facts(customers=0, known=9, lost=9), limits(100, 1000, 100), EMPTY),
    ("one customer", Facts(customers=1), USUAL, None),
    ("nobody asked the database", Facts(customers=None), USUAL, None),
    # a shrunken one
    ("exactly a fifth lost", Facts(customers=80, known=100, lost=20), USUAL, None),
    ("one more than a fifth", Facts(customers=79, known=100, lost=21), USUAL, SHRUNKEN),
    ("a fifth of few", Facts(customers=4, known=5, lost=1), USUAL, None),
    ("one of four", Facts(customers=3, known=4, lost=1), USUAL, SHRUNKEN),
    ("new ones do not hide it", Facts(customers=500, known=100, lost=21), USUAL, SHRUNKEN),
    ("nobody was known", Facts(customers=5), USUAL, None),
    ("0 %: none may be lost", Facts(customers=999, known=1000, lost=1), limits(shrink=0), SHRUNKEN),
    ("0 %, none lost", Facts(customers=1000, known=1000), limits(shrink=0), None),
    ("100 %: all may be lost", Facts(customers=1, known=100, lost=100), limits(shrink=100), None),
    # many closes at once
    ("nothing to close", Facts(recent=1000), limits(0, 0), None),
    ("as many as always allowed", Facts(closes=10, opened=10), USUAL, None),
    ("one more", Facts(closes=11, opened=11), USUAL, MASS),
    ("exactly a fifth closed", Facts(closes=20, opened=100), USUAL, None),
    ("one more than a fifth closed", Facts(closes=21, opened=100), USUAL, MASS),
    ("a fifth of 104 is less than 21", Facts(closes=21, opened=104), USUAL, MASS),
    ("a fifth of 105 is 21", Facts(closes=21, opened=105), USUAL, None),
    ("none always allowed, within the share", Facts(closes=1, opened=5), limits(least=0), None),
    ("none always allowed, beyond it", Facts(closes=1, opened=4), limits(least=0), MASS),
    ("0 % and none: no close at all", Facts(closes=1, opened=10_000), limits(0, 0), MASS),
    ("0 %, one allowed", Facts(closes=1, opened=10_000), limits(0, 1), None),
    ("100 %: all of them", Facts(closes=100, opened=100), limits(100, 0), None),
    ("drift passes closed some: still within", Facts(closes=4, recent=6, opened=10), USUAL, None),
    ("drift passes closed some: one beyond", Facts(closes=5, recent=6, opened=10), USUAL, MASS),
    ("drift passes used it up", Facts(closes=1, recent=10, opened=10), USUAL, MASS),
    # the first to speak
    ("empty before all", Facts(customers=0, known=100, lost=100, closes=100, opened=100), USUAL, EMPTY),
    ("shrunken before many closes", Facts(customers=1, known=100, lost=99, closes=99, opened=100), USUAL, SHRUNKEN),
]


@pytest.mark.parametrize(("facts", "limit", "said"), [row[1:] for row in LIMITS], ids=[row[0] for row in LIMITS])
def test_limit(facts: Facts, limit: Limits, said: Reason | None) -> None:
    """The guards speak beyond their limit, and are silent at it."""
    assert first_objection(facts, limit) is said


def test_every_guard_has_a_case() -> None:
    """What the guards can say is what waits for approval, and each is seen above, and silent."""
    assert {said for *_, said in LIMITS} - {None} == guards.HOLDING
    assert len(guards.GUARDS) == len(guards.HOLDING)
    for one in guards.GUARDS:
        assert {one(facts, limit) is None for _, facts, limit, _ in LIMITS} == {True, False}


def customer(ref: str, *connections: Connection, reason: Reason = Reason.ELIGIBLE, **fields: Any) -> Decision:
    """The decision on a customer with connections of its own."""
    return decide(subject(*connections, reason=reason, customer_ref=ref, fingerprint=print_of(ref), **fields))


def gone(number: int, **fields: Any) -> Decision:
    """A customer whose connection is to be closed."""
    ref = f"gone-{number}"
    return customer(ref, connection(f"c-{number}", ref), reason=Reason.SUSPENDED, **fields)


def plan(closes: int, kept: int = 0) -> tuple[Decision, ...]:
    """A plan with so many closes, so many connections to keep, and one to establish."""
    keeps = (customer(f"kept-{n}", connection(f"k-{n}", f"kept-{n}")) for n in range(kept))
    return (*map(gone, range(closes)), *keeps, customer("new"))


def held(decisions: tuple[Decision, ...]) -> list[Reason]:
    """Why closes are held."""
    return [decision.action.reason for decision in decisions if isinstance(decision.action, Hold)]


@pytest.mark.parametrize(
    ("closes", "kept", "recent", "all_held"),
    [(10, 0, 0, False), (11, 0, 0, True), (20, 80, 0, False), (20, 79, 0, True), (8, 0, 2, False), (8, 0, 3, True)],
)
def test_guard(closes: int, kept: int, recent: int, all_held: bool) -> None:  # noqa: FBT001 - a column
    """Every close of the pass is held, or none; what is to be opened is opened all the same."""
    before = plan(closes, kept)
    after = guard(before, Facts(customers=1, recent=recent), USUAL)
    assert held(after) == [MASS] * closes * all_held
    assert isinstance(after[-1].action, Establish)
    assert all_held or after == before


@pytest.mark.parametrize("facts", [Facts(customers=0), Facts(customers=1, known=4, lost=1)], ids=["empty", "shrunken"])
def test_one_close_is_held_where_the_database_is_in_doubt(facts: Facts) -> None:
    """Few closes are no excuse: who is gone may be there."""
    assert len(held(guard(plan(1), facts, USUAL))) == 1


def test_approved_closes_go_on() -> None:
    """What a person has approved is neither held nor counted; what is not in the list is both."""
    approved = {token(f"gone-{number}", f"c-{number}") for number in range(12)}
    for facts in (Facts(customers=0), Facts(customers=1, known=9, lost=9), Facts(customers=1)):
        assert held(guard(plan(12), facts, USUAL, approved)) == []
    assert held(guard(plan(22), Facts(customers=1), USUAL, approved)) == []
    assert held(guard(plan(23), Facts(customers=1), USUAL, approved)) == [MASS] * 11
    assert held(guard(plan(13), Facts(customers=0), USUAL, approved)) == [EMPTY]


def test_a_close_is_approved_whole() -> None:
    """A second connection that came after the approval is not in the list, so neither is closed."""
    two = customer("gone", connection("c-0", "gone"), connection("c-1", "gone"), reason=Reason.REMOVED)
    for approved, reasons in (
        ({token("gone", "c-0")}, [EMPTY]),
        ({token("gone", "c-0"), token("gone", "c-1")}, []),
        ({token("other", "c-0"), token("other", "c-1")}, [EMPTY]),
    ):
        assert held(guard((two,), Facts(customers=0), USUAL, approved)) == reasons


PERSONS: Final = [
    gone(0, pins=pinned(PinMode.DISCONNECT)),
    customer("on", connection("c-1", "on", fingerprint=print_of("x")), pins=pinned(PinMode.CONNECT)),
    customer("two", connection("c-2", "two"), connection("c-3", "two"), pins=pinned(PinMode.CONNECT)),
    customer("taken back", connection("c-4", "taken back"), reason=Reason.DECLARATION_DELETED),
]


@pytest.mark.parametrize("decision", PERSONS, ids=lambda decision: f"{decision.name}: {decision.action.kind}")
def test_a_persons_close(decision: Decision) -> None:
    """No guard holds or counts it, but every policy does hold it (design section 3: never held)."""
    assert decision.closes
    assert counted([decision]) == (0, len(decision.subject.open))
    for facts in (Facts(customers=0), Facts(customers=1, recent=1000)):
        assert guard((decision,), facts, limits(0, 0)) == (decision,)
    for policy, reason in ((Policy.UPSERT_ONLY, Reason.POLICY_UPSERT_ONLY), (Policy.OBSERVE, Reason.POLICY_OBSERVE)):
        assert held(restrain([decision], policy)) == [reason]
    assert restrain([decision], Policy.FULL) == (decision,)


def test_persons_closes_do_not_use_up_the_limit() -> None:
    """A hundred pins leave the ten that are always allowed to the operator."""
    pins = tuple(gone(number, pins=pinned(PinMode.DISCONNECT)) for number in range(100, 200))
    assert held(guard((*pins, *plan(10)), Facts(customers=1), limits(close=0))) == []
    assert held(guard((*pins, *plan(11)), Facts(customers=1), limits(close=0))) == [MASS] * 11


ours, others = connection("c-1"), connection("c-2", fingerprint=print_of("old"))
pending, failed = connection("p-1", state=PENDING), connection("f-1", state=FAILED)

COUNTED: Final = [
    ("kept", subject(ours), Keep, False, (0, 1)),
    ("closed", subject(ours, reason=Reason.SUSPENDED), Close, True, (1, 1)),
    ("closed, pending", subject(pending, reason=Reason.SUSPENDED), Close, True, (1, 1)),
    ("closed, failed", subject(failed, reason=Reason.SUSPENDED), Close, True, (1, 1)),
    ("closed, three", subject(ours, pending, failed, reason=Reason.REMOVED), Close, True, (3, 3)),
    ("hash changed", subject(others), Replace, True, (1, 1)),
    ("pending with another hash", subject(replace(others, state=PENDING)), Replace, False, (0, 1)),
    ("failed", subject(failed), Replace, False, (0, 1)),
    ("stuck", subject(pending, stuck="p-1"), Replace, False, (0, 1)),
    ("two connected", subject(ours, connection("c-0")), Trim, True, (1, 2)),
    ("connected and failed", subject(ours, failed), Trim, False, (0, 2)),
    ("connected and pending", subject(ours, pending), Trim, False, (0, 2)),
    ("two connected, one failed", subject(ours, connection("c-0"), failed), Trim, True, (2, 3)),
    ("to be watched", subject(pending), Watch, False, (0, 1)),
    ("nothing open", subject(connection(state=DISCONNECTED)), Establish, False, (0, 0)),
    ("F1.3's", subject(manual(), reason=Reason.SUSPENDED), Keep, False, (0, 0)),
]


@pytest.mark.parametrize(
    ("found", "action", "cuts", "numbers"), [row[1:] for row in COUNTED], ids=[row[0] for row in COUNTED]
)
def test_counted(found: Any, action: type, cuts: bool, numbers: tuple[int, int]) -> None:  # noqa: FBT001 - a column
    """What cuts somebody off counts, with all it closes; putting afresh what never was connected does not."""
    decision = decide(found)
    assert isinstance(decision.action, action)
    assert cuts_off(decision.action) is cuts
    assert counted([decision]) == numbers


def test_what_is_held_counts_no_more() -> None:
    """A close that is held already, by an earlier guard or the policy, is none."""
    decision = decide(subject(ours, reason=Reason.SUSPENDED))
    assert counted([hold(decision, EMPTY)]) == (0, 1)
    assert hold(hold(decision, EMPTY), MASS) == hold(decision, EMPTY)
    keep = decide(subject(ours))
    assert hold(keep, EMPTY) is not keep
    assert hold(keep, EMPTY) == keep


def test_a_pass_over_few_is_measured_by_all() -> None:
    """Where the plan is about some customers only, the share is of all open connections."""
    assert held(guard(plan(11), Facts(), USUAL)) == [MASS] * 11
    assert held(guard(plan(11), Facts(), USUAL, opened=55)) == []
    assert held(guard(plan(11, kept=44), Facts(), USUAL, opened=0)) == [MASS] * 11


def test_an_empty_plan() -> None:
    """Nothing to do is nothing to hold."""
    assert guard((), Facts(customers=0), USUAL) == decide_all([])
