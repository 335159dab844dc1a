"""Entries to their database, in order and once; to the local disk, for as long as the database is away.

Nothing waits in memory for long: what the database has not taken within a moment is put on the disk, and taken from
there. A batch of which it is not known whether it was stored is stored again, which does no harm.
"""

import asyncio
import contextlib
import random
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import structlog

from navixy_operator.core.audit import Entry
from navixy_operator.core.vocabulary import LogEvent, Reason
from navixy_operator.errors import AuditSpoolFull, ConfigurationError, OperatorError
from navixy_operator.ports import AuditStore
from navixy_operator.trail.backlog import Backlog
from navixy_operator.trail.hearer import Hearer, Trouble

SILENCE: Final = "the audit trail's database does not answer"
MEANWHILE: Final = "entries wait on the operator's disk and are delivered when it answers again"
NO_ROOM: Final = "new entries wait in memory as long as there is room, then they are lost"


@dataclass(frozen=True, slots=True)
class Pace:
    """How long things take, in seconds; other values in tests.

    ``gather``: that a first entry waits for others to come. ``patience``: that a batch may be on its way before it is
    put on the disk as well. ``silence``: that it may be on its way before that counts as trouble. ``first_pause`` to
    ``longest_pause``: between two attempts, with full jitter. At the end ``stop``: for the database to take what waits;
    ``disk``: for the disk to take the rest.
    """

    gather: float = 0.05
    patience: float = 1.0
    silence: float = 10.0
    first_pause: float = 0.5
    longest_pause: float = 30.0
    stop: float = 4.0
    disk: float = 4.0


