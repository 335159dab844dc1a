"""A customer database whose queries are timed, whatever is behind it."""

import time
from collections.abc import Awaitable, Callable, Collection

from navixy_operator.core.model import CustomerRow
from navixy_operator.core.vocabulary import Operation, Reason, Result
from navixy_operator.errors import OperatorError
from navixy_operator.ports import CustomerDatabase

Timed = Callable[[Operation, Result | Reason, float], None]
"""Hears of each query: what was asked, ``succeeded`` or the error's reason, seconds. Cheap, never raises."""


class TimedDatabase:
    """Implements :class:`navixy_operator.ports.CustomerDatabase` around another one."""

    def __init__(self, database: CustomerDatabase, timed: Timed) -> None:
        self._database = database
        self._timed = timed

    async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
        """As the database's own."""
        await self._time(Operation.SNAPSHOT, self._database.snapshot(take))

    async def rows_of(self, customer_refs: Collection[str], take: Callable[[CustomerRow], None]) -> None:
        """As the database's own."""
        await self._time(Operation.ROWS_OF, self._database.rows_of(customer_refs, take))

    async def close(self) -> None:
        """Let go of all connections."""
        await self._database.close()

    async def _time(self, operation: Operation, query: Awaitable[None]) -> None:
        """Wait for a query; one that is cancelled has no result."""
        began = time.monotonic()
        try:
            await query
        except Exception as error:
            reason = error.reason if isinstance(error, OperatorError) else Reason.INTERNAL_ERROR
            self._timed(operation, reason, time.monotonic() - began)
            raise
        self._timed(operation, Result.SUCCEEDED, time.monotonic() - began)
