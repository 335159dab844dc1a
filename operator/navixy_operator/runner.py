"""One NavixySync, kept going: what is due is run, one cycle at a time, and the rest is waited for.

Everything is read anew at each turn, so that a missed event costs time and nothing else.
"""

import asyncio
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError

from navixy_operator import schedule
from navixy_operator.api.explain import explain_validation
from navixy_operator.api.sync import NavixySyncSpec, explain_name
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.cyclestatus import Ending, cycle_ended, cycle_waiting, sync_ended, sync_resting
from navixy_operator.core.vocabulary import LABEL_SYNC, Kind, Phase, Reason
from navixy_operator.errors import InvalidSpec, OperatorError
from navixy_operator.execution import Connect, execute
from navixy_operator.ownership import owner_of
from navixy_operator.ports import Cluster, Resource

LONGEST_REST: Final = 60.0
"""Seconds after which a runner looks again although nothing was reported: what a silent watch costs at most."""
AFTER_ERROR: Final = 5.0
"""Seconds before the next turn after one that failed, doubled with each, up to the longest rest."""


@dataclass(slots=True)
class Runner:
    """The loop of one NavixySync. ``wake`` makes it look at once."""

    namespace: str
    name: str
    served: Sequence[str]
    cluster: Cluster
    connect: Connect
    turned_at: float = 0.0
    busy_with: str | None = None
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0

    def wake(self) -> None:
        """Something about this NavixySync or its cycles may have changed."""
        self._woken.set()

    async def run(self) -> None:
        """Turn until the NavixySync is gone or the task is cancelled."""
        rest: float | None = 0.0
        while rest is not None:
            self._woken.clear()
            self.turned_at = self.cluster.clock.monotonic()
            try:
                rest = await self.turn()
                self._failures = 0
            except OperatorError as error:
                rest = min(LONGEST_REST, AFTER_ERROR * 2**self._failures)
                self._failures += 1
                log = structlog.get_logger("navixy_operator.runner")
                place = {"namespace": self.namespace, "sync": self.name}
                log.warning("TurnFailed", **place, reason=error.reason.value, problem=str(error))
            if rest is not None:
                await self._wait(min(rest, LONGEST_REST))

    async def turn(self) -> float | None:
        """Look once, and run what is due; seconds until the next look, None when the NavixySync is gone."""
        sync = await self.cluster.resources.get(Kind.SYNC, self.namespace, self.name)
        if sync is None or sync.deleting:
            return None
        cycles = await self._cycles()
        sync = await self._end_interrupted(sync, cycles)
        try:
            spec = read_spec(sync)
            await self._refuse_shared(sync, spec)
        except InvalidSpec as error:
            return await self._stall(sync, cycles, Reason.INVALID_SPEC, str(error))
        except _SharedError as shared:
            return await self._stall(sync, cycles, Reason.FORWARDING_SHARED, str(shared))
        sync, due = await self._scheduled(sync, spec)
        cycles += due
        if waiting := _waiting(cycles):
            cycle = min(waiting, key=_age)
            self.busy_with = cycle.name
            try:
                await execute(self.cluster, self.connect, sync, spec, cycle)
            finally:
                self.busy_with = None
            return 0.0
        await self._prune(cycles, spec.history.cycles)
        next_time = None if spec.suspend else schedule.next_due(spec.schedule, spec.time_zone, self.cluster.clock.now())
        await self._rest(sync, next_time=next_time)
        return LONGEST_REST if next_time is None else max(0.0, (next_time - self.cluster.clock.now()).total_seconds())

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            try:
                await asyncio.wait_for(self._woken.wait(), seconds)
            except TimeoutError:
                return

    async def _cycles(self) -> list[Resource]:
        found = await self.cluster.resources.list(Kind.CYCLE, self.namespace)
        return [cycle for cycle in found if cycle.spec.get("sync") == self.name and not cycle.deleting]

    async def _end_interrupted(self, sync: Resource, cycles: Sequence[Resource]) -> Resource:
        """A cycle found in progress while none is running was left by a process that is gone (design section 4)."""
        for cycle in cycles:
            if cycle.status.get("phase") == Phase.IN_PROGRESS:
                message = "the operator stopped while the cycle was running; the resources it wrote are there"
                ending = Ending(Phase.FAILED, Reason.INTERRUPTED, message)
                now, since = self.cluster.clock.now(), datetime.fromisoformat(cycle.status["startTime"])
                seconds = max(0.0, (now - since).total_seconds())
                status = cycle_ended(cycle.status, ending, generation=cycle.generation, now=now, seconds=seconds)
                await self.cluster.resources.write_status(cycle, status)
                if sync.status.get("activeCycle") == cycle.name:
                    told = sync_ended(sync.status, cycle.name, status, ending, generation=sync.generation, now=now)
                    sync = await self.cluster.resources.write_status(sync, told) or sync
        return sync

    async def _scheduled(self, sync: Resource, spec: NavixySyncSpec) -> tuple[Resource, list[Resource]]:
        """The run that is due by the clock, as a SyncCycle whose name follows from the time: created once."""
        after = datetime.fromisoformat(sync.status.get("lastScheduleTime") or sync.created_at)
        due = schedule.last_due(spec.schedule, spec.time_zone, after=after, now=self.cluster.clock.now())
        if due is None or spec.suspend:
            return sync, []
        created = await self.cluster.resources.create(
            Kind.CYCLE,
            self.namespace,
            f"{self.name}-{int(due.timestamp()) // 60}",
            spec={"sync": self.name, "scheduledTime": timestamp(due)},
            labels={LABEL_SYNC: self.name},
        )
        status = {**sync.status, "lastScheduleTime": timestamp(due)}
        return await self.cluster.resources.write_status(sync, status) or sync, [] if created is None else [created]

    async def _refuse_shared(self, sync: Resource, spec: NavixySyncSpec) -> None:
        """Two that name the same F1.1 would close each other's connections: the younger does nothing (section 2)."""
        others = [item for place in self.served for item in await self.cluster.resources.list(Kind.SYNC, place)]
        if (owner := owner_of(spec.forwarding.url, others)) is not None and owner.uid != sync.uid:
            message = (
                f"the NavixySync {owner.namespace}/{owner.name} is older and owns the connections of this F1.1;"
                " give this one another spec.forwarding.url, or delete one of the two"
            )
            raise _SharedError(message)

    async def _stall(self, sync: Resource, cycles: Sequence[Resource], reason: Reason, message: str) -> float:
        """Say on the NavixySync, and on every cycle that waits for it, what a person must mend."""
        await self._rest(sync, stalled=(reason, message))
        for cycle in _waiting(cycles):
            told = f"the NavixySync cannot run: {message}"
            await self.cluster.resources.write_status(cycle, cycle_waiting(cycle.status, reason, told))
        return LONGEST_REST

    async def _rest(
        self, sync: Resource, *, stalled: tuple[Reason, str] | None = None, next_time: datetime | None = None
    ) -> None:
        current = await self.cluster.resources.get(Kind.SYNC, self.namespace, self.name) or sync
        status = sync_resting(
            current.status,
            stalled=stalled,
            next_time=next_time,
            generation=current.generation,
            now=self.cluster.clock.now(),
        )
        await self.cluster.resources.write_status(current, status)

    async def _prune(self, cycles: Sequence[Resource], keep: int) -> None:
        ended = [c for c in cycles if c.status.get("phase") in {Phase.COMPLETED, Phase.FAILED}]
        ended.sort(key=lambda item: (item.created_at, item.name), reverse=True)
        for cycle in ended[keep:]:
            await self.cluster.resources.delete(cycle)


class _SharedError(Exception):
    """Another NavixySync owns this F1.1."""


def _age(cycle: Resource) -> tuple[str, int, str]:
    """Oldest first; within the one second that creation times are told in, by the version the API server gave."""
    version = int(cycle.resource_version) if cycle.resource_version.isdecimal() else 0
    return cycle.created_at, version, cycle.name


def _waiting(cycles: Sequence[Resource]) -> list[Resource]:
    return [cycle for cycle in cycles if cycle.status.get("phase", Phase.PENDING) == Phase.PENDING]


def read_spec(sync: Resource) -> NavixySyncSpec:
    """The NavixySync's settings. Raises InvalidSpec that names field, problem and remedy."""
    if (problem := explain_name(sync.name)) is not None:
        raise InvalidSpec(problem)
    try:
        return NavixySyncSpec.model_validate(dict(sync.spec))
    except ValidationError as error:
        raise InvalidSpec(explain_validation(error)) from None
