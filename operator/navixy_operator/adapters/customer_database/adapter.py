"""The port ``CustomerDatabase`` over SQLAlchemy: bounded in time, one read at once, nothing held between reads."""

import asyncio
from collections.abc import Callable

from navixy_operator.adapters.customer_database.reading import Read
from navixy_operator.adapters.customer_database.source import Source, parse
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import DatabaseUnavailable, DatabaseUrlInvalid


class SqlCustomerDatabase:
    """A customer database that SQLAlchemy can reach. ``query`` None: ``DEFAULT_QUERY``.

    ``timeout_seconds`` bounds a whole snapshot: connecting, the query, and the last row. Constructing it does nothing;
    a URL that cannot be used is told by ``snapshot``.
    """

    def __init__(self, url: str, *, query: str | None, timeout_seconds: float) -> None:
        self._url = url
        self._query = query if query is not None and query.strip() else None
        self._seconds = timeout_seconds
        self._turn = asyncio.Lock()
        self._read: Read | None = None

    def __repr__(self) -> str:
        try:
            source = parse(self._url)
        except DatabaseUrlInvalid:
            return "SqlCustomerDatabase(<invalid URL>)"
        return f"SqlCustomerDatabase({source.backend} {source.place})"

    async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
        """Hand every row to ``take`` (see the port)."""
        source = parse(self._url)
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                await self._end_of_last_read()
                outcome = await self._outcome(source, take)
        except TimeoutError:
            outcome = DatabaseUnavailable(
                f"The customer database {source.place} did not give all its rows within {self._seconds:g} s"
            )
        if outcome is not None:
            raise outcome

    async def close(self) -> None:
        """Break off a read that still runs; its thread is not waited for."""
        if self._read is not None:
            self._read.stop()
            self._read = None

    async def _end_of_last_read(self) -> None:
        """Wait for a read that was broken off, so that a driver that hangs never costs more than one thread."""
        if self._read is not None:
            await asyncio.wait_for(asyncio.wrap_future(self._read.ended), None)
            self._read = None

    async def _outcome(self, source: Source, take: Callable[[CustomerRow], None]) -> BaseException | None:
        self._read = read = Read(source, query=self._query, seconds=self._seconds, take=take)
        read.start()
        try:
            return await asyncio.wrap_future(read.ended)
        finally:
            read.stop()
