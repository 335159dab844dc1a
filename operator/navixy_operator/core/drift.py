"""What of a plan a drift pass carries out, and what it leaves to the next cycle (design sections 3 and 4).

| what is due                                   | a drift pass                                                  |
|-----------------------------------------------|---------------------------------------------------------------|
| anything for a connection without a resource  | reports it: only a cycle may close it                         |
| a close that a guard holds since the last one | holds it, until it is approved or judged anew                 |
| establishing what failed before               | leaves it; with ``retry.failed: Backoff`` tries less and less |
| closing what could not be closed before       | tries less and less                                           |
| anything else                                 | does it                                                       |
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from navixy_operator.core.actions import Close, Replace
from navixy_operator.core.conditions import find
from navixy_operator.core.guards import cuts_off, hold, restrain
from navixy_operator.core.plan import Decision
from navixy_operator.core.projection import held_by, ready_reason
from navixy_operator.core.vocabulary import Condition, ConnectionState, Policy, Reason
from navixy_operator.core.wishes import BY_A_PERSON

FIRST_PAUSE: Final = timedelta(minutes=1)
LONGEST_PAUSE: Final = timedelta(hours=1)
_FAILED: Final = frozenset({Reason.ESTABLISH_FAILED, Reason.CLOSE_FAILED})


@dataclass(frozen=True, slots=True)
class Attempts:
    """How often drift passes have tried one customer in vain, and when they may try again."""

    count: int
    not_before: datetime


def pause_after(attempts: Attempts | None, now: datetime, share: float, *, first: timedelta = FIRST_PAUSE) -> Attempts:
    """One more failure: the pause doubles, from ``first`` to an hour. ``share`` from 0 to 1 draws its second half."""
    count = 0 if attempts is None else attempts.count
    longest = min(LONGEST_PAUSE, first * 2 ** min(count, 16))
    return Attempts(count + 1, now + longest * (0.5 + share / 2))


def within_drift(decision: Decision, status: Mapping[str, Any], *, due: bool, soon: bool, policy: Policy) -> Decision:
    """The decision as a drift pass carries it out. ``due``: its pause is over; ``soon``: ``retry.failed: Backoff``.

    What a person has just asked for is done at once: where the status does not speak of this pin, or deletion, yet.
    """
    subject = decision.subject
    if not subject.has_resource:
        return hold(decision, Reason.NEXT_CYCLE)
    if decision.reason in BY_A_PERSON and not _told(decision, status):
        return decision
    if cuts_off(decision.action) and decision.reason not in BY_A_PERSON:
        guard = held_by(status)
        if guard is not None:
            return hold(decision, guard)
    if failed_before(decision, status) and not (due and (soon or isinstance(decision.action, Close))):
        (bound,) = restrain((decision,), policy)  # what the policy holds is not left to the next cycle
        return hold(bound, Reason.NEXT_CYCLE)
    return decision


def failed_before(decision: Decision, status: Mapping[str, Any]) -> bool:
    """Whether what is due now was tried in vain, or is what is left of a connection that failed."""
    if isinstance(decision.action, Close):
        return ready_reason(status) is Reason.CLOSE_FAILED
    if not decision.opens:
        return False
    best = decision.subject.current
    broken = isinstance(decision.action, Replace) and best is not None and best.state is not ConnectionState.CONNECTED
    return broken or ready_reason(status) in _FAILED


def _told(decision: Decision, status: Mapping[str, Any]) -> bool:
    """Whether the status speaks of this very word already, so that a failure in it is one of carrying it out."""
    if decision.reason is Reason.DECLARATION_DELETED:
        verdict = find(status.get("conditions", ()), Condition.ELIGIBLE)
        return verdict is not None and verdict["reason"] == Reason.DECLARATION_DELETED
    pin = decision.subject.pin
    told = {key: value for key, value in (status.get("pin") or {}).items() if key != "insteadOf"}
    return pin is not None and told == pin.to_status()
