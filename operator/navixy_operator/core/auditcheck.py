"""Whether a run's chain in the audit trail is as it was written (spec: Audit Trail Logic, Retention).

| what was done to the entries                          | what is found                                          |
|-------------------------------------------------------|--------------------------------------------------------|
| one was changed, or changed places with another       | it is changed                                          |
| one was changed, and its digest made to fit           | the one after it is changed                            |
| some were taken out                                   | they are missing                                       |
| one is there twice, or stands where it should not     | it is out of order                                     |
| one was purged that is kept for ever                  | it is purged, but to be kept                           |
| one was purged within the year                        | it is purged too early                                 |
| the last ones of a cycle were taken out               | unfinished, no flaw: it may be running, or was cut off |

Whoever changes an entry and every digest after it, or takes out the last ones, leaves another last digest: compare
it (``head``) with ``status.auditDigest`` of the SyncCycle.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import Final

from navixy_operator.core.audit import GENESIS, KEPT, PERISHABLE, Entry, Link, Purged, content_of, link
from navixy_operator.core.fact import Run
from navixy_operator.core.vocabulary import EventName, RunKind

MAX_FLAWS: Final = 100
"""Flaws that a verdict lists; neighbours of one kind are one flaw."""
CLOSED: Final = frozenset({RunKind.CYCLE, RunKind.DRY_RUN})
"""Kinds of runs that end with a word of their own."""


class FlawKind(StrEnum):
    """What is wrong with some entries, as the end of a sentence about them."""

    MISSING = "missing"
    CHANGED = "not as written: changed, or the one before with its digest"
    OUT_OF_ORDER = "out of order, or there twice"
    NOT_TO_BE_PURGED = "purged, but to be kept for ever"
    PURGED_EARLY = "purged within a year"


@dataclass(frozen=True, slots=True)
class Flaw:
    """What is wrong with the entries of a run from ``first`` to ``last`` (``seq``, both inclusive)."""

    kind: FlawKind
    first: int
    last: int

    def __str__(self) -> str:
        which = f"entry {self.first} is" if self.first == self.last else f"entries {self.first} to {self.last} are"
        return f"{which} {self.kind}"


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was found. ``entries`` are there, ``purged`` of others the digest is; ``head`` is the last digest.

    ``omitted``: flaws beyond those listed. ``finished``: a cycle that says how it ended, or another kind of run.
    """

    run: Run
    entries: int
    purged: int
    flaws: tuple[Flaw, ...]
    omitted: int
    finished: bool
    head: str | None

    @property
    def sound(self) -> bool:
        """Whether nothing is wrong with what is there."""
        return not self.flaws


@dataclass(slots=True)
class Examination:
    """Takes the links of one run in order, as many at once as one likes; ``moment``: that of the examination."""

    run: Run
    moment: datetime
    _entries: int = 0
    _purged: int = 0
    _next: int = 0
    _head: str | None = GENESIS  # None: what was before is missing, so that the next digest cannot be computed
    _last: str | None = None
    _closed: bool = False
    _flaws: list[Flaw] = field(default_factory=list)
    _omitted: int = 0

    def take(self, links: Iterable[Link]) -> None:
        """Look at the next links."""
        for one in links:
            self._take(one)

    def verdict(self) -> Verdict:
        """What was found so far."""
        if self._last is None:
            self._flaw(FlawKind.MISSING, 0, 0)
        finished = self._closed or self.run.kind not in CLOSED
        return Verdict(self.run, self._entries, self._purged, tuple(self._flaws), self._omitted, finished, self._last)

    def _take(self, one: Link) -> None:
        if one.seq < self._next:
            self._flaw(FlawKind.OUT_OF_ORDER, one.seq, one.seq)
            return
        if one.seq > self._next:
            self._flaw(FlawKind.MISSING, self._next, one.seq - 1)
            self._head = None
        self._look_at_kind(one)
        self._look_at_digest(one)
        self._next, self._head, self._last = one.seq + 1, one.digest, one.digest

    def _look_at_kind(self, one: Link) -> None:
        if isinstance(one, Purged):
            self._purged += 1
            if one.event not in PERISHABLE:
                self._flaw(FlawKind.NOT_TO_BE_PURGED, one.seq, one.seq)
            elif one.at > self.moment - KEPT:
                self._flaw(FlawKind.PURGED_EARLY, one.seq, one.seq)
            return
        self._entries += 1
        self._closed |= one.event == EventName.SYNCHRONIZATION_COMPLETED

    def _look_at_digest(self, one: Link) -> None:
        """Whether its digest is that of what it says, and of the digest before it."""
        if self._head is None:
            return
        content = content_of(one) if isinstance(one, Entry) else one.content
        if link(self._head, one.seq, one.at, one.event, content) != one.digest:
            self._flaw(FlawKind.CHANGED, one.seq, one.seq)

    def _flaw(self, kind: FlawKind, first: int, last: int) -> None:
        before = self._flaws[-1] if self._flaws else None
        if before is not None and before.kind is kind and before.last == first - 1:
            self._flaws[-1] = replace(before, last=last)
        elif len(self._flaws) < MAX_FLAWS:
            self._flaws.append(Flaw(kind, first, last))
        else:
            self._omitted += 1
