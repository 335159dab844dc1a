"""What is known of each NavixySync: as its resources were seen last, and what facts have told since."""

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from navixy_operator.core.fact import Fact
from navixy_operator.core.measures import Report, Sample, in_order, report_of, samples
from navixy_operator.core.vocabulary import (
    EventName,
    EventStatus,
    InvestigationPhase,
    Metric,
    Reason,
    RunKind,
    Step,
    Trigger,
)
from navixy_operator.ports import Resource


@dataclass(slots=True)
class Known:
    """One NavixySync.

    ``told``: a cycle that has ended by its facts, until its SyncCycle says so, too. ``found``: what the comparison of
    a cycle has found, until a completed cycle reports it; None: no such thing.
    """

    uid: str
    status: Mapping[str, Any] = field(default_factory=dict)
    reports: tuple[Report, ...] = ()
    told: Report | None = None
    comparing: str = ""
    found: dict[str, int] | None = None
    investigations: Counter[tuple[str, str]] | None = None
    waiting: int = 0

    def samples(self, held: int | None) -> Iterator[Sample]:
        """What to show; ``held``: customers whose close is held, None: not known."""
        reports = in_order(self.reports, self.status)
        if self.told is not None:
            reports = [*(report for report in reports if report.cycle != self.told.cycle), self.told]
        yield from samples(self.status, reports, self.found, held)
        yield Sample(Metric.ATTENDANT_QUEUE, self.waiting)
        if self.investigations is not None:
            for trigger in Trigger:
                for phase in InvestigationPhase:
                    labels = (trigger.value, phase.value)
                    yield Sample(Metric.INVESTIGATIONS, self.investigations[labels], labels)

    def heard(self, fact: Fact) -> None:
        """A fact of a cycle that acts."""
        if fact.event is EventName.SYNCHRONIZATION_COMPLETED:
            self._ended(fact)
        elif fact.event in {EventName.MISSING_DETECTED, EventName.EXTRA_DETECTED} and fact.discrepancy is not None:
            if self.found is None or self.comparing != fact.run.id:
                # all types are told at once: one that is not, was not found
                self.comparing, self.found = fact.run.id, {}
            self.found[fact.discrepancy.value] = _number(fact.details.get("count"))

    def _ended(self, fact: Fact) -> None:
        completed = fact.status is not EventStatus.FAILED
        counts, found, skips = (_counts(fact.details.get(key)) for key in ("counts", "discrepancies", "skips"))
        seconds = fact.details.get("duration_seconds")
        took = float(seconds) if isinstance(seconds, int | float) else 0.0
        held, interrupted = _number(fact.details.get("held_closes")), fact.details.get("reason") == Reason.INTERRUPTED
        self.told = Report(fact.run.name, completed, fact.at.isoformat(), took, counts, found, skips, held, interrupted)
        if completed:
            self.found = None
        elif self.comparing != fact.run.id and Step.RESOLVE_MISSING in _counts(fact.details.get("steps_seconds")):
            self.found = {}  # it had compared, and told of nothing

    def cycles_seen(self, cycles: Sequence[Resource]) -> None:
        """The kept SyncCycles; dry runs have changed nothing, and do not count."""
        acting = (cycle for cycle in cycles if not cycle.spec.get("dryRun"))
        found = (report_of(cycle.name, cycle.status) for cycle in acting)
        self.reports = tuple(report for report in found if report is not None)
        if self.told is not None and self.told.cycle in {report.cycle for report in self.reports}:
            self.told = None

    def investigations_seen(self, investigations: Sequence[Resource]) -> None:
        """The kept Investigations."""
        opened = InvestigationPhase.OPEN.value
        self.investigations = Counter(
            (str(item.spec.get("trigger", "")), str(item.status.get("phase", opened))) for item in investigations
        )


class Boards:
    """All NavixySyncs that this process looks after, by namespace and name."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str], Known] = {}

    def __contains__(self, place: object) -> bool:
        return place in self._known

    def items(self) -> list[tuple[tuple[str, str], Known]]:
        """In order."""
        return sorted(self._known.items(), key=lambda item: item[0])

    def of(self, namespace: str, sync: str) -> Known | None:
        """One of them."""
        return self._known.get((namespace, sync))

    def seen(self, sync: Resource) -> bool:
        """Take a NavixySync as it is now; whether it was not known before, but perhaps another of that name."""
        place = (sync.namespace, sync.name)
        known = self._known.get(place)
        if new := known is None or known.uid != sync.uid:
            known = self._known[place] = Known(sync.uid)
        known.status = sync.status
        return new

    def gone(self, namespace: str, sync: str) -> None:
        """Forget one."""
        self._known.pop((namespace, sync), None)

    def heard(self, fact: Fact) -> None:
        """Take a fact."""
        if fact.run.kind is RunKind.CYCLE and (known := self.of(fact.run.namespace, fact.run.sync)) is not None:
            known.heard(fact)


def _counts(told: object) -> Mapping[str, int]:
    return {str(key): _number(value) for key, value in told.items()} if isinstance(told, Mapping) else {}


def _number(told: object) -> int:
    return told if isinstance(told, int) else 0
