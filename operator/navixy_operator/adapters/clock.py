"""The port Clock on the machine's clocks."""

import asyncio
import time
from datetime import UTC, datetime


class SystemClock:
    """Time as it is; implements :class:`navixy_operator.ports.Clock`."""

    def now(self) -> datetime:
        """The moment, in UTC."""
        return datetime.now(UTC)

    def monotonic(self) -> float:
        """Seconds that only ever go forward."""
        return time.monotonic()

    async def sleep(self, seconds: float) -> None:
        """Wait."""
        await asyncio.sleep(seconds)
