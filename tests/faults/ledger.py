"""What was so when: the facts over time, what the operator had taken note of, and the cycles there were.

A change takes its time, so that for a moment nobody can tell whether it counts yet: then both counts.
"""

import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from faults.facts import Facts

RESOLUTION: Final = 1.0
"""Seconds: how finely the API server's times are told."""


@dataclass(frozen=True, slots=True)
class Entry:
    """Facts that count from a moment between ``begun`` and ``done``."""

    begun: float
    done: float
    facts: Facts


@dataclass(frozen=True, slots=True)
class Echo:
    """A pin that the operator was seen to have taken note of, at the latest ``at``."""

    ref: str
    number: int
    mode: str
    at: float


@dataclass(frozen=True, slots=True)
class Cycle:
    """A SyncCycle that ran, as its status says. ``end`` None: it is not known to have ended."""

    name: str
    phase: str
    start: float
    end: float | None
    approves: str | None = None
    held: frozenset[tuple[str, str]] = frozenset()

    def covers(self, moment: float) -> bool:
        """Whether the moment lies within it."""
        return self.start <= moment and (self.end is None or moment < self.end + RESOLUTION)

    def surely_covers(self, moment: float) -> bool:
        """Whether it does, however the times were rounded."""
        return self.start + RESOLUTION <= moment and (self.end is None or moment < self.end)


@dataclass(slots=True)
class Ledger:
    """The history of our side."""

    entries: list[Entry] = field(default_factory=list)
    echoes: dict[tuple[str, int], Echo] = field(default_factory=dict)
    cycles: list[Cycle] = field(default_factory=list)
    guarded_until: float = float("inf")
    """From then on the guards had room for everything."""

    @property
    def now(self) -> Facts:
        """The facts as they are."""
        return self.entries[-1].facts

    @asynccontextmanager
    async def changing(self, after: Facts) -> AsyncIterator[None]:
        """Around what makes these facts true."""
        begun = time.time()
        try:
            yield
        finally:
            self.entries.append(Entry(begun, time.time(), after))

    def during(self, since: float, until: float) -> Iterator[tuple[Facts, float]]:
        """All facts that may have counted between two moments, each with moments to look at them."""
        for place, entry in enumerate(self.entries):
            end = self.entries[place + 1].done if place + 1 < len(self.entries) else float("inf")
            if entry.begun <= until and end >= since:
                yield entry.facts, max(since, entry.begun)
                yield entry.facts, min(until, end)

    def pin_counts_until(self, echo: Echo) -> float:
        """From when on the pin behind an echo may no longer count: changed, removed, or at its end."""
        gone, end, seen = float("inf"), float("inf"), False
        for entry in self.entries:
            pin = entry.facts.pins.get(echo.ref)
            if pin is not None and pin.number == echo.number:
                seen, end = True, float("inf") if pin.until is None else pin.until
            elif seen:
                gone = min(gone, entry.begun)
        return min(gone, end)

    def last_completed(self, moment: float) -> float:
        """The start of the last cycle that was completed before a moment; the beginning of all where none was."""
        ended = [c for c in self.cycles if c.phase == "completed" and c.end is not None]
        return max((c.start for c in ended if c.end is not None and c.end + RESOLUTION <= moment), default=0.0)

    def in_a_cycle(self, moment: float) -> bool:
        """Whether a cycle may have been running."""
        return any(cycle.covers(moment) for cycle in self.cycles)

    def cycle_at(self, moment: float) -> Cycle | None:
        """The cycle that was surely running."""
        return next((cycle for cycle in self.cycles if cycle.surely_covers(moment)), None)


def read_cycle(item: dict[str, Any]) -> Cycle | None:
    """A SyncCycle of the API server; None: it never began."""
    status = item.get("status", {})
    if "startTime" not in status:
        return None
    end = status.get("completionTime")
    held = {(one.get("customerRef", ""), one["connectionId"]) for one in status.get("heldCloses", {}).get("items", ())}
    return Cycle(
        item["metadata"]["name"],
        status["phase"],
        _seconds(status["startTime"]),
        None if end is None else _seconds(end),
        item["spec"].get("approves"),
        frozenset(held),
    )


def _seconds(text: str) -> float:
    return datetime.fromisoformat(text).timestamp()
