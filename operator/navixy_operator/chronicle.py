"""What happened in a cycle or a pass, told once: to log and observers at once, to Kubernetes Events at its end.

The observers are the audit trail, the metrics and the alerts (design section 5): all of them hear the same facts.
"""

import uuid
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from navixy_operator.concurrency import each
from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, Kind, Origin, RunKind
from navixy_operator.ports import Clock, Observer, Recorder, Resource

MAX_EVENTS: Final = 100
AT_ONCE: Final = 8
MAX_LOGGED: Final = 100
"""Entries of a list that a log line shows; the audit trail has all."""


@dataclass(frozen=True, slots=True)
class Note:
    """An Event to post about a resource."""

    about: Resource
    event: EventName
    message: str
    warning: bool


@dataclass(slots=True)
class Chronicle:
    """The story of one run: a cycle named ``cycle``, or a pass with a name of its own (``kind``)."""

    cycle: str
    sync: Resource
    clock: Clock
    observers: Sequence[Observer] = ()
    kind: RunKind = RunKind.CYCLE
    notes: list[Note] = field(default_factory=list)
    run: Run = field(init=False)
    _told: int = 0
    _log: Any = None  # bound once for its tens of thousands of lines

    def __post_init__(self) -> None:
        self.run = Run(uuid.uuid4().hex, self.kind, self.cycle, self.sync.namespace, self.sync.name)

    def tell(
        self,
        event: EventName,
        *,
        status: EventStatus = EventStatus.SUCCEEDED,
        customer: str | None = None,
        discrepancy: Discrepancy | None = None,
        origin: Origin = Origin.AUTOMATIC,
        warning: bool = False,
        **details: object,
    ) -> None:
        """Tell one fact under its name; facts are keys, the text is constant. ``origin``: whose doing it is (AC13)."""
        fact = Fact(self.clock.now(), event, self.run, self._told, status, customer, discrepancy, origin, details)
        self._told += 1
        self._write(fact, warning=warning)
        for observer in self.observers:
            observer(fact)

    def _write(self, fact: Fact, *, warning: bool) -> None:
        """A log line with the fields of the audit trail (spec: Log Format)."""
        if self._log is None:
            place = {"cycle": self.cycle, "namespace": self.sync.namespace, "sync": self.sync.name}
            log = structlog.get_logger("navixy_operator.cycle")
            self._log = log.bind(**place, run=self.run.id, run_kind=self.kind.value)
        about: dict[str, object] = {} if fact.customer is None else {"customer": fact.customer}
        if fact.discrepancy is not None:
            about["discrepancy"] = fact.discrepancy.value
        tell = self._log.warning if warning else self._log.info
        tell(
            fact.event.value,
            **about,
            **_capped(fact.details),
            status=fact.status.value,
            origin=fact.origin.value,
            seq=fact.seq,
        )

    def note(self, about: Resource | None, event: EventName, message: str, *, warning: bool = False) -> None:
        """Remember an Event about a resource; one that does not exist has none."""
        if about is not None:
            self.notes.append(Note(about, event, message, warning))

    def headline(self, event: EventName, message: str, *, warning: bool = False) -> None:
        """Put an Event about the NavixySync before all others, so that no bound cuts it off."""
        self.notes.insert(0, Note(self.sync, event, message, warning))

    async def post(self, recorder: Recorder) -> None:
        """Post the Events: the first hundred each for itself, the rest summed up in one about the NavixySync."""

        async def post(note: Note) -> None:
            await recorder.record(note.about, warning=note.warning, reason=note.event.value, message=note.message)

        await each(self.notes[:MAX_EVENTS], post, at_once=AT_ONCE)
        if rest := Counter(note.event.value for note in self.notes[MAX_EVENTS:]):
            message = "further events of this cycle: " + ", ".join(f"{count} {name}" for name, count in rest.items())
            await recorder.record(self.sync, warning=False, reason=EventName.EVENTS_SUMMED_UP.value, message=message)
        self.notes.clear()


def aside(clock: Clock, observers: Sequence[Observer], name: str, namespace: str, sync: str) -> Chronicle:
    """A story beside all passes, about a NavixySync that need not be at hand, nor exist; without Events."""
    nobody = Resource(
        kind=Kind.SYNC,
        namespace=namespace,
        name=sync,
        uid="",
        resource_version="",
        generation=0,
        created_at="",
        labels={},
        annotations={},
        finalizers=(),
        deleting=False,
        spec={},
        status={},
    )
    return Chronicle(name, nobody, clock, observers, RunKind.OPERATOR)


def _capped(details: Mapping[str, object]) -> dict[str, object]:
    """The details with long lists cut, and how many entries were left out."""
    found = dict(details)
    for key, value in details.items():
        if isinstance(value, list | tuple) and len(value) > MAX_LOGGED:
            found[key] = value[:MAX_LOGGED]
            found[f"{key}_omitted"] = len(value) - MAX_LOGGED
    return found
