"""One worker at a time for each customer: a cycle, a drift pass and a pin never act on the same one at once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager


class Claims:
    """Locks by customer reference, of one NavixySync; one that nobody wants takes no memory."""

    def __init__(self) -> None:
        self._locks: dict[str, asyncio.Lock] = {}
        self._wanted: dict[str, int] = {}

    def taken(self, customer_ref: str | None) -> bool:
        """Whether somebody works on the customer right now: what a person reads of it would not be the last word."""
        return (customer_ref or "") in self._wanted

    @asynccontextmanager
    async def hold(self, customer_ref: str | None) -> AsyncIterator[None]:
        """Wait until nobody else works on the customer; None is nobody's connection, which only cycles touch."""
        key = customer_ref or ""
        lock = self._locks.setdefault(key, asyncio.Lock())
        self._wanted[key] = self._wanted.get(key, 0) + 1
        try:
            async with lock:
                yield
        finally:
            self._wanted[key] -= 1
            if not self._wanted[key]:
                del self._wanted[key], self._locks[key]
