"""One run as the audit trail has it: gathered entry by entry, whatever their number."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Any, Final

from navixy_operator.cli.auditforms import document, exact
from navixy_operator.cli.auditwords import details_of
from navixy_operator.core.audit import Entry
from navixy_operator.core.fact import Run
from navixy_operator.core.vocabulary import EventName, EventStatus


class Section(StrEnum):
    """What kind of thing happened, in the order in which it is told."""

    FOUND = "found"
    DONE = "done"
    PENDING = "pending"
    FAILED = "failed"
    SKIPPED = "skipped"
    HELD = "held"


@dataclass(slots=True)
class Listed:
    """The first entries of a section, and how many there are."""

    entries: list[Entry] = field(default_factory=list)
    count: int = 0

    @property
    def omitted(self) -> int:
        """How many are not listed."""
        return self.count - len(self.entries)


@dataclass(slots=True)
class Story:
    """What one run's entries tell. ``limit``: so many of each section are kept, 0: all."""

    run: Run
    limit: int = 0
    count: int = 0
    sections: dict[Section, Listed] = field(default_factory=lambda: {section: Listed() for section in Section})
    resolved: Counter[str] = field(default_factory=Counter)
    completed: Entry | None = None
    started: datetime | None = None
    scheduled: str | None = None
    moments: list[datetime] = field(default_factory=list)
    """Of the first entry and of the last."""
    _last: int = -1
    _ending: Mapping[str, Any] = field(default_factory=dict)

    def hear(self, entry: Entry) -> None:
        """Take the next entry."""
        self.moments = [min([*self.moments, entry.at]), max([*self.moments, entry.at])]
        self.count += 1
        self._last = max(self._last, entry.seq)
        match entry.event:
            case EventName.SYNCHRONIZATION_STARTED:
                self.started, self.scheduled = entry.at, details_of(entry).get("scheduled_time")
            case EventName.SYNCHRONIZATION_COMPLETED:
                self.completed, self._ending = entry, details_of(entry)
            case EventName.DISCREPANCY_RESOLVED:
                self.resolved[entry.discrepancy or "-"] += 1
            case _:
                self._list(entry)

    def entries(self) -> list[Entry]:
        """All that are kept, in order."""
        found = [entry for listed in self.sections.values() for entry in listed.entries]
        return sorted(found, key=lambda entry: entry.seq)

    @property
    def missing(self) -> int:
        """How many entries are not there any more."""
        return self._last + 1 - self.count

    @property
    def seconds(self) -> float | None:
        """How long it took, as it said itself."""
        found = self._ending.get("duration_seconds")
        return float(found) if isinstance(found, int | float) else None

    @property
    def ending(self) -> str:
        """How it ended, in its own words."""
        return f"{self._ending.get('reason')}: {self._ending.get('summary')}"

    @property
    def steps(self) -> Mapping[str, Any]:
        """Seconds by step."""
        return self._told("steps_seconds")

    @property
    def counts(self) -> Mapping[str, Any]:
        """What it counted."""
        return self._told("counts")

    @property
    def found(self) -> Mapping[str, Any]:
        """Discrepancies by type."""
        return self._told("discrepancies")

    @property
    def skips(self) -> Mapping[str, Any]:
        """Skipped customers by reason."""
        return self._told("skips")

    @property
    def held_unlisted(self) -> int:
        """How many actions were held back that no entry tells of."""
        held = self.counts.get("held", 0)
        return held if isinstance(held, int) and not self.sections[Section.HELD].count else 0

    def _told(self, key: str) -> Mapping[str, Any]:
        found = self._ending.get(key)
        return found if isinstance(found, dict) else {}

    def _list(self, entry: Entry) -> None:
        listed = self.sections[section_of(entry)]
        listed.count += 1
        if not self.limit or len(listed.entries) < self.limit:
            listed.entries.append(entry)


def section_of(entry: Entry) -> Section:
    """Where an entry belongs."""
    if entry.status in _OF_STATUS:
        return _OF_STATUS[entry.status]
    looked = entry.event in {EventName.DATABASE_QUERIED, EventName.ELIGIBLE_IDENTIFIED}
    return Section.FOUND if looked else Section.DONE


def story_document(story: Story) -> dict[str, Any]:
    """The story as plain JSON, with the trail's own names."""
    run, completed = story.run, story.completed
    told = {} if completed is None else details_of(completed)
    return {
        "run": run.id,
        "run_kind": run.kind.value,
        "cycle": run.name,
        "namespace": run.namespace,
        "sync": run.sync,
        "entries": story.count,
        "missing": story.missing,
        "started": story.started and exact(story.started),
        "scheduled_time": story.scheduled,
        "ended": completed and exact(completed.at),
        "status": completed and completed.status,
        **{key: told.get(key) for key in ("reason", "summary", "duration_seconds")},
        **{key: told.get(key, {}) for key in ("steps_seconds", "counts", "discrepancies", "skips")},
        "resolved": dict(story.resolved),
        **{
            section.value: {"count": listed.count, "entries": [document(entry) for entry in listed.entries]}
            for section, listed in story.sections.items()
        },
    }


_OF_STATUS: Final[Mapping[str, Section]] = {
    EventStatus.PENDING: Section.PENDING,
    EventStatus.FAILED: Section.FAILED,
    EventStatus.SKIPPED: Section.SKIPPED,
    EventStatus.HELD: Section.HELD,
    EventStatus.FOUND: Section.FOUND,
}
