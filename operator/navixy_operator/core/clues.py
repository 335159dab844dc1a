"""What speaks for a cause: small functions of the case, each a sentence, or None where nothing does."""

from collections import Counter
from collections.abc import Callable
from typing import Any, Final

from navixy_operator.core.casefile import Case
from navixy_operator.core.guards import HOLDING
from navixy_operator.core.history import PastCycle
from navixy_operator.core.survey import Group
from navixy_operator.core.triggers import REPEATED_CYCLES, always_skipped, leading
from navixy_operator.core.vocabulary import ActionKind, Condition, EventName, Outcome, Policy, Reason, Trigger
from navixy_operator.core.wishes import REQUIREMENTS, SKIPS
from navixy_operator.core.words import cut, listed, number

LONGEST: Final = 400
"""Characters of another's message within a sentence."""
MANY_REPAIRS: Final = 3
"""Drift passes that had to mend something since the cycle before: more often than chance would have it."""
_OPENING: Final = frozenset({ActionKind.ESTABLISH, ActionKind.REPLACE, ActionKind.WATCH})
_CLOSING: Final = frozenset({ActionKind.CLOSE, ActionKind.TRIM})

INCOMPLETE: Final = REQUIREMENTS | {Reason.SECRET_NOT_FOUND}
DUPLICATE: Final = frozenset({Reason.DUPLICATE_HASH})
INCONSISTENT: Final = SKIPS - INCOMPLETE - DUPLICATE
SORTS_OF_SKIP: Final = (INCOMPLETE, DUPLICATE, INCONSISTENT)

Clue = Callable[[Case], str | None]


def failed_with(*reasons: Reason, condition: Condition | None = None) -> Clue:
    """The cycle failed so; with a ``condition``, also that it has kept work from being done since."""
    words = frozenset(reason.value for reason in reasons)

    def clue(case: Case) -> str | None:
        if (failed := case.failure) is not None:
            told = cut(str(failed.status.get("message", "")), LONGEST)
            return f"{failed.name} failed with {failed.reason}: {told}" if failed.reason in words else None
        found = None if condition is None else case.condition(condition)
        if found is None or found["status"] != "False" or found["reason"] not in words:
            return None
        return f"{found['type']} is False since {found['lastTransitionTime']}: {cut(found['message'], LONGEST)}"

    return clue


def interrupted(case: Case) -> str | None:
    """The operator was stopped in the middle of the cycle that failed, or of the one before the one that found much."""
    if (failed := case.failure) is not None:
        stopped = failed.interrupted or failed.reason == Reason.LEADERSHIP_LOST
        return f"the operator was stopped in the middle of {failed.name}" if stopped else None
    before = unfinished_before(case)
    return f"the cycle before, {before[0].name}, was interrupted" if before and before[0].interrupted else None


def observes(case: Case) -> str | None:
    """The policy lets nothing be done."""
    held = case.count("held")
    if case.policy is not Policy.OBSERVE or not held:
        return None
    return f"spec.policy is Observe: {number(held, 'action is', 'actions are')} due, and none is carried out"


def only_upserts(case: Case) -> str | None:
    """The policy lets nothing be closed."""
    count = max(case.survey.unready_for(Reason.POLICY_UPSERT_ONLY).count, case.count("held"))
    if case.policy is not Policy.UPSERT_ONLY or not count:
        return None
    return f"spec.policy is UpsertOnly: {number(count, 'close is', 'closes are')} due, and none is carried out"


def held_by_guard(case: Case) -> str | None:
    """A guard holds closes, of the cycle or of drift passes since."""
    held = held_list(case)
    if held is not None and case.last is not None:
        closes = number(int(held["count"]), "close")
        return f"{case.last.name} holds {closes} for {held['reason']} until a person approves them"
    group = case.survey.unready_for(*sorted(HOLDING))
    return f"a guard holds the closes of {group}" if weighs(case, group.count) else None


def held_list(case: Case) -> dict[str, Any] | None:
    """The closes that the completed cycle holds for approval; None: there are none, or they were approved."""
    held = {} if case.last is None else case.last.status.get("heldCloses", {})
    return dict(held) if held and "approvedAt" not in held else None


def hashes_refused(case: Case) -> str | None:
    """F1.1 says 422 of customers' hashes: for good, until they change."""
    group = case.survey.unready_for(Reason.HASH_REJECTED)
    return f"F1.1 refuses the hashes of {_customers(group)}" if weighs(case, group.count) else None


def establishes_failing(case: Case) -> str | None:
    """F1.1 answers, and connections do not come about."""
    count = case.count("establishFailed")
    if not weighs(case, count):
        return None
    tried = sum(case.count(name) for name in ("established", "establishFailed", "pending"))
    return f"{count} of {number(tried, 'connection')} could not be established{_problems(case, _OPENING)}"


def slow(case: Case) -> str | None:
    """Connections are still pending when the time for them is over."""
    count = case.count("pending")
    if not weighs(case, count):
        return None
    return f"{number(count, 'connection was', 'connections were')} still pending when the cycle ended"


