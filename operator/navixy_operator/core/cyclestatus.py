"""The statuses of a SyncCycle and of its NavixySync, computed (design section 2)."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.conditions import MAX_MESSAGE, condition, find, merge, timestamp
from navixy_operator.core.vocabulary import Condition, Phase, Reason


@dataclass(frozen=True, slots=True)
class Ending:
    """How a cycle ended: ``details`` are the report's fields of a SyncCycle's status, empty where it failed early."""

    phase: Phase
    reason: Reason
    message: str
    details: Mapping[str, Any] = field(default_factory=dict)

    @property
    def counts(self) -> Mapping[str, int]:
        """The counts, if the cycle came that far."""
        found: Mapping[str, int] = self.details.get("counts", {})
        return found

    @property
    def in_sync(self) -> bool:
        """Whether the validation found nothing wrong."""
        return bool(self.details.get("validation", {}).get("passed"))


_DATABASE: Final = frozenset({Reason.DATABASE_UNAVAILABLE, Reason.DATABASE_URL_INVALID, Reason.DATABASE_QUERY_FAILED})
_FORWARDING: Final = frozenset(
    {Reason.FORWARDING_UNAVAILABLE, Reason.FORWARDING_UNAUTHORIZED, Reason.FORWARDING_PROTOCOL_ERROR}
)
_PASSING: Final = frozenset(
    {Reason.DATABASE_UNAVAILABLE, Reason.FORWARDING_UNAVAILABLE, Reason.KUBERNETES_UNAVAILABLE, Reason.INTERRUPTED}
)
"""Failures that time mends: the next cycle tries again, so nothing is stalled."""
_LAST: Final = ("phase", "reason", "message", "startTime", "completionTime", "durationSeconds")
"""What a NavixySync tells of its last cycle, beside its name and counts."""
_OF_COMPLETED: Final = frozenset({Condition.IN_SYNC, Condition.CLOSES_HELD})
"""What only a cycle that comes to its end can say anew."""
_OF_THE_MOMENT: Final = frozenset({Condition.READY, Condition.RECONCILING, Condition.STALLED})


def cycle_waiting(previous: Mapping[str, Any], reason: Reason, message: str) -> dict[str, Any]:
    """A SyncCycle that cannot begin yet, and why."""
    return {**previous, "phase": Phase.PENDING.value, "reason": reason.value, "message": message[:MAX_MESSAGE]}


def cycle_started(previous: Mapping[str, Any], *, generation: int, now: datetime) -> dict[str, Any]:
    """A SyncCycle that has begun."""
    message = "the cycle is running"
    current = (
        condition(Condition.READY, status=False, reason=Reason.IN_PROGRESS, message=message),
        condition(Condition.RECONCILING, status=True, reason=Reason.IN_PROGRESS, message=message),
    )
    return {
        "phase": Phase.IN_PROGRESS.value,
        "reason": Reason.IN_PROGRESS.value,
        "message": message,
        "startTime": timestamp(now),
        "observedGeneration": generation,
        "conditions": merge(previous.get("conditions", ()), current, generation=generation, now=now),
    }


def cycle_ended(
    previous: Mapping[str, Any], ending: Ending, *, generation: int, now: datetime, seconds: float
) -> dict[str, Any]:
    """A SyncCycle with its report."""
    current = [
        condition(Condition.READY, status=ending.phase is Phase.COMPLETED, reason=ending.reason, message=ending.message)
    ]
    if ending.phase is Phase.FAILED:
        current.append(condition(Condition.STALLED, status=True, reason=ending.reason, message=ending.message))
    if held := ending.details.get("heldCloses"):
        current.append(_held(held))
    return {
        "phase": ending.phase.value,
        "reason": ending.reason.value,
        "message": ending.message[:MAX_MESSAGE],
        "startTime": previous.get("startTime", timestamp(now)),
        "completionTime": timestamp(now),
        "durationSeconds": round(seconds, 3),
        "observedGeneration": generation,
        **ending.details,
        "conditions": merge(previous.get("conditions", ()), current, generation=generation, now=now),
    }


def sync_started(previous: Mapping[str, Any], cycle: str, *, generation: int, now: datetime) -> dict[str, Any]:
    """A NavixySync whose cycle is running; what the last one found stays until this one ends."""
    conditions = list(previous.get("conditions", ()))
    running = condition(
        Condition.RECONCILING,
        status=True,
        reason=Reason.IN_PROGRESS,
        message="a cycle is running; activeCycle names it",
    )
    kept = [entry for entry in conditions if entry["type"] != Condition.RECONCILING]
    return {
        **previous,
        "phase": Phase.IN_PROGRESS.value,
        "activeCycle": cycle,
        "conditions": merge(conditions, [*kept, running], generation=generation, now=now),
    }


def sync_ended(  # noqa: PLR0913 - facts of two resources
    previous: Mapping[str, Any],
    cycle: str,
    cycle_status: Mapping[str, Any],
    ending: Ending,
    *,
    generation: int,
    now: datetime,
    persistent: int = 2,
) -> dict[str, Any]:
    """A NavixySync after a cycle: what was known of counts stays known where the cycle failed.

    ``persistent``: discrepancies that last for more cycles than that are said to persist (``spec.alerts``).
    """
    last = {key: cycle_status[key] for key in _LAST}
    status = {
        **{key: value for key, value in previous.items() if key != "activeCycle"},
        "phase": ending.phase.value,
        "lastCycle": {"name": cycle, **last, **({"counts": dict(ending.counts)} if ending.counts else {})},
        "observedGeneration": generation,
    }
    if ending.phase is Phase.COMPLETED:
        status |= {key: ending.counts[key] for key in ("expected", "actual")}
        status["discrepancies"] = ending.counts["unresolved"]
        status["suspendedConnected"] = ending.counts["suspendedRemaining"]
        status["lastSuccessfulTime"] = timestamp(now)
        status = _carried(status, ending, now)
    persists = status.get("discrepantCycles", 0) > persistent
    before = previous.get("conditions", ())
    current = _sync_conditions(previous, ending, persists=persists)
    status["conditions"] = merge(before, current, generation=generation, now=now)
    return status


def _carried(status: dict[str, Any], ending: Ending, now: datetime) -> dict[str, Any]:
    """For how many cycles there have been discrepancies, carried from cycle to cycle (AC11)."""
    if ending.in_sync:
        return {key: value for key, value in status.items() if key not in {"discrepantCycles", "discrepantSince"}}
    since = status.get("discrepantSince", timestamp(now))
    return {**status, "discrepantCycles": status.get("discrepantCycles", 0) + 1, "discrepantSince": since}


def sync_resting(
    previous: Mapping[str, Any],
    *,
    stalled: tuple[Reason, str] | None,
    next_time: datetime | None,
    generation: int,
    now: datetime,
) -> dict[str, Any]:
    """A NavixySync between cycles: when the next is due, or what keeps it from ever running (``stalled``)."""
    status = {key: value for key, value in previous.items() if key not in {"activeCycle", "nextScheduleTime"}}
    status["observedGeneration"] = generation
    if next_time is not None:
        status["nextScheduleTime"] = timestamp(next_time)
    conditions = list(previous.get("conditions", ()))
    if stalled is not None:
        reason, message = stalled
        kept = [c for c in conditions if c["type"] not in _OF_THE_MOMENT]
        current = [
            *kept,
            condition(Condition.READY, status=False, reason=reason, message=message),
            condition(Condition.STALLED, status=True, reason=reason, message=message),
        ]
        status["phase"] = Phase.FAILED.value
    elif _was_stalled(conditions) or not _is_judged(conditions) or previous.get("phase") == Phase.IN_PROGRESS:
        kept = [c for c in conditions if c["type"] not in _OF_THE_MOMENT]
        message = "accepted; the schedule, or a SyncCycle made by hand, starts the next cycle"
        current = [*kept, condition(Condition.READY, status=True, reason=Reason.NOT_YET_RUN, message=message)]
        status["phase"] = Phase.PENDING.value
    else:
        current = conditions
    status["conditions"] = merge(conditions, current, generation=generation, now=now)
    return status


def _is_judged(conditions: list[Mapping[str, Any]]) -> bool:
    """Whether anything has been said of ``Ready`` yet."""
    return find(conditions, Condition.READY) is not None


def _was_stalled(conditions: list[Mapping[str, Any]]) -> bool:
    stalled = find(conditions, Condition.STALLED)
    lasting = {Reason.INVALID_SPEC, Reason.FORWARDING_SHARED}
    return stalled is not None and stalled["reason"] in lasting


def _sync_conditions(previous: Mapping[str, Any], ending: Ending, *, persists: bool) -> list[dict[str, Any]]:
    reason, message = ending.reason, ending.message
    completed = ending.phase is Phase.COMPLETED
    current = [condition(Condition.READY, status=completed, reason=reason, message=message)]
    if not completed and reason not in _PASSING:
        current.append(condition(Condition.STALLED, status=True, reason=reason, message=message))
    current += _availability(previous, ending)
    # what others than a cycle's end say stays as they said it
    lasting = {Condition.AUDIT_AVAILABLE} if completed else {Condition.AUDIT_AVAILABLE, *_OF_COMPLETED}
    current += [dict(c) for c in previous.get("conditions", ()) if c["type"] in lasting]
    if not completed:
        return current
    in_sync = ending.in_sync
    problems = "; ".join(ending.details.get("validation", {}).get("messages", ()))
    wrong = Reason.PERSISTENT_DISCREPANCIES if persists else Reason.DISCREPANCIES
    why = Reason.SYNCHRONIZED if in_sync else wrong
    message = problems or "counts and members agree"
    current.append(condition(Condition.IN_SYNC, status=in_sync, reason=why, message=message))
    held = ending.details.get("heldCloses")
    none = condition(Condition.CLOSES_HELD, status=False, reason=Reason.NONE_HELD, message="no close is held")
    return [*current, _held(held) if held else none]


def _availability(previous: Mapping[str, Any], ending: Ending) -> list[dict[str, Any]]:
    """Which of the two outside systems answered: what a failed cycle did not get to ask stays as it was known."""
    found: list[dict[str, Any]] = []
    kinds = ((Condition.DATABASE_AVAILABLE, _DATABASE), (Condition.FORWARDING_AVAILABLE, _FORWARDING))
    for kind, failures in kinds:
        before = find(previous.get("conditions", ()), kind)
        if ending.reason in failures:
            found.append(condition(kind, status=False, reason=ending.reason, message=ending.message))
        elif ending.phase is Phase.COMPLETED or (kind is Condition.DATABASE_AVAILABLE and ending.reason in _FORWARDING):
            found.append(condition(kind, status=True, reason=Reason.AVAILABLE, message="answered in the last cycle"))
        elif before is not None:
            found.append(dict(before))
    return found


def _held(held: Mapping[str, Any]) -> dict[str, Any]:
    message = f"closes are held; the SyncCycle lists them under the digest {held['digest']}"
    return condition(Condition.CLOSES_HELD, status=True, reason=Reason(held["reason"]), message=message)
