"""What probably lies behind a trigger: rules that can be read, the first that matches (spec: Identify Root Cause).

Each rule says which triggers it can explain, and looks for what speaks for it (:mod:`clues`). The last one always
matches. What to do about each cause stands in :mod:`resolutions`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from navixy_operator.core import clues
from navixy_operator.core.casefile import Case
from navixy_operator.core.clues import DUPLICATE, INCOMPLETE, INCONSISTENT, Clue, failed_with, mostly_skipped_for
from navixy_operator.core.vocabulary import Cause, Condition, Reason, Trigger

FAILURE: Final = Trigger.SYNCHRONIZATION_FAILURE
MISMATCH: Final = Trigger.COUNT_MISMATCH
SKIPPED: Final = Trigger.REPEATEDLY_SKIPPED
SUSPENDED: Final = Trigger.SUSPENDED_CONNECTED
RATE: Final = Trigger.HIGH_DISCREPANCY_RATE
FORWARDING: Final = Condition.FORWARDING_AVAILABLE


@dataclass(frozen=True, slots=True)
class Rule:
    """``clue`` is asked about the triggers that the cause ``explains``; what it says speaks for the cause."""

    cause: Cause
    explains: tuple[Trigger, ...]
    clue: Clue


@dataclass(frozen=True, slots=True)
class Conclusion:
    """The probable cause, what speaks for it, and what else might be."""

    cause: Cause
    message: str
    others: tuple[tuple[Cause, str], ...] = ()


RULES: Final[tuple[Rule, ...]] = (
    # nobody answers, or not with what is needed
    Rule(Cause.DATABASE_UNAVAILABLE, (FAILURE,), failed_with(Reason.DATABASE_UNAVAILABLE)),
    Rule(Cause.DATABASE_URL_INVALID, (FAILURE,), failed_with(Reason.DATABASE_URL_INVALID)),
    Rule(Cause.DATABASE_QUERY_FAILED, (FAILURE,), failed_with(Reason.DATABASE_QUERY_FAILED)),
    Rule(
        Cause.FORWARDING_UNAVAILABLE,
        (FAILURE, MISMATCH, SUSPENDED),
        failed_with(Reason.FORWARDING_UNAVAILABLE, condition=FORWARDING),
    ),
    Rule(
        Cause.TOKEN_REFUSED,
        (FAILURE, MISMATCH, SUSPENDED),
        failed_with(Reason.FORWARDING_UNAUTHORIZED, condition=FORWARDING),
    ),
    Rule(
        Cause.FORWARDING_PROTOCOL_ERROR,
        (FAILURE, MISMATCH, SUSPENDED),
        failed_with(Reason.FORWARDING_PROTOCOL_ERROR, condition=FORWARDING),
    ),
    Rule(
        Cause.SECRET_NOT_FOUND,
        (FAILURE, MISMATCH, SUSPENDED),
        failed_with(Reason.SECRET_NOT_FOUND, condition=FORWARDING),
    ),
    Rule(
        Cause.KUBERNETES_TROUBLE,
        (FAILURE,),
        failed_with(Reason.KUBERNETES_UNAVAILABLE, Reason.KUBERNETES_FORBIDDEN),
    ),
    Rule(Cause.APPROVAL_INVALID, (FAILURE,), failed_with(Reason.APPROVAL_INVALID)),
    Rule(Cause.OPERATOR_FAULT, (FAILURE,), failed_with(Reason.INTERNAL_ERROR)),
    # somebody wants it so
    Rule(Cause.POLICY_OBSERVE, (MISMATCH, SUSPENDED, RATE), clues.observes),
    Rule(Cause.CLOSES_HELD, (MISMATCH, SUSPENDED, RATE), clues.held_by_guard),
    Rule(Cause.POLICY_UPSERT_ONLY, (MISMATCH, SUSPENDED, RATE), clues.only_upserts),
    # F1.1 answers, but does not do it
    Rule(Cause.HASHES_REFUSED, (MISMATCH, RATE), clues.hashes_refused),
    Rule(Cause.ESTABLISHES_FAILING, (MISMATCH, RATE), clues.establishes_failing),
    Rule(Cause.FORWARDING_SLOW, (MISMATCH, RATE), clues.slow),
    Rule(Cause.CLOSES_FAILING, (MISMATCH, SUSPENDED, RATE), clues.closes_failing),
    # the customers' data
    Rule(Cause.INCOMPLETE_DATA, (SKIPPED,), mostly_skipped_for(INCOMPLETE)),
    Rule(Cause.DUPLICATE_HASHES, (SKIPPED,), mostly_skipped_for(DUPLICATE)),
    Rule(Cause.CONTRADICTORY_DATA, (SKIPPED,), mostly_skipped_for(INCONSISTENT)),
    # what happened between the cycles, or beside them
    Rule(Cause.OPERATOR_INTERRUPTED, (FAILURE, RATE), clues.interrupted),
    Rule(Cause.BACKLOG, (RATE,), clues.backlog),
    Rule(Cause.CUSTOMERS_CHANGED, (RATE,), clues.customers_changed),
    Rule(Cause.PERSONS_WORD, (MISMATCH,), clues.by_a_person),
    Rule(Cause.CHANGED_ELSEWHERE, (MISMATCH, SUSPENDED, RATE), clues.changed_elsewhere),
    Rule(Cause.UNKNOWN, tuple(Trigger), clues.anything),
)


def conclude(case: Case) -> Conclusion:
    """The first rule that matches, and beside it the others that do. Total, for the last rule always matches."""
    (cause, message), *others = matching(case)
    return Conclusion(cause, message, tuple((other, told) for other, told in others if other is not Cause.UNKNOWN))


def matching(case: Case) -> Iterator[tuple[Cause, str]]:
    """The causes that something speaks for, in the order of the rules."""
    for rule in RULES:
        if case.trigger in rule.explains and (told := rule.clue(case)) is not None:
            yield rule.cause, told
