"""What happened in a cycle, told once: to the log at once, and to Kubernetes Events at its end (design section 5)."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from navixy_operator.concurrency import each
from navixy_operator.core.vocabulary import CycleEvent, Origin
from navixy_operator.ports import Recorder, Resource

MAX_EVENTS: Final = 100
AT_ONCE: Final = 8


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
    _log: Any = None  # bound once for its tens of thousands of lines

    def tell(
        self,
        event: CycleEvent,
        *,
        customer: str | None = None,
        warning: bool = False,
        origin: Origin = Origin.AUTOMATIC,
        **details: object,
    ) -> None:
        """Log one fact under its name; facts are keys, the text is constant. ``origin``: whose doing it is (AC13)."""
        if self._log is None:
            place = {"cycle": self.cycle, "namespace": self.sync.namespace, "sync": self.sync.name}
            self._log = structlog.get_logger("navixy_operator.cycle").bind(**place)
        facts = {"customer": customer, **details} if customer is not None else details
        tell = self._log.warning if warning else self._log.info
        tell(event.value, **facts, origin=origin.value)

    def note(self, about: Resource | None, event: CycleEvent, message: str, *, warning: bool = False) -> None:
        """Remember an Event about a resource; one that does not exist has none."""
        if about is not None:
            self.notes.append(Note(about, event, message, warning))

    def headline(self, event: CycleEvent, message: str, *, warning: bool = False) -> None:
        """Put an Event about the NavixySync before all others, so that no bound cuts it off."""
        self.notes.insert(0, Note(self.sync, event, message, warning))

    async def post(self, recorder: Recorder) -> None:
        """Post the Events: the first hundred each for itself, the rest summed up in one about the NavixySync."""

        async def post(note: Note) -> None:
            await recorder.record(note.about, warning=note.warning, reason=note.event.value, message=note.message)

        await each(self.notes[:MAX_EVENTS], post, at_once=AT_ONCE)
        if rest := Counter(note.event.value for note in self.notes[MAX_EVENTS:]):
            message = "further events of this cycle: " + ", ".join(f"{count} {name}" for name, count in rest.items())
            await recorder.record(self.sync, warning=False, reason=CycleEvent.EVENTS_SUMMED_UP.value, message=message)
        self.notes.clear()
