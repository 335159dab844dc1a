"""The SyncCycles of one NavixySync: which were cut off, which is due, which wait, and which are kept."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from navixy_operator import schedule
from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.cyclestatus import Ending, cycle_ended, sync_ended
from navixy_operator.core.vocabulary import LABEL_SYNC, Kind, Phase, Reason, RunKind
from navixy_operator.execution import Desk, tell_ending
from navixy_operator.ports import Resource
from navixy_operator.syncstatus import SyncStatus


@dataclass(frozen=True, slots=True)
class Docket:
    """Where the SyncCycles of one NavixySync are looked after, beside its status."""

    desk: Desk

    @property
    def status(self) -> SyncStatus:
        """The NavixySync's status."""
        return self.desk.status

    async def cycles(self) -> list[Resource]:
        """All of them that are not being deleted."""
        found = await self.status.cluster.resources.list(Kind.CYCLE, self.status.namespace)
        return [cycle for cycle in found if cycle.spec.get("sync") == self.status.name and not cycle.deleting]

    async def end_interrupted(self, sync: Resource, cycles: Sequence[Resource], retry: str) -> Resource:
        """A cycle found in progress while none is running was left by a process that is gone (design section 4).

        ``retry``: when the next is due.
        """
        for cycle in cycles:
            if cycle.status.get("phase") == Phase.IN_PROGRESS:
                message = "the operator stopped while the cycle was running; the resources it wrote are there"
                ending = Ending(Phase.FAILED, Reason.INTERRUPTED, message)
                now, since = self.status.cluster.clock.now(), datetime.fromisoformat(cycle.status["startTime"])
                seconds = max(0.0, (now - since).total_seconds())
                status = cycle_ended(cycle.status, ending, generation=cycle.generation, now=now, seconds=seconds)
                await self.status.cluster.resources.write_status(cycle, status)
                kind = RunKind.DRY_RUN if cycle.spec.get("dryRun") else RunKind.CYCLE
                chronicle = self.desk.chronicle(sync, cycle.name, kind)
                tell_ending(chronicle, ending, seconds=seconds, retry=retry)
                if sync.status.get("activeCycle") == cycle.name:
                    sync = await self._note_interrupted(cycle.name, status, ending, now) or sync
        return sync

    async def _note_interrupted(
        self, cycle: str, status: Mapping[str, Any], ending: Ending, now: datetime
    ) -> Resource | None:
        return await self.status.change(
            lambda sync: sync_ended(sync.status, cycle, status, ending, generation=sync.generation, now=now)
        )

    async def scheduled(self, sync: Resource, spec: NavixySyncSpec) -> tuple[Resource, list[Resource]]:
        """The run that is due by the clock, as a SyncCycle whose name follows from the time: created once."""
        after = datetime.fromisoformat(sync.status.get("lastScheduleTime") or sync.created_at)
        due = schedule.last_due(spec.schedule, spec.time_zone, after=after, now=self.status.cluster.clock.now())
        if due is None or spec.suspend:
            return sync, []
        created = await self.status.cluster.resources.create(
            Kind.CYCLE,
            self.status.namespace,
            f"{self.status.name}-{int(due.timestamp()) // 60}",
            spec={"sync": self.status.name, "scheduledTime": timestamp(due)},
            labels={LABEL_SYNC: self.status.name},
        )
        noted = await self.status.change(lambda sync: {**sync.status, "lastScheduleTime": timestamp(due)})
        return noted or sync, [] if created is None else [created]

    async def prune(self, cycles: Sequence[Resource], keep: int) -> None:
        """Delete all but the newest that have ended."""
        ended = [c for c in cycles if c.status.get("phase") in {Phase.COMPLETED, Phase.FAILED}]
        ended.sort(key=lambda item: (item.created_at, item.name), reverse=True)
        for cycle in ended[keep:]:
            await self.status.cluster.resources.delete(cycle)


def _age(cycle: Resource) -> tuple[str, int, str]:
    """Oldest first; within the one second that creation times are told in, by the version the API server gave."""
    version = int(cycle.resource_version) if cycle.resource_version.isdecimal() else 0
    return cycle.created_at, version, cycle.name


def next_of(cycles: Sequence[Resource]) -> Resource | None:
    """The one to run next; None: none waits."""
    return min(waiting(cycles), key=_age, default=None)


def waiting(cycles: Sequence[Resource]) -> list[Resource]:
    """Those that have not begun."""
    return [cycle for cycle in cycles if cycle.status.get("phase", Phase.PENDING) == Phase.PENDING]
