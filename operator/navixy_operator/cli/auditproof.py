"""What the chains of the audit trail prove, and what the SyncCycles bear witness to; pure but for being told things."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

from navixy_operator.cli.auditwords import number
from navixy_operator.core.auditcheck import Examination, Verdict
from navixy_operator.core.conditions import find
from navixy_operator.core.fact import Run
from navixy_operator.core.vocabulary import Condition, RunKind
from navixy_operator.ports import Resource, Stretch

MOST: Final = 1000
"""Flaws, and runs without an end, that are listed."""
_NONE: Final = "with no SyncCycle: none that is there has a digest"
_WITH_CYCLE: Final = frozenset({RunKind.CYCLE, RunKind.DRY_RUN})


@dataclass(frozen=True, slots=True)
class Found:
    """A flaw. ``run``: the run's ID; ``first``, ``last``: which entries, by ``seq``. None: it is of a whole cycle."""

    cycle: str
    run: str | None
    message: str
    first: int | None = None
    last: int | None = None

    @property
    def seq(self) -> str:
        """Which entries, in words."""
        if self.first is None:
            return "-"
        return str(self.first) if self.first == self.last else f"{self.first} to {self.last}"


@dataclass(frozen=True, slots=True)
class Witnesses:
    """The last digests that SyncCycles have, by name. ``trouble``: why they could not be asked.

    ``late``: the SyncCycles whose last entries may be on their way still, since the operator could not store them.
    """

    digests: dict[str, str] = field(default_factory=dict)
    late: frozenset[str] = frozenset()
    trouble: str | None = None

    @classmethod
    def of(cls, cycles: Iterable[Resource], syncs: Sequence[Resource]) -> "Witnesses":
        """What these say."""
        told = {cycle.name: cycle for cycle in cycles if cycle.status.get("auditDigest")}
        away = {sync.name for sync in syncs if _cannot_store(sync)}
        late = frozenset(name for name, cycle in told.items() if cycle.spec.get("sync") in away)
        return cls({name: str(cycle.status["auditDigest"]) for name, cycle in told.items()}, late)


@dataclass(slots=True)
class Proof:
    """Takes the stretches of the chains in order; then :meth:`conclude`."""

    namespace: str
    now: datetime
    witnesses: Witnesses
    runs: int = 0
    entries: int = 0
    purged: int = 0
    matched: int = 0
    late: int = 0
    without: int = 0
    flaws: list[Found] = field(default_factory=list)
    omitted: int = 0
    unfinished: list[tuple[Run, int, datetime | None]] = field(default_factory=list)
    _current: Examination | None = None
    _last: datetime | None = None
    _heads: dict[str, set[str | None]] = field(default_factory=dict)
    """Of the cycles that have a witness: the last digests of their runs."""

    def take(self, stretch: Stretch) -> None:
        """Examine the next stretch."""
        if self._current is None or self._current.run.id != stretch.run.id:
            self._current = Examination(stretch.run, self.now)
            self._last = None
        self._current.take(stretch.links)
        self._last = stretch.links[-1].at if stretch.links else self._last
        if stretch.ends:
            self._judge(self._current.verdict())
            self._current = None

    def conclude(self) -> None:
        """Compare with the SyncCycles."""
        for name, digest in self.witnesses.digests.items():
            heads = self._heads.get(name, set())
            if digest in heads:
                self.matched += 1
            elif name in self.witnesses.late:
                self.late += 1
            else:
                how = "the last entries were taken out, or all were made anew" if heads else "all entries are gone"
                self._flaw(Found(name, None, f"not what the SyncCycle has the digest of: {how}"))

    def compared(self) -> str:
        """With how many SyncCycles, in words."""
        witnesses = self.witnesses
        if witnesses.trouble is not None:
            return f"with no SyncCycle, so that a new chain in place of the old would not show: {witnesses.trouble}"
        asked = len(witnesses.digests)
        agree = "all of them agree" if self.matched == asked else f"{self.matched} of them agree"
        told = f"with {number(asked, 'SyncCycle')}: {agree}" if asked else _NONE
        late = f"; of {self.late} the last entries are on their way (AuditAvailable is False)" if self.late else ""
        gone = f"; of {number(self.without, 'run')} there is no SyncCycle any more" if self.without else ""
        return f"{told}{late}{gone}"

    def _judge(self, verdict: Verdict) -> None:
        run = verdict.run
        self.runs += 1
        self.entries += verdict.entries
        self.purged += verdict.purged
        self.omitted += verdict.omitted
        for flaw in verdict.flaws:
            self._flaw(Found(run.name, run.id, str(flaw), flaw.first, flaw.last))
        if not verdict.finished and len(self.unfinished) < MOST:
            self.unfinished.append((run, verdict.entries, self._last))
        if run.name in self.witnesses.digests:
            self._heads.setdefault(run.name, set()).add(verdict.head)
        elif run.kind in _WITH_CYCLE:
            self.without += 1

    def _flaw(self, flaw: Found) -> None:
        if len(self.flaws) < MOST:
            self.flaws.append(flaw)
        else:
            self.omitted += 1


def _cannot_store(sync: Resource) -> bool:
    entry = find(sync.status.get("conditions", ()), Condition.AUDIT_AVAILABLE)
    return entry is not None and entry["status"] == "False"
