"""The ports ``AuditStore`` and ``AuditReader`` over SQLAlchemy: bounded in time; constructing one does nothing."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from datetime import datetime
from functools import partial
from typing import Final

from sqlalchemy import Connection

from navixy_operator.adapters.audit import cursor, engines, paging, reading, writing
from navixy_operator.adapters.audit.lane import Lane
from navixy_operator.adapters.audit.source import parse
from navixy_operator.core.audit import Entry
from navixy_operator.errors import AuditUrlInvalid, InvalidSpec
from navixy_operator.ports import AuditPage, AuditQuery, Stretch

MAX_PAGE: Final = 10_000
CALL_SECONDS: Final = 10.0
PREPARE_SECONDS: Final = 60.0
"""Bringing the schema up to date, with waiting for another process that does the same."""
PREPARE_LOCK_SECONDS: Final = 40.0


class SqlAuditStore:
    """The audit trail in SQLite or PostgreSQL: one connection writes, another one reads beside it.

    ``timeout_seconds`` bounds every call but ``prepare``, which has a minute. A URL that cannot be used is told by the
    calls.
    """

    def __init__(self, url: str, *, timeout_seconds: float = CALL_SECONDS) -> None:
        self._url = url
        self._seconds = timeout_seconds
        self._writer: Lane | None = None
        self._reader: Lane | None = None

    def __repr__(self) -> str:
        try:
            return f"SqlAuditStore({parse(self._url).place})"
        except AuditUrlInvalid:
            return "SqlAuditStore(<invalid URL>)"

    async def prepare(self) -> None:
        """Connect, and bring the schema up to date under a lock (see the port)."""
        source = parse(self._url)
        if source.file is not None:
            await asyncio.to_thread(engines.make_file, source.file)
        lane = Lane(source, writing=True, seconds=PREPARE_SECONDS, lock_seconds=PREPARE_LOCK_SECONDS)
        try:
            await lane.run(_bring_up_to_date)
        finally:
            await lane.close()

    async def append(self, entries: Sequence[Entry]) -> None:
        """Store entries, all or none (see the port)."""
        if entries:
            await self._writing().run(partial(writing.append, entries=entries))

    async def purge(self, before: datetime, limit: int) -> int:
        """Delete perishable entries from before that moment, at most so many (see the port)."""
        return await self._writing().run(partial(writing.purge, before=before, limit=limit))

    async def page(self, query: AuditQuery) -> AuditPage:
        """One page (see the port)."""
        after = None if query.after is None else cursor.read(query.after)
        _check(query)
        return await self._reading().run(partial(paging.page, query=query, after=after))

    async def run(self, run_id: str) -> Sequence[Entry]:
        """All entries of one run, by ``seq`` (see the port)."""
        found: list[Entry] = []
        run = await self._reading().run(partial(reading.find_run, run_id=run_id))
        while run is not None:
            seq = found[-1].seq if found else -1
            more = await self._reading().run(partial(reading.entries_after, run=run, seq=seq))
            found += more
            if len(more) < reading.AT_ONCE:
                break
        return found

    async def scopes(self) -> Sequence[tuple[str, str]]:
        """Namespace and NavixySync of all that the trail has, in order."""
        return await self._reading().run(reading.scopes)

    async def chains(self, query: AuditQuery) -> AsyncIterator[Stretch]:
        """The chains of runs, in stretches (see the port). Each part is read in a transaction of its own."""
        last = 0
        while runs := await self._reading().run(partial(reading.runs_after, query=query, last=last)):
            last, seq = runs[-1].number, -1
            while runs:
                stretches = await self._reading().run(partial(reading.stretches_after, runs=runs, seq=seq))
                for stretch in stretches:
                    yield stretch
                ends = stretches[-1].ends
                runs = runs[len(stretches) - (0 if ends else 1) :]
                seq = -1 if ends else stretches[-1].links[-1].seq

    async def close(self) -> None:
        """Let go of all connections; what still runs is broken off."""
        lanes = [lane for lane in (self._writer, self._reader) if lane is not None]
        self._writer = self._reader = None
        for lane in lanes:
            await lane.close()

    def _writing(self) -> Lane:
        if self._writer is None:
            self._writer = self._lane(writing=True)
        return self._writer

    def _reading(self) -> Lane:
        if self._reader is None:
            self._reader = self._lane(writing=False)
        return self._reader

    def _lane(self, *, writing: bool) -> Lane:
        lock_seconds = min(engines.LOCK_SECONDS, self._seconds / 2)
        return Lane(parse(self._url), writing=writing, seconds=self._seconds, lock_seconds=lock_seconds)


def _bring_up_to_date(connection: Connection) -> None:
    # Alembic takes longer to import than most commands take to run, and they do not need it
    from navixy_operator.adapters.audit.preparing import bring_up_to_date  # noqa: PLC0415

    bring_up_to_date(connection)


def _check(query: AuditQuery) -> None:
    """Raises InvalidSpec."""
    if not 1 <= query.limit <= MAX_PAGE:
        message = f"A page of the audit trail has from 1 to {MAX_PAGE:,} entries, not {query.limit}"
        raise InvalidSpec(message)
    for name, moment in (("since", query.since), ("until", query.until)):
        if moment is not None and moment.utcoffset() is None:
            message = f"{name} has no time zone, so that nobody knows which moment it is"
            raise InvalidSpec(message)
