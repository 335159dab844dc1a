"""What happened in a cycle, told once: to the log at once, and to Kubernetes Events at its end (design section 5)."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Final

import structlog

from navixy_operator.core.vocabulary import CycleEvent, Origin
from navixy_operator.ports import Recorder, Resource

MAX_EVENTS: Final = 100


@dataclass(frozen=True, slots=True)
class Note:
    """An Event to post about a resource."""

    about: Resource
    event: CycleEvent
    message: str
    warning: bool


@dataclass(slots=True)
class Chronicle:
    """The story of one cycle, as log lines with its name and as a bounded number of Events."""

    cycle: str
    sync: Resource
    notes: list[Note] = field(default_factory=list)

    def tell(self, event: CycleEvent, *, customer: str | None = None, warning: bool = False, **details: object) -> None:
        """Log one fact under its name; facts are keys, the text is constant."""
        log = structlog.get_logger("navixy_operator.cycle")
        facts = {"customer": customer, **details} if customer is not None else details
        place = {"cycle": self.cycle, "namespace": self.sync.namespace, "sync": self.sync.name}
        (log.warning if warning else log.info)(event.value, **place, **facts, origin=Origin.AUTOMATIC.value)

    def note(self, about: Resource | None, event: CycleEvent, message: str, *, warning: bool = False) -> None:
        """Remember an Event about a resource; one that does not exist has none."""
        if about is not None:
            self.notes.append(Note(about, event, message, warning))

    def headline(self, event: CycleEvent, message: str, *, warning: bool = False) -> None:
        """Put an Event about the NavixySync before all others, so that no bound cuts it off."""
        self.notes.insert(0, Note(self.sync, event, message, warning))

    async def post(self, recorder: Recorder) -> None:
        """Post the Events: the first hundred each for itself, the rest summed up in one about the NavixySync."""
        for note in self.notes[:MAX_EVENTS]:
            await recorder.record(note.about, warning=note.warning, reason=note.event.value, message=note.message)
        if rest := Counter(note.event.value for note in self.notes[MAX_EVENTS:]):
            message = "further events of this cycle: " + ", ".join(f"{count} {name}" for name, count in rest.items())
            await recorder.record(self.sync, warning=False, reason=CycleEvent.EVENTS_SUMMED_UP.value, message=message)
        self.notes.clear()
