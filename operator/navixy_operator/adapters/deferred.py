"""A customer database that is opened when it is first asked: a drift pass mostly needs none, nor its Secret."""

from collections.abc import Awaitable, Callable, Collection

from navixy_operator.core.model import CustomerRow
from navixy_operator.ports import CustomerDatabase


class DeferredDatabase:
    """Opens with ``opening`` once; implements :class:`navixy_operator.ports.CustomerDatabase`."""

    def __init__(self, opening: Callable[[], Awaitable[CustomerDatabase]]) -> None:
        self._opening = opening
        self._opened: CustomerDatabase | None = None

    async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
        """Hand every row to ``take``; raises also what opening raises (SecretNotFound)."""
        await (await self._open()).snapshot(take)

    async def rows_of(self, customer_refs: Collection[str], take: Callable[[CustomerRow], None]) -> None:
        """Hand the rows of these customers to ``take``; raises also what opening raises (SecretNotFound)."""
        await (await self._open()).rows_of(customer_refs, take)

    async def close(self) -> None:
        """Let go of all connections."""
        if self._opened is not None:
            await self._opened.close()

    async def _open(self) -> CustomerDatabase:
        if self._opened is None:
            self._opened = await self._opening()
        return self._opened
