"""The NavixySync's status after a drift pass; the same as before where nothing changed (design sections 3 and 4)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from navixy_operator.core.conditions import condition, find, merge, timestamp
from navixy_operator.core.vocabulary import Condition, Reason

WINDOW: Final = timedelta(hours=24)
"""Over which the closes of drift passes are counted together."""
IN_DRIFT: Final = "a drift pass holds closes back: run a cycle, which lists them for approval"


@dataclass(frozen=True, slots=True)
class DriftCounts:
    """What a drift pass left: connections expected and there, customers not as desired, closes that it held.

    ``database``: whether the customer database was asked for hashes, and answered. ``suspended``: suspended or removed
    customers with an open connection.
    """

    expected: int
    actual: int
    unresolved: int
    held: int
    problems: tuple[str, ...] = ()
    database: bool = False
    suspended: int = 0


def recent_closes(status: Mapping[str, Any], now: datetime) -> int:
    """How many connections drift passes cut off within the last 24 hours, by whole hours."""
    return sum(entry["count"] for entry in _recent(status, now))


def closes_noted(status: Mapping[str, Any], count: int, now: datetime) -> dict[str, Any]:
    """The status with closes added that are about to be made: noted first, so that no crash makes them forgotten."""
    hour = timestamp(now.replace(minute=0, second=0, microsecond=0))
    by_hour = {entry["hour"]: entry["count"] for entry in _recent(status, now)}
    by_hour[hour] = by_hour.get(hour, 0) + count
    return {**status, "recentCloses": [{"hour": hour, "count": by_hour[hour]} for hour in sorted(by_hour)]}


def sync_drifted(previous: Mapping[str, Any], counts: DriftCounts, *, generation: int, now: datetime) -> dict[str, Any]:
    """A NavixySync after a drift pass that read F1.1 whole."""
    conditions = previous.get("conditions", ())
    kinds = [Condition.FORWARDING_AVAILABLE, *([Condition.DATABASE_AVAILABLE] if counts.database else [])]
    answered = [condition(kind, status=True, reason=Reason.AVAILABLE, message=_ANSWERED) for kind in kinds]
    current = _replaced(conditions, [*answered, *_in_sync(conditions, counts), *_closes_held(conditions, counts)])
    return {
        **previous,
        "expected": counts.expected,
        "actual": counts.actual,
        "discrepancies": counts.unresolved,
        "suspendedConnected": counts.suspended,
        "conditions": merge(conditions, current, generation=generation, now=now),
    }


def sync_drift_failed(
    previous: Mapping[str, Any], kind: Condition, reason: Reason, message: str, *, generation: int, now: datetime
) -> dict[str, Any]:
    """A NavixySync whose drift pass met an outside system that did not answer: ``kind`` is the condition about it."""
    conditions = previous.get("conditions", ())
    current = _replaced(conditions, [condition(kind, status=False, reason=reason, message=message)])
    return {**previous, "conditions": merge(conditions, current, generation=generation, now=now)}


_ANSWERED: Final = "answered in the last cycle"


def _recent(status: Mapping[str, Any], now: datetime) -> list[Mapping[str, Any]]:
    return [e for e in status.get("recentCloses", ()) if now - datetime.fromisoformat(e["hour"]) < WINDOW + _HOUR]


_HOUR: Final = timedelta(hours=1)
"""An entry is as old as its hour's beginning: it counts until its last close is a day old."""


def _replaced(conditions: Sequence[Mapping[str, Any]], current: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    kinds = {entry["type"] for entry in current}
    return [*(entry for entry in conditions if entry["type"] not in kinds), *current]


def _in_sync(conditions: Sequence[Mapping[str, Any]], counts: DriftCounts) -> list[dict[str, Any]]:
    """What the last cycle said of ``InSync`` stands while it is still so."""
    before = find(conditions, Condition.IN_SYNC)
    wrong = bool(counts.problems)
    if before is not None and (before["status"] == "False") == wrong:
        return []
    reason = Reason.DISCREPANCIES if wrong else Reason.SYNCHRONIZED
    message = "; ".join(counts.problems) or "counts and members agree"
    return [condition(Condition.IN_SYNC, status=not wrong, reason=reason, message=message)]


def _closes_held(conditions: Sequence[Mapping[str, Any]], counts: DriftCounts) -> list[dict[str, Any]]:
    """A drift pass says that it holds closes where no cycle has said so, and takes back only its own word."""
    before = find(conditions, Condition.CLOSES_HELD)
    held = before is not None and before["status"] == "True"
    if counts.held and not held:
        return [condition(Condition.CLOSES_HELD, status=True, reason=Reason.MASS_CLOSE, message=IN_DRIFT)]
    if held and not counts.held and before is not None and before["message"] == IN_DRIFT:
        return [condition(Condition.CLOSES_HELD, status=False, reason=Reason.NONE_HELD, message="no close is held")]
    return []