class Delivery:
    """Delivers a backlog into a store; ``prepared`` is set once that has been made ready."""

    def __init__(self, store: AuditStore, backlog: Backlog, hearer: Hearer, pace: Pace) -> None:
        self.prepared = asyncio.Event()
        self._store = store
        self._backlog = backlog
        self._hearer = hearer
        self._pace = pace
        self._spooling = asyncio.Event()  # what comes is put on the disk first
        self._late: int | None = None  # entries that were delivered late, while that is to be told of
        self._store_trouble: Trouble | None = None
        self._last_trouble: Trouble | None = None
        self._disk_trouble: str | None = None
        self._ready = False
        self._hurry = asyncio.Event()  # no more pauses: it is to end
        self._ended = asyncio.Event()  # nothing is delivered any more

    @property
    def trouble(self) -> Trouble | None:
        """What keeps entries from the database."""
        if self._store_trouble is None:
            return None
        reason, problem = self._store_trouble
        if self._disk_trouble is None:
            return reason, f"{problem}; {MEANWHILE}"
        return Reason.AUDIT_SPOOL_FULL, f"{problem}; {self._disk_trouble}; {NO_ROOM}"

    async def run(self) -> None:
        """Deliver until ``end``; what breaks by a fault of ours is told, and begun again."""
        await self.open()
        putting = asyncio.create_task(self._put_away())
        try:
            await self._deliver()
        finally:
            # not in the middle of a batch, which would then be on the disk and in memory, too
            self._ended.set()
            self._spooling.set()
            await asyncio.wait({putting}, timeout=self._pace.disk)
            putting.cancel()

    async def end(self, running: asyncio.Task[None]) -> int:
        """End ``run`` when all is stored, or the store fails once more, or does not answer; how many entries are lost.

        What could not be stored is on the disk then, unless that failed, too.
        """
        self._hurry.set()
        self._backlog.news.set()
        await asyncio.wait({running}, timeout=self._pace.stop)
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        try:
            async with asyncio.timeout(self._pace.disk):
                await self._backlog.put_away()
        except (AuditSpoolFull, TimeoutError) as error:
            log = structlog.get_logger("navixy_operator.audit")
            log.warning(
                LogEvent.AUDIT_NOT_KEPT, problem=str(error) or "the disk does not answer", queued=self._backlog.queued
            )
        return self._backlog.queued

    async def open(self) -> None:
        """Find what a process of before could not deliver; it is told of when that is done. May be repeated."""
        log = structlog.get_logger("navixy_operator.audit")
        try:
            await self._backlog.open()
        except AuditSpoolFull as error:
            log.warning(LogEvent.AUDIT_SPOOL_UNUSABLE, problem=str(error))
        if self._backlog.spooled and not self._spooling.is_set():
            log.info(LogEvent.AUDIT_SPOOL_FOUND, entries=self._backlog.spooled)
            self._late = 0
            self._spooling.set()

    async def _deliver(self) -> None:
        """Batch by batch, oldest first; ends when it is to end and all is stored, or nothing can be."""
        batch: Sequence[Entry] = ()
        failures = 0
        while True:
            try:
                if self._ready and not batch:
                    if not (batch := await self._next()):
                        return
                    failures = 0  # not before: making the store ready does not mend a backlog that cannot be read
                await self._store_batch(batch)
                await self._settle(batch)
            except Exception as error:  # noqa: BLE001 - told by _fail; a fault of ours must not end the delivery
                failures += 1
                self._fail(error, failures)
                if self._hurry.is_set():
                    return
                await self._pause(failures)
            else:
                batch = ()

    async def _next(self) -> Sequence[Entry]:
        """The next batch as soon as there is one; an empty one: it is to end."""
        while True:
            self._backlog.news.clear()
            batch = await self._backlog.oldest()
            if self._spooling.is_set() and not self._backlog.spooled:
                self._catch_up()
            if batch or self._hurry.is_set():
                return batch
            await self._backlog.news.wait()
            await _rest(self._pace.gather, self._hurry)

    async def _store_batch(self, batch: Sequence[Entry]) -> None:
        """Store a batch; before the first, and after each failure, make the store ready. Raises what the store does."""
        loop = asyncio.get_running_loop()
        watches = (
            loop.call_later(self._pace.patience, self._spooling.set),
            loop.call_later(self._pace.silence, self._say_trouble, (Reason.AUDIT_UNAVAILABLE, SILENCE)),
        )
        try:
            if not self._ready:
                await self._store.prepare()
                self._ready = True
                self.prepared.set()
            if batch:
                began = time.perf_counter()
                await self._store.append(batch)
                self._hearer.wrote(len(batch), time.perf_counter() - began)
        finally:
            for watch in watches:
                watch.cancel()

    async def _settle(self, batch: Sequence[Entry]) -> None:
        if batch:
            await self._backlog.forget(len(batch))
            if self._late is not None:
                self._late += len(batch)
            self._hearer.made_room()

    def _fail(self, error: Exception, failures: int) -> None:
        """The store has failed so often in a row: a second time in a row is trouble, once a repeat may mend."""
        self._ready = False
        self._spooling.set()
        if isinstance(error, OperatorError):
            trouble = error.reason, str(error)
        else:
            problem = f"a fault of the operator itself ({type(error).__name__}); its log has the details"
            trouble = Reason.AUDIT_UNAVAILABLE, problem
            if failures == 1:
                structlog.get_logger("navixy_operator.audit").exception(LogEvent.AUDIT_TRAIL_BROKE)
        if failures > 1 or isinstance(error, ConfigurationError):
            self._say_trouble(trouble, again=trouble == self._last_trouble)
        self._last_trouble = trouble

    def _say_trouble(self, trouble: Trouble, *, again: bool = False) -> None:
        """There is trouble; another one than was said is said when it is met ``again``, so that nothing flutters."""
        before = self._store_trouble
        if before is None:
            self._store_trouble = trouble
            self._late = self._late or 0
            self._hearer.trouble_began(trouble)
        elif again and trouble != before:
            self._store_trouble = trouble
            self._hearer.trouble_changed()

    def _catch_up(self) -> None:
        """All that had to wait on the disk is stored: what comes now is stored at once again."""
        self._spooling.clear()
        self._store_trouble = self._disk_trouble = None
        if self._late is not None:
            delivered, self._late = self._late, None
            self._hearer.trouble_ended(delivered)

    async def _put_away(self) -> None:
        """Keep the memory free for as long as entries are put on the disk first."""
        log = structlog.get_logger("navixy_operator.audit")
        while not self._ended.is_set():
            await self._spooling.wait()
            try:
                await self._backlog.put_away()
                self._say_disk(None)
            except AuditSpoolFull as error:
                self._say_disk(str(error))
            except Exception:
                log.exception(LogEvent.AUDIT_TRAIL_BROKE)
                self._say_disk("the disk cannot be used by a fault of the operator itself; its log has the details")
            self._hearer.made_room()
            await _rest(self._pace.gather if self._disk_trouble is None else self._pace.first_pause, self._ended)

    def _say_disk(self, problem: str | None) -> None:
        """The disk takes entries, or does not."""
        before, self._disk_trouble = self._disk_trouble, problem
        if self._store_trouble is not None and (before is None) != (problem is None):
            self._hearer.trouble_changed()

    async def _pause(self, failures: int) -> None:
        """Wait before the next attempt, the longer the more there were, unless it is to end."""
        most = min(self._pace.longest_pause, self._pace.first_pause * 2 ** min(failures, 16))
        await _rest(random.uniform(0, most), self._hurry)  # noqa: S311 - jitter


async def _rest(seconds: float, end: asyncio.Event) -> None:
    """Wait, no longer than until ``end``."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await end.wait()
