"""A NavixySync's status has one writer at a time: each change is computed from what is there now."""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from navixy_operator.core.auditstatus import sync_audited
from navixy_operator.core.conditions import find
from navixy_operator.core.vocabulary import Condition, EventName, Kind
from navixy_operator.ports import Cluster, Resource

Compute = Callable[[Resource], Mapping[str, Any]]


@dataclass(slots=True)
class SyncStatus:
    """The status of one NavixySync, which cycles, drift passes, pins and alerts all write to.

    ``latest``: the NavixySync as it was last read or written; None: not yet. ``watchers`` are called, on the event
    loop, when its spec or status is another than before: whoever looks at it needs no request of its own.
    """

    cluster: Cluster
    namespace: str
    name: str
    latest: Resource | None = None
    watchers: list[Callable[[], None]] = field(default_factory=list)
    _lock: asyncio.Lock = field(default_factory=asyncio.Lock)

    async def change(self, compute: Compute) -> Resource | None:
        """Read it, and write what ``compute`` makes of it, if that is something else; None: it is gone."""
        async with self._lock:
            sync = await self.cluster.resources.get(Kind.SYNC, self.namespace, self.name)
            if sync is None:
                return None
            changed = await self.cluster.resources.write_status(sync, compute(sync))
            self.saw(changed or sync)
            return changed

    def saw(self, sync: Resource) -> None:
        """The NavixySync was read just now. One that is older than what is known is no news."""
        before = self.latest
        if before is not None and _version(sync) < _version(before) and sync.uid == before.uid:
            return
        self.latest = sync
        if self.cluster.board is not None:
            self.cluster.board.sync_seen(sync)
        if before is None or (sync.uid, sync.spec, sync.status) != (before.uid, before.spec, before.status):
            for watcher in self.watchers:
                watcher()


async def say_audited(status: SyncStatus, sync: Resource) -> Resource:
    """Say on the NavixySync how the audit trail is, where it says something else; the NavixySync as it is now.

    An Event tells that trouble begins or ends. Raises OperatorError.
    """
    if (trail := status.cluster.trail) is None:
        return sync
    trouble, now = trail.state.trouble, status.cluster.clock.now()
    was_well = True

    def compute(current: Resource) -> Mapping[str, Any]:
        nonlocal was_well
        before = find(current.status.get("conditions", ()), Condition.AUDIT_AVAILABLE)
        was_well = before is None or before["status"] == "True"
        return sync_audited(current.status, trouble, generation=current.generation, now=now)

    if compute(sync) is sync.status:
        return sync
    changed = await status.change(compute)
    if was_well and trouble is not None:
        event = EventName.AUDIT_UNAVAILABLE.value
        await status.cluster.recorder.record(sync, warning=True, reason=event, message=trouble[1])
    elif trouble is None and not was_well:
        event, message = EventName.AUDIT_RESTORED.value, "all that had to wait is stored in the audit trail's database"
        await status.cluster.recorder.record(sync, warning=False, reason=event, message=message)
    return changed or sync


def _version(sync: Resource) -> int:
    """Grows with each write, as every API server has it; 0 where it cannot be told."""
    return int(sync.resource_version) if sync.resource_version.isdecimal() else 0
