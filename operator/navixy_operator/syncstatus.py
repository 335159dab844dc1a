"""A NavixySync's status has one writer at a time: each change is computed from what is there now."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from navixy_operator.core.vocabulary import Kind
from navixy_operator.ports import Cluster, Resource

Compute = Callable[[Resource], Mapping[str, Any]]


@dataclass(frozen=True, slots=True)
class SyncStatus:
    """The status of one NavixySync, which cycles, drift passes and pins all write to."""

    cluster: Cluster
    namespace: str
    name: str
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def change(self, compute: Compute) -> Resource | None:
        """Read it, and write what ``compute`` makes of it, if that is something else; None: it is gone."""
        async with self._lock:
            sync = await self.cluster.resources.get(Kind.SYNC, self.namespace, self.name)
            if sync is None:
                return None
            return await self.cluster.resources.write_status(sync, compute(sync))
