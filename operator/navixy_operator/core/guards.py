"""What holds a plan back: the policy, and the guards against harm in bulk (design section 3, Guards).

A guard is a small function of the facts; the first that speaks holds every close of the cycle. Establishes go on.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from typing import Final, assert_never

from navixy_operator.core.actions import Action, Close, Establish, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.model import Connection
from navixy_operator.core.plan import Decision, closes_of
from navixy_operator.core.vocabulary import ConnectionState, Policy, Reason


@dataclass(frozen=True, slots=True)
class Facts:
    """What the guards look at: the customers this poll gave, and the resources that stood before it."""

    customers: int
    known: int


Guard = Callable[[Facts], Reason | None]


def empty_database(facts: Facts) -> Reason | None:
    """A customer database without any Navixy customer is taken for a fault, not for the end of the business."""
    return Reason.EMPTY_DATABASE if facts.customers == 0 else None


# The guards on the share of closes and on a shrunken database take their place here.
GUARDS: Final[tuple[Guard, ...]] = (empty_database,)


def first_objection(facts: Facts) -> Reason | None:
    """The reason to hold every close of this cycle; None: nothing speaks against them."""
    return next((reason for guard in GUARDS if (reason := guard(facts)) is not None), None)


def hold_closes(decisions: Iterable[Decision], reason: Reason) -> tuple[Decision, ...]:
    """The plan with every action held that would cut a connection off."""
    return tuple(
        replace(decision, action=_held(decision.action, reason)) if cuts_off(decision.action) else decision
        for decision in decisions
    )


def restrain(decisions: Iterable[Decision], policy: Policy) -> tuple[Decision, ...]:
    """The plan as far as the policy lets it go."""
    match policy:
        case Policy.FULL:
            return tuple(decisions)
        case Policy.UPSERT_ONLY:
            return hold_closes(decisions, Reason.POLICY_UPSERT_ONLY)
        case Policy.OBSERVE:
            return hold_all(decisions, Reason.POLICY_OBSERVE)
        case never:
            assert_never(never)


def hold_all(decisions: Iterable[Decision], reason: Reason) -> tuple[Decision, ...]:
    """The plan with every action held: what a dry run and the policy ``Observe`` make of it."""
    return tuple(replace(decision, action=_held(decision.action, reason)) for decision in decisions)


def cuts_off(action: Action) -> bool:
    """Whether an action leaves a customer without what there was; putting a failed connection afresh does not."""
    return isinstance(action, Close) or any(_alive(connection) for connection in closes_of(action))


def _alive(connection: Connection) -> bool:
    return connection.state is not ConnectionState.FAILED


def _held(action: Action, reason: Reason) -> Action:
    match action:
        case Keep() | Hold():
            return action
        case Watch() | Establish() | Replace() | Trim() | Close():
            return Hold(action, reason)
        case never:
            assert_never(never)
