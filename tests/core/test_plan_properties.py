"""What holds for the plan of any world: it comes to rest, and never does harm."""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from random import Random

from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.api.customer import NavixyCustomerStatus
from navixy_operator.core import guards
from navixy_operator.core.actions import Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.guards import Facts, Limits, cuts_off, first_objection, hold_all, hold_closes, restrain
from navixy_operator.core.model import Connection, CustomerRow
from navixy_operator.core.outcome import settle
from navixy_operator.core.plan import Decision, decide_all
from navixy_operator.core.roster import Known, subjects
from navixy_operator.core.status import customer_status
from navixy_operator.core.validation import validate
from navixy_operator.core.vocabulary import ConnectionState, Origin, Outcome, PinMode, Policy, Reason
from navixy_operator.core.wishes import BY_A_PERSON, CONTRADICTORY
from support import strategies
from support.builders import CONNECTED, NOW, PENDING, snapshot_of
from support.f11_model import carry_out
from support.models import fits
from support.strategies import quick

World = tuple[list[CustomerRow], Mapping[str, Known], list[Connection]]

worlds = st.tuples(strategies.rows(), strategies.known, strategies.connections())


def plan_of(snapshot: Snapshot, known: Mapping[str, Known], connections: Sequence[Connection]) -> tuple[Decision, ...]:
    """The plan, before guards and policy."""
    return decide_all(subjects(snapshot, known, connections))


def plan(world: World) -> tuple[Decision, ...]:
    """The plan of a world."""
    rows, known, connections = world
    return plan_of(snapshot_of(rows), known, connections)


@quick
@given(worlds)
def test_a_plan_carried_out_leaves_nothing_to_do(world: World) -> None:
    """Apply the plan to F1.1, plan again: only Keep, and no discrepancy but hashes that F1.1 refuses."""
    rows, known, connections = world
    after = carry_out(plan(world), connections)
    again = plan((rows, known, after))
    assert [decision.action for decision in again] == [Keep()] * len(again)
    assert all(decision.reason is Reason.HASH_REJECTED for decision in again if decision.discrepancy)


@quick
@given(worlds)
def test_a_plan_carried_out_passes_validation(world: World) -> None:
    """AC7: counts and members agree afterwards, unless F1.1 refuses somebody's hash."""
    first, connections = plan(world), world[2]
    after = carry_out(first, connections)
    settled = [settle(decision, tuple(c for c in after if belongs(c, decision)), None) for decision in first]
    refused = any(decision.reason is Reason.HASH_REJECTED for decision in first)
    assert validate(settled).passed or refused


def belongs(connection: Connection, decision: Decision) -> bool:
    """Whether the connection is the decision's subject's."""
    if decision.subject.customer_ref is None:
        return connection.id in {c.id for c in decision.subject.connections}
    return connection.customer_ref == decision.subject.customer_ref


@quick
@given(worlds)
def test_every_connection_and_customer_is_decided_once(world: World) -> None:
    """Nobody is forgotten, nobody is decided twice."""
    rows, known, connections = world
    found = plan(world)
    refs = [d.subject.customer_ref for d in found if d.subject.customer_ref is not None]
    assert sorted(refs) == sorted(set(refs))
    assert set(refs) >= {*snapshot_of(rows).customers, *known}
    assert sorted(c.id for d in found for c in d.subject.connections) == sorted(c.id for c in connections)


@quick
@given(worlds)
def test_nothing_is_opened_for_who_is_not_eligible(world: World) -> None:
    """Establish, Replace, Trim and Watch are for the eligible and those pinned so, with a hash that is not refused."""
    for decision in plan(world):
        pin = decision.subject.pin
        if isinstance(decision.action, Establish | Replace | Trim | Watch):
            assert decision.subject.verdict.eligible if pin is None else pin.mode is PinMode.CONNECT
        if decision.opens:
            assert decision.subject.has_hash
            assert decision.subject.fingerprint is not None
            assert decision.subject.refused != decision.subject.fingerprint


@quick
@given(worlds)
def test_a_pin_is_the_persons(world: World) -> None:
    """AC13: hold leaves all as it is, disconnect never opens, connect closes only to open or to leave the best one."""
    for decision in plan(world):
        pin, action = decision.subject.pin, decision.action
        assert (decision.without_pin is None) is (pin is None)
        match None if pin is None else pin.mode:
            case PinMode.HOLD:
                assert (action, decision.as_it_is) == (Keep(), True)
            case PinMode.DISCONNECT:
                assert isinstance(action, Keep | Close)
            case PinMode.CONNECT if decision.reason is Reason.PINNED:
                assert not isinstance(action, Close)


@quick
@given(worlds)
def test_no_eligible_customer_is_cut_off(world: World) -> None:
    """An eligible customer is never closed; the only right connection stays; Trim keeps a connected one if there is.

    But one that cycles have watched in vain is put afresh.
    """
    for decision in plan(world):
        if not decision.subject.verdict.eligible or decision.subject.pin is not None:
            continue
        assert not isinstance(decision.action, Close)
        opened = decision.subject.open
        right = [c for c in opened if decision.subject.same_hash(c) and c.state is not ConnectionState.FAILED]
        if len(opened) == 1 and right:
            stuck = right[0].state is PENDING and right[0].id == decision.subject.stuck
            assert bool(decision.closes) is stuck
        if isinstance(decision.action, Trim):
            assert (decision.action.keep.state is CONNECTED) is any(c.state is CONNECTED for c in opened)
            assert decision.action.keep in right
            assert {decision.action.keep, *decision.action.connections} == set(opened)


