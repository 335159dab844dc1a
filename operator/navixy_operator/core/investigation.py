"""An Investigation's status, computed: from what is seen now, the annotation, and how it stood before (design 2).

| trigger                                | annotation | phase        |
|----------------------------------------|------------|--------------|
| seen                                   | absent     | Open         |
| seen                                   | present    | Acknowledged |
| not seen, but no whole cycle has ended | as above   | as above     |
| not seen by a whole cycle              | either     | Resolved     |
| resolved before                        | either     | Resolved     |

Times are those of cycles, so that looking again changes nothing.
"""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.conditions import MAX_MESSAGE, condition, merge, timestamp
from navixy_operator.core.history import PastCycle
from navixy_operator.core.triggers import Facts, Sighting
from navixy_operator.core.vocabulary import ACKNOWLEDGE, Condition, InvestigationPhase, Reason, Trigger
from navixy_operator.core.words import cut

JSON = Mapping[str, Any]

_REASONS: Final = {
    InvestigationPhase.OPEN: Reason.INVESTIGATION_OPEN,
    InvestigationPhase.ACKNOWLEDGED: Reason.INVESTIGATION_ACKNOWLEDGED,
    InvestigationPhase.RESOLVED: Reason.INVESTIGATION_RESOLVED,
}
BY_HAND: Final = "opened by hand; the trigger is not seen at present"
GONE: Final = "a whole cycle has not shown the trigger any more"


@dataclass(frozen=True, slots=True)
class Report:
    """What was gathered: ``status.evidence``, the probable cause and what speaks for it, what to do about it."""

    evidence: list[dict[str, Any]]
    cause: str
    message: str
    suggestions: tuple[str, ...]

    def to_status(self) -> dict[str, Any]:
        """The fields of a status."""
        return {
            "evidence": self.evidence,
            "probableCause": {"reason": self.cause, "message": cut(self.message, MAX_MESSAGE)},
            "suggestedResolution": [cut(each, MAX_MESSAGE) for each in self.suggestions],
        }


def name_for(sync: str, trigger: Trigger, taken: Iterable[str]) -> str:
    """A name that says what it is about, with the next number: ``main-synchronizationfailure-1``."""
    stem = f"{sync}-{trigger.value.lower()}-"
    numbers = [
        int(found[1]) for name in taken if (found := re.fullmatch(re.escape(stem) + r"(\d{1,9})", name, re.ASCII))
    ]
    return f"{stem}{max(numbers, default=0) + 1}"


def phase_of(status: JSON) -> InvestigationPhase | None:
    """The phase that a status says; None: it is new."""
    return next((phase for phase in InvestigationPhase if phase == status.get("phase")), None)


def acknowledged_by(annotations: Mapping[str, str]) -> str | None:
    """Who looks into it; None: nobody says so."""
    return cut(annotations.get(ACKNOWLEDGE, ""), MAX_MESSAGE) or None


def is_news(previous: JSON, sighting: Sighting, facts: Facts) -> bool:
    """Whether evidence must be gathered: the trigger was not seen before, or a newer cycle shows it.

    What can change between cycles is news also when it shows something else than it did.
    """
    known = "lastSeenTime" in previous and "clearSince" not in previous and "evidence" in previous
    if not known or _moved(previous, sighting, facts):
        return True
    between = sighting.cycle is None or sighting.trigger is Trigger.SUSPENDED_CONNECTED
    return between and previous.get("message") != _told(sighting)


def _moved(previous: JSON, sighting: Sighting, facts: Facts) -> bool:
    """Whether a newer cycle has ended, and it is still seen."""
    if sighting.cycle is not None:
        return bool(previous.get("lastSeenCycle") != sighting.cycle.name)
    newest = _newest(facts)
    return newest is not None and newest > datetime.fromisoformat(previous["lastSeenTime"])


def _newest(facts: Facts) -> datetime | None:
    """When the last completed cycle ended."""
    return facts.completed[0].ended if facts.completed else None


def seen(previous: JSON, sighting: Sighting, report: Report, facts: Facts, *, now: datetime) -> dict[str, Any]:
    """The status after news: without the conditions, and the phase of :func:`in_phase`."""
    cycle = sighting.cycle
    another = cycle is not None and previous.get("lastSeenCycle") != cycle.name
    at = previous.get("lastSeenTime")
    if cycle is not None and another:
        at = timestamp(cycle.ended)
    elif at is None or "clearSince" in previous or _moved(previous, sighting, facts):
        at = timestamp(max(now, _newest(facts) or now))  # another's clock may be ahead of ours
    status = {
        **{key: value for key, value in previous.items() if key != "clearSince"},
        "message": _told(sighting),
        "openedTime": previous.get("openedTime", timestamp(now)),
        "lastSeenTime": at,
        "cyclesSeen": previous.get("cyclesSeen", 0) + another,
        **report.to_status(),
    }
    return {**status, "lastSeenCycle": cycle.name} if cycle is not None else status


def not_seen(previous: JSON, *, created: datetime, now: datetime) -> dict[str, Any]:
    """The status of one that waits for a whole cycle to end; one that a person has made may never have been seen."""
    return {
        "message": BY_HAND,
        "openedTime": timestamp(created),
        "lastSeenTime": timestamp(created),
        "cyclesSeen": 0,
        "clearSince": timestamp(now),
        **previous,
    }


def is_over(status: JSON, cycles: Iterable[PastCycle]) -> bool:
    """Whether a whole cycle has completed since the trigger was last seen; asked while it is not seen."""
    last = datetime.fromisoformat(status["lastSeenTime"])
    return any(
        cycle.completed and cycle.began >= last and cycle.name != status.get("lastSeenCycle") for cycle in cycles
    )


def in_phase(status: JSON, by: str | None, *, over: str | None, generation: int, now: datetime) -> dict[str, Any]:
    """The status with phase, acknowledgement and ``Ready``. ``over``: why it is resolved; None: it is not."""
    found = dict(status)
    if over is not None:
        phase = InvestigationPhase.RESOLVED
        found |= {"resolvedTime": found.get("resolvedTime", timestamp(now))}
    else:
        phase = InvestigationPhase.OPEN if by is None else InvestigationPhase.ACKNOWLEDGED
        found = _acknowledged(found, by, now)
    cause = found.get("probableCause", {}).get("message", "")
    message = over or "; ".join(filter(None, (found.get("message", ""), cause)))
    ready = condition(
        Condition.READY, status=phase is InvestigationPhase.RESOLVED, reason=_REASONS[phase], message=message
    )
    return found | {
        "phase": phase.value,
        "observedGeneration": generation,
        "conditions": merge(status.get("conditions", ()), (ready,), generation=generation, now=now),
    }


def _acknowledged(status: JSON, by: str | None, now: datetime) -> dict[str, Any]:
    found = {key: value for key, value in status.items() if key not in {"acknowledgedBy", "acknowledgedTime"}}
    if by is None:
        return found
    since = status.get("acknowledgedTime") if status.get("acknowledgedBy") == by else None
    return found | {"acknowledgedBy": by, "acknowledgedTime": since or timestamp(now)}


def _told(sighting: Sighting) -> str:
    return cut(sighting.message, MAX_MESSAGE)
