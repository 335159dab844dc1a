"""The audit trail's database in memory, which fails as it is told to, and a trail that delivers to it."""

import asyncio
from collections import deque
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any, cast

from navixy_operator.adapters.audit.spool import FileSpool
from navixy_operator.chronicle import Chronicle, aside
from navixy_operator.core.audit import PERISHABLE, Entry
from navixy_operator.core.vocabulary import EventName
from navixy_operator.errors import AuditSpoolFull, AuditUnavailable
from navixy_operator.ports import AuditSpool, AuditStore
from navixy_operator.trail import Manner, Pace, Rhythm, Trail
from support.audit import FakeAuditReader
from support.fakes import FakeClock

QUICK = Pace(gather=0.001, patience=0.02, silence=0.06, first_pause=0.002, longest_pause=0.01, stop=0.2)
"""A second's story in some hundredths."""
SELDOM = Rhythm(day=1000.0, pause=0.0, after_failure=1000.0)


@dataclass
class FakeStore(FakeAuditReader):
    """Keeps entries by run and seq, in the order of their coming. ``error``: what every call raises for the moment.

    ``script``: how the next appends go, in turn: ``ok``; ``down``: it fails; ``lost``: it is stored, but fails;
    ``hang``: it waits until ``release`` is set, then it is stored.
    """

    script: "deque[str]" = field(default_factory=deque)
    release: asyncio.Event = field(default_factory=asyncio.Event)
    batches: list[int] = field(default_factory=list)
    prepares: int = 0
    appends: int = 0
    """How often it was asked for either."""

    async def prepare(self) -> None:
        """Nothing to do, unless it is down."""
        self.prepares += 1
        if self.error is not None:
            raise self.error

    async def append(self, entries: Sequence[Entry]) -> None:
        """As the script has it."""
        self.appends += 1
        await asyncio.sleep(0)
        if self.error is not None:
            raise self.error
        how = self.script.popleft() if self.script else "ok"
        if how == "down":
            raise away()
        if how == "hang":
            await self.release.wait()
        known = {(entry.run.id, entry.seq) for entry in self.entries}
        new = [entry for entry in entries if (entry.run.id, entry.seq) not in known]
        self.entries += new
        self.batches.append(len(new))
        if how == "lost":
            raise away()

    async def purge(self, before: datetime, limit: int) -> int:
        """Delete what is perishable and from before."""
        if self.error is not None:
            raise self.error
        old = [entry for entry in self.entries if entry.event in PERISHABLE and entry.at < before][:limit]
        gone = {(entry.run.id, entry.seq) for entry in old}
        self.entries = [entry for entry in self.entries if (entry.run.id, entry.seq) not in gone]
        return len(old)

    async def close(self) -> None:
        """Nothing to let go of."""

    def told(self, run: str = "c-1") -> list[str | None]:
        """The customers of the entries of runs of this name, in the order in which they were stored."""
        return [entry.customer for entry in self.entries if entry.run.name == run]

    def events(self, name: str = "audit-trail") -> list[str]:
        """The events of runs of this name."""
        return [entry.event for entry in self.entries if entry.run.name == name]


@dataclass
class FakeSpool:
    """A spool in memory, ``kept`` its disk. ``room``: entries that it takes; None: any number.

    ``dead``: the process that had it was killed; nothing that is asked of it happens any more.
    """

    kept: list[Entry] = field(default_factory=list)
    room: int | None = None
    dead: bool = False

    @property
    def count(self) -> int:
        """How many wait."""
        return len(self.kept)

    async def open(self) -> None:
        """There it is."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """All or none."""
        await self._live()
        if self.room is not None and len(self.kept) + len(entries) > self.room:
            message = "the spool has reached its bound"
            raise AuditSpoolFull(message)
        self.kept += entries

    async def oldest(self, limit: int) -> Sequence[Entry]:
        """The first."""
        await self._live()
        return self.kept[:limit]

    async def forget(self, count: int) -> None:
        """Not the first any more."""
        await self._live()
        del self.kept[:count]

    async def close(self) -> None:
        """Nothing to let go of."""

    async def _live(self) -> None:
        await asyncio.sleep(0)
        if self.dead:
            await asyncio.Event().wait()


@dataclass
class Connected:
    """A process's connection to a store; ``dead`` as above."""

    store: FakeStore
    dead: bool = False

    def __getattr__(self, name: str) -> Any:
        return getattr(self.store, name)

    async def prepare(self) -> None:
        """As the store."""
        await self._live()
        await self.store.prepare()

    async def append(self, entries: Sequence[Entry]) -> None:
        """As the store."""
        await self._live()
        await self.store.append(entries)

    async def _live(self) -> None:
        if self.dead:
            await asyncio.Event().wait()


def away() -> AuditUnavailable:
    """The database does not serve."""
    return AuditUnavailable("The audit trail's database 127.0.0.1 does not serve")


def hanging() -> "deque[str]":
    """A script of a database that hangs from the beginning."""
    return deque(["hang"] * 100)


def spool_in(directory: Path, max_bytes: int = 10_000_000) -> FileSpool:
    """A spool of its own in a directory."""
    return FileSpool(directory / "spool", max_bytes)


@dataclass
class Scene:
    """A trail that delivers, its store, its spool, and a cycle ``c-1`` to tell of."""

    store: FakeStore
    connected: Connected
    spool: AuditSpool
    trail: Trail
    task: "asyncio.Task[None]"
    cycle: Chronicle
    told: list[str] = field(default_factory=list)

    def tell(self, count: int = 1) -> None:
        """Tell of so many more customers, each by a name of its own."""
        for _ in range(count):
            self.told.append(f"fleet-{len(self.told)}")
            self.cycle.tell(EventName.CONNECTION_ESTABLISHED, customer=self.told[-1], action="Establish")

    async def until(self, right: Callable[[], bool]) -> None:
        """Wait for a condition. Raises TimeoutError."""
        async with asyncio.timeout(10):
            while not right():  # noqa: ASYNC110 - what is waited for has no event of its own
                await asyncio.sleep(0.001)

    async def until_told(self) -> None:
        """Wait until all that was told is stored, in order and once."""
        await self.until(lambda: self.store.told() == self.told)

    async def kill(self, spool: FakeSpool) -> None:
        """SIGKILL: nothing of this process reaches database or disk any more."""
        self.connected.dead = spool.dead = True
        while left := asyncio.all_tasks() - {asyncio.current_task()}:
            for task in left:
                task.cancel()
            await asyncio.sleep(0)

    async def stop(self) -> None:
        """As the process does it at its end."""
        self.task.cancel()
        with suppress(asyncio.CancelledError):
            await self.task


@asynccontextmanager
async def playing(
    store: FakeStore, spool: AuditSpool, *, pace: Pace = QUICK, bound: int = 100_000, rhythm: Rhythm = SELDOM
) -> AsyncIterator[Scene]:
    """A trail at work, until the end of the context."""
    clock = FakeClock()
    connected = Connected(store)
    manner = Manner(pace=pace, bound=bound, rhythm=rhythm)
    trail = Trail(cast("AuditStore", connected), spool, clock, "default", manner)
    cycle = aside(clock, [trail.heard], "c-1", "default", "main")
    scene = Scene(store, connected, spool, trail, asyncio.create_task(trail.run()), cycle)
    await asyncio.sleep(0)  # who is cancelled before the first step has no last words
    try:
        yield scene
    finally:
        await scene.stop()
        await spool.close()