@quick
@given(worlds)
def test_what_a_person_opened_is_never_closed(world: World) -> None:
    """AC13: no close touches a connection of manual origin, nor its customer's others."""
    for decision in plan(world):
        if any(c.origin is Origin.MANUAL and c.is_open for c in decision.subject.connections):
            assert decision.action == Keep()
        assert all(c.origin is Origin.AUTOMATIC for c in decision.closes)


@quick
@given(worlds)
def test_bad_data_cuts_nobody_off(world: World) -> None:
    """Contradictory records, and customers who may be a nameless row, are left as they are, but for a person's word."""
    rows, known, _ = world
    snapshot = snapshot_of(rows)
    for decision in plan(world):
        ref = decision.subject.customer_ref
        if decision.reason in BY_A_PERSON:
            continue
        if decision.subject.verdict.reason in CONTRADICTORY:
            assert decision.action == Keep()
        if ref in known and ref not in snapshot.customers and any(o.fingerprint is None for o in snapshot.orphans):
            assert decision.action == Keep()


@quick
@given(worlds, st.randoms(use_true_random=False))
def test_order_does_not_matter(world: World, random: Random) -> None:
    """Rows, connections and resources in another order give the same decisions in the same words."""
    rows, known, connections = (list(world[0]), dict(world[1]), list(world[2]))
    random.shuffle(rows)
    random.shuffle(connections)
    again = plan((rows, dict(reversed(known.items())), connections))
    assert {said(decision) for decision in plan(world)} == {said(decision) for decision in again}


def said(decision: Decision) -> tuple[object, ...]:
    """A decision without the order of its subject's connections."""
    subject = decision.subject
    own = subject.customer_ref or tuple(c.id for c in subject.connections)
    return own, decision.desired, decision.reason, decision.message, decision.action, decision.discrepancy


@quick
@given(worlds, st.sampled_from([Reason.EMPTY_DATABASE, Reason.POLICY_UPSERT_ONLY]))
def test_held_closes_cut_nobody_off(world: World, reason: Reason) -> None:
    """A guard leaves no action that cuts off, and holds nothing else; what is held can be seen whole.

    What a person asked for is not the guard's to hold.
    """
    before = plan(world)
    for old, new in zip(before, hold_closes(before, reason), strict=True):
        if old.reason in BY_A_PERSON:
            assert new is old
            continue
        assert not isinstance(new.action, Close)
        assert not any(c.state is CONNECTED for c in new.closes)
        if cuts_off(old.action):
            assert isinstance(new.action, Hold)
            assert (new.action.instead_of, new.action.reason) == (old.action, reason)
        else:
            assert new is old


@quick
@given(worlds)
def test_policies(world: World) -> None:
    """Full does all, UpsertOnly cuts nobody off, Observe does nothing, persons or not; none changes the findings."""
    before = plan(world)
    assert restrain(before, Policy.FULL) == before
    for decision in restrain(before, Policy.UPSERT_ONLY):
        assert not isinstance(decision.action, Close)
        assert not any(c.state is CONNECTED for c in decision.closes)
    assert all(isinstance(d.action, Keep | Hold) for d in restrain(before, Policy.OBSERVE))
    for policy in Policy:
        after = restrain(before, policy)
        assert [(d.subject, d.desired, d.reason, d.discrepancy) for d in after] == [
            (d.subject, d.desired, d.reason, d.discrepancy) for d in before
        ]


@quick
@given(strategies.known, strategies.connections())
def test_an_empty_database_holds_every_close(known: Mapping[str, Known], connections: list[Connection]) -> None:
    """No customer at all is taken for a fault: the guard speaks, and nothing but what a person asked touches F1.1."""
    objection = first_objection(Facts(customers=0, known=len(known)), Limits())
    assert objection is Reason.EMPTY_DATABASE
    decisions = hold_closes(plan_of(snapshot_of([]), known, connections), objection)
    assert all(isinstance(decision.action, Keep | Hold) or decision.reason in BY_A_PERSON for decision in decisions)
    assert not any(decision.opens for decision in decisions)


def test_a_database_with_customers_holds_nothing() -> None:
    """One customer is enough for the guard on an empty database."""
    assert first_objection(Facts(customers=1, known=100), Limits()) is None
    assert guards.GUARDS


@quick
@given(worlds)
def test_the_first_hold_stays(world: World) -> None:
    """A close that a guard holds is still the guard's after the policy and a dry run have spoken."""
    held = hold_closes(plan(world), Reason.EMPTY_DATABASE)
    for old, new in zip(held, hold_all(restrain(held, Policy.UPSERT_ONLY), Reason.DRY_RUN), strict=True):
        if isinstance(old.action, Hold):
            assert new.action == old.action


@quick
@given(worlds)
def test_a_world_at_rest_is_written_once(world: World) -> None:
    """Whatever the world, statuses fit the model, and the same world again changes nothing but failures counted."""
    for decision in plan(world):
        settled = settle(decision, decision.subject.connections, None)
        first = customer_status({}, settled, cycle="one", generation=1, now=NOW)
        again = customer_status(first, settled, cycle="two", generation=1, now=NOW + timedelta(days=1))
        assert fits(NavixyCustomerStatus, first)
        assert again == first or settled.outcome is Outcome.FAILED
