"""What holds a plan back: the policy, and the guards against harm in bulk (design section 3, Guards).

A guard is a small function of the facts; the first that speaks holds every close of the pass. Establishes go on. What a
person asked for (a pin, the deletion of a declaration) is never held by a guard, and what a person has approved is not
held again.
"""

from collections.abc import Callable, Iterable, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, replace
from typing import Final, assert_never

from navixy_operator.core.actions import Action, Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.approval import token
from navixy_operator.core.plan import Decision, closes_of
from navixy_operator.core.vocabulary import ConnectionState, Origin, Policy, Reason
from navixy_operator.core.wishes import BY_A_PERSON


@dataclass(frozen=True, slots=True)
class Limits:
    """How much may be closed, or missing, before a person is asked (``spec.guards``)."""

    max_close_percent: int = 20
    min_closes: int = 10
    max_shrink_percent: int = 20


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards look at.

    ``customers``: Navixy customers that the poll gave; None where none was made (a drift pass). ``known``: customers
    from the database who had a resource before; ``lost``: those of them the poll does not give. ``closes``: connections
    that would be cut off; ``recent``: those that drift passes cut off within the last 24 hours; ``opened``: open
    automatic connections.
    """

    customers: int | None = None
    known: int = 0
    lost: int = 0
    closes: int = 0
    recent: int = 0
    opened: int = 0


Guard = Callable[[Facts, Limits], Reason | None]


def empty_database(facts: Facts, _: Limits) -> Reason | None:
    """A customer database without any Navixy customer is taken for a fault, not for the end of the business."""
    return Reason.EMPTY_DATABASE if facts.customers == 0 else None


def shrunken_database(facts: Facts, limits: Limits) -> Reason | None:
    """So is one that has lost a large part of them: counted by who is gone, so that new ones do not hide it."""
    return Reason.SHRUNKEN_DATABASE if 100 * facts.lost > limits.max_shrink_percent * facts.known else None


def mass_close(facts: Facts, limits: Limits) -> Reason | None:
    """More closes than are usual, together with what drift passes closed lately."""
    allowed = max(limits.min_closes, limits.max_close_percent * facts.opened / 100)
    return Reason.MASS_CLOSE if facts.closes and facts.closes + facts.recent > allowed else None


GUARDS: Final[tuple[Guard, ...]] = (empty_database, shrunken_database, mass_close)
HOLDING: Final = frozenset({Reason.EMPTY_DATABASE, Reason.SHRUNKEN_DATABASE, Reason.MASS_CLOSE})
"""What the guards say: a close that is held for one of these waits for a person's approval."""


def first_objection(facts: Facts, limits: Limits) -> Reason | None:
    """The reason to hold every close of this pass; None: nothing speaks against them."""
    return next((reason for guard in GUARDS if (reason := guard(facts, limits)) is not None), None)


def guard(
    decisions: tuple[Decision, ...],
    facts: Facts,
    limits: Limits,
    approved: AbstractSet[str] = frozenset(),
    opened: int | None = None,
) -> tuple[Decision, ...]:
    """The plan with its closes held where a guard objects; ``facts`` from before the plan was made.

    ``opened``: open automatic connections, where the plan is not about all of them.
    """
    closes, seen = counted(decisions, approved)
    objection = first_objection(replace(facts, closes=closes, opened=seen if opened is None else opened), limits)
    return decisions if objection is None else hold_closes(decisions, objection, approved)


def counted(decisions: Sequence[Decision], approved: AbstractSet[str] = frozenset()) -> tuple[int, int]:
    """How many connections the plan would cut off without a person's word, and how many automatic ones are open."""
    closes = sum(len(d.closes) for d in decisions if cuts_off(d.action) and not _permitted(d, approved))
    opened = sum(c.origin is Origin.AUTOMATIC for d in decisions for c in d.subject.connections if c.is_open)
    return closes, opened


def hold_closes(
    decisions: Iterable[Decision], reason: Reason, approved: AbstractSet[str] = frozenset()
) -> tuple[Decision, ...]:
    """The plan with every close held that a guard may hold; ``approved`` are the tokens of closes that may go on."""
    return tuple(
        replace(decision, action=_held(decision.action, reason))
        if cuts_off(decision.action) and not _permitted(decision, approved)
        else decision
        for decision in decisions
    )


def restrain(decisions: Iterable[Decision], policy: Policy) -> tuple[Decision, ...]:
    """The plan as far as the policy lets it go; a policy binds pins, too."""
    match policy:
        case Policy.FULL:
            return tuple(decisions)
        case Policy.UPSERT_ONLY:
            return tuple(
                replace(decision, action=_held(decision.action, Reason.POLICY_UPSERT_ONLY))
                if cuts_off(decision.action)
                else decision
                for decision in decisions
            )
        case Policy.OBSERVE:
            return hold_all(decisions, Reason.POLICY_OBSERVE)
        case never:
            assert_never(never)


def hold_all(decisions: Iterable[Decision], reason: Reason) -> tuple[Decision, ...]:
    """The plan with every action held: what a dry run and the policy ``Observe`` make of it."""
    return tuple(replace(decision, action=_held(decision.action, reason)) for decision in decisions)


def hold(decision: Decision, reason: Reason) -> Decision:
    """The decision with its action held."""
    return replace(decision, action=_held(decision.action, reason))


def cuts_off(action: Action) -> bool:
    """Whether an action leaves a customer without what there was.

    Putting a connection afresh that never came about does not.
    """
    return isinstance(action, Close) or any(c.state is ConnectionState.CONNECTED for c in closes_of(action))


def _permitted(decision: Decision, approved: AbstractSet[str]) -> bool:
    if decision.reason in BY_A_PERSON:
        return True
    ref = decision.subject.customer_ref
    return bool(approved) and all(token(ref, connection.id) in approved for connection in decision.closes)


def _held(action: Action, reason: Reason) -> Action:
    match action:
        case Keep() | Hold():
            return action
        case Watch() | Establish() | Replace() | Trim() | Close():
            return Hold(action, reason)
        case never:
            assert_never(never)
