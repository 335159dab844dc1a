"""What an investigation has gathered: the facts that its evidence is told from, and its cause is judged by."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.conditions import find
from navixy_operator.core.history import PastCycle
from navixy_operator.core.survey import Survey
from navixy_operator.core.triggers import Facts, Sighting
from navixy_operator.core.vocabulary import Condition, EventName, Policy, Trigger

LOOKED_UP: Final = (
    EventName.SYNCHRONIZATION_COMPLETED,
    EventName.DRIFT_REPAIRED,
    EventName.ESTABLISH_FAILED,
    EventName.CLOSE_FAILED,
    EventName.MANUAL_OPERATION,
    EventName.PIN_APPLIED,
)
"""What an investigation asks the audit trail for: one page of each, however many customers there are."""


@dataclass(frozen=True, slots=True)
class Told:
    """One entry of the audit trail. ``run``: the name of the cycle or pass that it is of."""

    at: datetime
    run: str
    status: str
    customer: str | None = None
    details: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Page:
    """The newest entries of one type within the time looked at, newest first; ``more``: there are others beyond."""

    entries: tuple[Told, ...] = ()
    more: bool = False

    @property
    def count(self) -> str:
        """How many there are, in words."""
        return f"{'at least ' if self.more else ''}{len(self.entries)}"


@dataclass(frozen=True, slots=True)
class Logbook:
    """What the audit trail says from ``since`` on. ``trouble``: why it says nothing; None: it was asked."""

    since: datetime | None = None
    pages: Mapping[EventName, Page] = field(default_factory=dict)
    trouble: str | None = None

    def of(self, event: EventName) -> tuple[Told, ...]:
        """The entries of one type, newest first."""
        return self.page(event).entries

    def page(self, event: EventName) -> Page:
        """The page of one type."""
        return self.pages.get(event, Page())


@dataclass(frozen=True, slots=True)
class Case:
    """Everything about one sighting. ``namespace`` and ``sync`` name the NavixySync; ``policy`` is its own."""

    namespace: str
    sync: str
    policy: Policy
    sighting: Sighting
    facts: Facts
    survey: Survey
    logbook: Logbook

    @property
    def trigger(self) -> Trigger:
        """What was seen."""
        return self.sighting.trigger

    @property
    def last(self) -> PastCycle | None:
        """The completed cycle that it is about: the one that showed it, else the newest."""
        cycle, completed = self.sighting.cycle, self.facts.completed
        if cycle is not None and cycle.completed:
            return cycle
        return completed[0] if completed else None

    @property
    def failure(self) -> PastCycle | None:
        """The failed cycle that it is about; None: it is about none."""
        cycle = self.sighting.cycle
        return cycle if self.trigger is Trigger.SYNCHRONIZATION_FAILURE else None

    def condition(self, kind: Condition) -> Mapping[str, Any] | None:
        """A condition of the NavixySync."""
        return find(self.facts.status.get("conditions", ()), kind)

    def count(self, name: str) -> int:
        """A count of the completed cycle that it is about; 0 where there is none."""
        return 0 if self.last is None else self.last.count(name)
