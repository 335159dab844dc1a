"""What is still to be stored, in order: the older part on the local disk, the newer in memory."""

import asyncio
from collections import deque
from collections.abc import Sequence
from itertools import islice
from typing import Final

from navixy_operator.core.audit import Entry
from navixy_operator.ports import AuditSpool

BATCH: Final = 1000
"""Entries of one batch at the most."""
BOUND: Final = 100_000
"""Entries in memory at the most, some 60 MB: a cycle tells of up to 50,000 customers in one breath."""


class Backlog:
    """Entries that wait. ``offer`` may be called at any time; all else by whoever delivers, one thing at a time."""

    def __init__(self, spool: AuditSpool, *, bound: int = BOUND) -> None:
        self.news = asyncio.Event()
        """Set when an entry came."""
        self._spool = spool
        self._bound = bound
        self._queue: deque[Entry] = deque()
        self._offered = 0  # entries that were taken into memory since the beginning
        self._moving = asyncio.Lock()
        self._room = asyncio.Condition()

    @property
    def spooled(self) -> int:
        """Entries on the disk."""
        return self._spool.count

    @property
    def queued(self) -> int:
        """Entries in memory."""
        return len(self._queue)

    @property
    def has_room(self) -> bool:
        """Whether half of the memory is free again."""
        return len(self._queue) * 2 <= self._bound

    async def open(self) -> None:
        """Find what a process of before has spooled. Raises AuditSpoolFull."""
        await self._spool.open()

    def offer(self, entry: Entry, *, always: bool = False) -> bool:
        """Take an entry; whether there was room for it, which does not matter for one that is ``always`` taken."""
        if len(self._queue) >= self._bound and not always:
            return False
        self._queue.append(entry)
        self._offered += 1
        self.news.set()
        return True

    async def oldest(self) -> Sequence[Entry]:
        """The next batch: of the disk while there is one, then of memory. Raises AuditSpoolFull."""
        async with self._moving:
            while self._spool.count:
                if found := await self._spool.oldest(BATCH):
                    return found
            return list(islice(self._queue, BATCH))

    async def forget(self, count: int) -> None:
        """The oldest so many are stored. Raises AuditSpoolFull: they will be seen again.

        A batch is moved to the disk as a whole, so that it is there when anything is.
        """
        async with self._moving:
            if self._spool.count:
                await self._spool.forget(count)
            else:
                await self._drop(count)

    async def put_away(self) -> None:
        """Move to the disk what is in memory by now, batch by batch. Raises AuditSpoolFull: the rest stays."""
        async with self._moving:
            for _ in range(0, len(self._queue), BATCH):
                batch = list(islice(self._queue, BATCH))
                await self._spool.append(batch)
                await self._drop(len(batch))

    async def until_kept(self) -> None:
        """Wait until what is in memory now is stored or on the disk."""
        mark = self._offered
        async with self._room:
            await self._room.wait_for(lambda: self._offered - len(self._queue) >= mark)

    async def _drop(self, count: int) -> None:
        for _ in range(count):
            self._queue.popleft()
        async with self._room:
            self._room.notify_all()