def closes_failing(case: Case) -> str | None:
    """F1.1 answers, and connections stay open."""
    group = case.survey.unready_for(Reason.CLOSE_FAILED)
    count = max(case.count("closeFailed"), group.count)
    if not weighs(case, count):
        return None
    return f"{number(count, 'connection')} could not be closed{_problems(case, _CLOSING)}"


def by_a_person(case: Case) -> str | None:
    """Pins or F1.3 have changed connections while the cycle ran."""
    acts = persons_acts(case)
    return f"people changed connections while the cycle ran, or since: {listed(acts)}" if acts else None


def persons_acts(case: Case) -> list[str]:
    """Customers whom people pinned, or operated on through F1.3, since the completed cycle began."""
    if case.last is None:
        return []
    told = [*case.logbook.of(EventName.PIN_APPLIED), *case.logbook.of(EventName.MANUAL_OPERATION)]
    return sorted({one.customer for one in told if one.customer is not None and one.at >= case.last.began})


def mostly_skipped_for(reasons: frozenset[Reason]) -> Clue:
    """Of those whom each cycle skips, more are skipped for one of these reasons than for any other sort of reason."""

    def clue(case: Case) -> str | None:
        lately = case.facts.completed[:REPEATED_CYCLES]
        why = {ref: lately[0].skips[ref] for ref in always_skipped(lately)}
        those = [ref for ref, reason in why.items() if reason in reasons]
        if not those or len(those) < max(sum(reason in sort for reason in why.values()) for sort in SORTS_OF_SKIP):
            return None
        by_reason = Counter(why[ref] for ref in those)
        told = "; ".join(
            f"{count} for {reason} ({listed([ref for ref in those if why[ref] == reason])})"
            for reason, count in sorted(by_reason.items(), key=lambda entry: (-entry[1], entry[0]))
        )
        return f"skipped again and again: {told}"

    return clue


def customers_changed(case: Case) -> str | None:
    """The customer database has new customers, or other words about the old ones."""
    created, updated = case.count("created"), case.count("updated")
    if not weighs(case, created + updated):
        return None
    return f"since the cycle before, the customer database has {created} new and {updated} changed customers"


def changed_elsewhere(case: Case) -> str | None:
    """Connections that were in order do not stay so: others close or open them, or F1.1 loses them."""
    repairs = case.logbook.page(EventName.DRIFT_REPAIRED)
    if len(repairs.entries) >= MANY_REPAIRS:
        return f"connections do not stay as they are: {repairs.count} drift passes had to mend some"
    lately = case.facts.completed[:REPEATED_CYCLES]
    if len(lately) == REPEATED_CYCLES and all(map(_mended_more_than_changed, lately)):
        return f"each of the last {REPEATED_CYCLES} completed cycles mended connections of customers who did not change"
    return None


def _mended_more_than_changed(cycle: PastCycle) -> bool:
    return cycle.count("established") + cycle.count("closed") > cycle.count("created") + cycle.count("updated")


def backlog(case: Case) -> str | None:
    """Cycles before the one that found much did not come to their end."""
    before = unfinished_before(case)
    reasons = ", ".join(sorted({cycle.reason for cycle in before}))
    failed = number(len(before), "cycle")
    return f"{failed} before it failed ({reasons}): what changed meanwhile was found at once" if before else None


def unfinished_before(case: Case) -> list[PastCycle]:
    """The cycles that did not come to their end, directly before the completed one that the case is about."""
    cycles = case.facts.cycles
    earlier = cycles[cycles.index(case.last) + 1 :] if case.last in cycles else ()
    return list(leading(earlier, lambda cycle: not cycle.completed))


def anything(case: Case) -> str:
    """What is left to say where no rule knows better."""
    if (failed := case.failure) is not None:
        return f"{failed.name} failed with {failed.reason}: {cut(str(failed.status.get('message', '')), LONGEST)}"
    return "nothing that is known of the cycles, the customers and the two services explains it"


def weighs(case: Case, count: int) -> bool:
    """Whether so many explain what was seen: of a high rate, at least half of what was found."""
    if case.trigger is Trigger.HIGH_DISCREPANCY_RATE:
        return count > 0 and 2 * count >= case.count("discrepancies")
    return count > 0


def _customers(group: Group) -> str:
    return f"{number(group.count, 'customer')} ({listed(group.refs, group.count)})"


def _problems(case: Case, kinds: frozenset[ActionKind]) -> str:
    """What F1.1 said of the actions that failed, the commonest first."""
    actions = [] if case.last is None else case.last.status.get("actions", ())
    bad = {Outcome.FAILED.value, Outcome.PENDING.value}
    failed = Counter(
        cut(str(action.get("message", action.get("reason", ""))), LONGEST // 4)
        for action in actions
        if action["action"] in kinds and action.get("outcome") in bad
    )
    told = "; ".join(f"{message} ({count})" for message, count in failed.most_common(3) if message)
    return f": {told}" if told else ""
