"""The port ``CustomerDatabase`` over SQLAlchemy: bounded in time, one read at once, nothing held between reads."""

import asyncio
from collections.abc import Callable, Collection

from navixy_operator.adapters.customer_database.lookup import LookUp
from navixy_operator.adapters.customer_database.reading import Read
from navixy_operator.adapters.customer_database.source import parse
from navixy_operator.core.model import CustomerRow
from navixy_operator.core.reading import read_text
from navixy_operator.errors import DatabaseUnavailable, DatabaseUrlInvalid


class SqlCustomerDatabase:
    """A customer database that SQLAlchemy can reach. ``query`` None: ``DEFAULT_QUERY``.

    ``timeout_seconds`` bounds a whole snapshot or look-up: connecting, the query, and the last row. Constructing it
    does nothing; a URL that cannot be used is told by those.
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
        await self._bounded(Read(parse(self._url), query=self._query, seconds=self._seconds, take=take))

    async def rows_of(self, customer_refs: Collection[str], take: Callable[[CustomerRow], None]) -> None:
        """Hand the rows of these customers to ``take``, those of no other (see the port). None: nobody is asked."""
        wanted = {text for ref in customer_refs if (text := read_text(ref)) is not None}
        if wanted:
            source = parse(self._url)
            await self._bounded(LookUp(source, query=self._query, seconds=self._seconds, take=take, wanted=wanted))

    async def close(self) -> None:
        """Break off a read that still runs; its thread is not waited for."""
        if self._read is not None:
            self._read.stop()
            self._read = None

    async def _bounded(self, read: Read) -> None:
        """Carry a read out when it is its turn, all in the time there is."""
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                await self._end_of_last_read()
                outcome = await self._outcome(read)
        except TimeoutError:
            outcome = DatabaseUnavailable(
                f"The customer database {read.place} did not give all its rows within {self._seconds:g} s"
            )
        if outcome is not None:
            raise outcome

    async def _end_of_last_read(self) -> None:
        """Wait for a read that was broken off, so that a driver that hangs never costs more than one thread."""
        if self._read is not None:
            await asyncio.wait_for(asyncio.wrap_future(self._read.ended), None)
            self._read = None

    async def _outcome(self, read: Read) -> BaseException | None:
        self._read = read
        read.start()
        try:
            return await asyncio.wrap_future(read.ended)
        finally:
            read.stop()
