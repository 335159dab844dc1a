"""One NavixySync, kept going: what is due is run, one cycle at a time, and the rest is waited for.

Everything is read anew at each turn, so that a missed event costs time and nothing else.
"""

import asyncio
import contextlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Final

import structlog
from pydantic import ValidationError

from navixy_operator import schedule
from navixy_operator.api.explain import explain_validation
from navixy_operator.api.sync import NavixySyncSpec, explain_name
from navixy_operator.approvals import heed_approvals
from navixy_operator.attendant import Attendant
from navixy_operator.chronicle import Chronicle
from navixy_operator.core.cyclestatus import cycle_waiting, sync_resting
from navixy_operator.core.vocabulary import Kind, LogEvent, Reason, RunKind
from navixy_operator.docket import Docket, next_of, waiting
from navixy_operator.errors import InvalidSpec, OperatorError
from navixy_operator.execution import Desk, execute, next_try
from navixy_operator.lookout import Lookout
from navixy_operator.ownership import owner_of
from navixy_operator.ports import Cluster, Resource
from navixy_operator.syncstatus import say_audited
from navixy_operator.upkeep import Upkeep

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
    desk: Desk
    turned_at: float = 0.0
    busy_with: str | None = None
    docket: Docket = field(init=False)
    upkeep: Upkeep = field(init=False)
    attendant: Attendant = field(init=False)
    lookout: Lookout = field(init=False)
    _woken: asyncio.Event = field(default_factory=asyncio.Event)
    _failures: int = 0
    _drift_at: float = 0.0

    def __post_init__(self) -> None:
        self.docket = Docket(self.desk)
        self.upkeep = Upkeep(self.desk)
        self.attendant = Attendant(self.cluster, self.name, self._attend, self._show_waiting)
        self.lookout = Lookout(self.desk, read_spec)

    @property
    def cluster(self) -> Cluster:
        """The API server, and time."""
        return self.desk.cluster

    def wake(self) -> None:
        """Something about this NavixySync or its cycles may have changed."""
        self._woken.set()

    async def say_audited(self) -> None:
        """Say on the NavixySync how the audit trail is; what fails, the next turn makes up for."""
        if (sync := self.desk.status.latest) is not None:
            with contextlib.suppress(OperatorError):
                await say_audited(self.desk.status, sync)

    async def run(self) -> None:
        """Turn until the NavixySync is gone or the task is cancelled; beside that, attend to customers and look out.

        Raises what has ended one of the tasks beside it, once the turn under way is over: pins or alerts would be dead.
        """
        place = f"{self.namespace}/{self.name}"
        beside = {
            asyncio.create_task(self.attendant.run(), name=f"attendant {place}"): "attends to single customers",
            asyncio.create_task(self.lookout.run(), name=f"lookout {place}"): "looks out for alerts",
        }
        for task in beside:
            task.add_done_callback(lambda _: self.wake())
        try:
            await self._turn_on(beside)
        finally:
            for task in beside:
                task.cancel()
            await asyncio.gather(*beside, return_exceptions=True)
        await self.lookout.last_words()

    async def _turn_on(self, beside: Mapping[asyncio.Task[None], str]) -> None:
        rest: float | None = 0.0
        while rest is not None:
            self._woken.clear()
            for task, does in beside.items():
                if task.done():
                    message = f"nobody {does} any more"
                    raise (None if task.cancelled() else task.exception()) or RuntimeError(message)
            self.turned_at = self.cluster.clock.monotonic()
            try:
                rest = await self.turn()
                self._failures = 0
            except OperatorError as error:
                rest = min(LONGEST_REST, AFTER_ERROR * 2**self._failures)
                self._failures += 1
                log = structlog.get_logger("navixy_operator.runner")
                place = {"namespace": self.namespace, "sync": self.name}
                log.warning(LogEvent.TURN_FAILED, **place, reason=error.reason.value, problem=str(error))
            if rest is not None:
                await self._wait(min(rest, LONGEST_REST))

    async def turn(self) -> float | None:
        """Look once, and run what is due; seconds until the next look, None when the NavixySync is gone."""
        sync = await self.cluster.resources.get(Kind.SYNC, self.namespace, self.name)
        if sync is None or sync.deleting:
            return None
        self.desk.status.saw(sync)
        sync = await say_audited(self.desk.status, sync)
        cycles = await self.docket.cycles()
        self.lookout.saw(cycles)
        self._show(cycles)
        sync = await self.docket.end_interrupted(sync, cycles, self._next_try(sync))
        try:
            spec = read_spec(sync)
            await self._refuse_shared(sync, spec)
        except InvalidSpec as error:
            return await self._stall(cycles, Reason.INVALID_SPEC, str(error))
        except _SharedError as shared:
            return await self._stall(cycles, Reason.FORWARDING_SHARED, str(shared))
        sync, due = await self.docket.scheduled(sync, spec)
        cycles += [*due, *await heed_approvals(self.cluster, cycles, lambda name: self._aside(sync, name))]
        if (cycle := next_of(cycles)) is not None:
            self.busy_with = cycle.name
            try:
                if await execute(self.desk, sync, spec, cycle):
                    self._drift_at = self.cluster.clock.monotonic() + spec.drift.interval_seconds
            finally:
                self.busy_with = None
            return 0.0
        await self.docket.prune(cycles, spec.history.cycles)
        drift_in = await self._drift(sync, spec)
        next_time = None if spec.suspend else schedule.next_due(spec.schedule, spec.time_zone, self.cluster.clock.now())
        await self._rest(next_time=next_time)
        if next_time is None:
            return min(LONGEST_REST, drift_in)
        return min(drift_in, max(0.0, (next_time - self.cluster.clock.now()).total_seconds()))

    def _show(self, cycles: Sequence[Resource]) -> None:
        """What the metrics show of it."""
        if (board := self.cluster.board) is not None:
            board.cycles_seen(self.namespace, self.name, cycles)

    def _show_waiting(self, count: int) -> None:
        if self.cluster.board is not None:
            self.cluster.board.waiting_seen(self.namespace, self.name, count)

    def _next_try(self, sync: Resource) -> str:
        try:
            return next_try(read_spec(sync), self.cluster.clock.now())
        except InvalidSpec:
            return "none: the NavixySync cannot run"

    def _aside(self, sync: Resource, name: str) -> Chronicle:
        """A story beside all passes."""
        return self.desk.chronicle(sync, name, RunKind.OPERATOR)

    async def _drift(self, sync: Resource, spec: NavixySyncSpec) -> float:
        """A drift pass if one is due; seconds until the next. None before the first cycle: nothing is desired yet."""
        if spec.suspend or not (sync.status.get("lastCycle") or await self._has_customers()):
            return LONGEST_REST
        now = self.cluster.clock.monotonic()
        if now >= self._drift_at:
            await self.upkeep.drift(sync, spec)
            self._drift_at = now + spec.drift.interval_seconds
        return max(0.0, self._drift_at - self.cluster.clock.monotonic())

    async def _has_customers(self) -> bool:
        """Whether a cycle that was cut off has left customers, or somebody declares one."""
        found = await self.cluster.resources.list(Kind.CUSTOMER, self.namespace)
        return any(item.spec.get("sync") == self.name for item in found)

    async def _attend(self, names: frozenset[str]) -> frozenset[str]:
        """Have customers attended to, with the NavixySync's settings of now; who must be looked at again soon.

        Raises OperatorError: it is repeated.
        """
        sync = await self.cluster.resources.get(Kind.SYNC, self.namespace, self.name)
        if sync is None or sync.deleting:
            return frozenset()
        try:
            spec = read_spec(sync)
            await self._refuse_shared(sync, spec)
        except (InvalidSpec, _SharedError):
            return frozenset()  # said on the NavixySync; a pass over all customers follows when it is mended
        return await self.upkeep.attend(sync, spec, names)

    async def _wait(self, seconds: float) -> None:
        if seconds > 0:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(seconds):  # wait_for swallows a cancellation that comes with a wake
                    await self._woken.wait()

    async def _refuse_shared(self, sync: Resource, spec: NavixySyncSpec) -> None:
        """Two that name the same F1.1 would close each other's connections: the younger does nothing (section 2)."""
        others = [item for place in self.served for item in await self.cluster.resources.list(Kind.SYNC, place)]
        if (owner := owner_of(spec.forwarding.url, others)) is not None and owner.uid != sync.uid:
            message = (
                f"the NavixySync {owner.namespace}/{owner.name} is older and owns the connections of this F1.1;"
                " give this one another spec.forwarding.url, or delete one of the two"
            )
            raise _SharedError(message)

    async def _stall(self, cycles: Sequence[Resource], reason: Reason, message: str) -> float:
        """Say on the NavixySync, and on every cycle that waits for it, what a person must mend."""
        await self._rest(stalled=(reason, message))
        for cycle in waiting(cycles):
            told = f"the NavixySync cannot run: {message}"
            await self.cluster.resources.write_status(cycle, cycle_waiting(cycle.status, reason, told))
        return LONGEST_REST

    async def _rest(self, *, stalled: tuple[Reason, str] | None = None, next_time: datetime | None = None) -> None:
        now = self.cluster.clock.now()
        await self.desk.status.change(
            lambda sync: sync_resting(
                sync.status, stalled=stalled, next_time=next_time, generation=sync.generation, now=now
            )
        )


class _SharedError(Exception):
    """Another NavixySync owns this F1.1."""


def read_spec(sync: Resource) -> NavixySyncSpec:
    """The NavixySync's settings. Raises InvalidSpec that names field, problem and remedy."""
    if (problem := explain_name(sync.name)) is not None:
        raise InvalidSpec(problem)
    try:
        return NavixySyncSpec.model_validate(dict(sync.spec))
    except ValidationError as error:
        raise InvalidSpec(explain_validation(error)) from None
