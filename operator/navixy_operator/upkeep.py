"""Around a drift pass: what it needs is opened, what it found is written to the NavixySync, and trouble is told."""

from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import timedelta

import structlog

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.chronicle import Chronicle
from navixy_operator.core import driftstatus
from navixy_operator.core.conditions import find
from navixy_operator.core.outcome import Settled
from navixy_operator.core.vocabulary import Condition, EventName, EventStatus, Kind, LogEvent, Outcome, RunKind
from navixy_operator.drift import Drifted, Pass, attend, run_drift
from navixy_operator.driftmemory import Memory
from navixy_operator.errors import (
    ForwardingProtocolError,
    ForwardingUnauthorized,
    ForwardingUnavailable,
    OperatorError,
    SecretNotFound,
)
from navixy_operator.execution import Desk, order_for, post
from navixy_operator.ports import Resource

_OF_FORWARDING = (ForwardingUnavailable, ForwardingUnauthorized, ForwardingProtocolError, SecretNotFound)


@dataclass(slots=True)
class Upkeep:
    """The drift passes of one NavixySync."""

    desk: Desk
    memory: Memory = field(default_factory=Memory)
    _service: str = ""

    async def drift(self, sync: Resource, spec: NavixySyncSpec) -> None:
        """One pass over all customers. That F1.1 does not answer is said on the NavixySync, and tried again later.

        Raises OperatorError for the API server's trouble.
        """
        chronicle, began = self._chronicle(RunKind.DRIFT, sync), self.desk.cluster.clock.monotonic()
        try:
            async with self._pass(sync, spec, chronicle) as work:
                drifted = await run_drift(work)
        except _OF_FORWARDING as error:
            await self._tell_trouble(sync, Condition.FORWARDING_AVAILABLE, error)
            return
        _tell(chronicle, drifted.settled)
        await post(self.desk.cluster, chronicle)
        await self._write(sync, drifted)
        seconds, decided = round(self.desk.cluster.clock.monotonic() - began, 3), len(drifted.settled)
        if (board := self.desk.cluster.board) is not None:
            board.drift_passed(sync.namespace, sync.name, seconds)
        log = structlog.get_logger("navixy_operator.drift")
        log.debug(
            LogEvent.DRIFT_PASS, namespace=sync.namespace, sync=sync.name, duration_seconds=seconds, decided=decided
        )

    async def attend(self, sync: Resource, spec: NavixySyncSpec, names: Collection[str]) -> frozenset[str]:
        """One pass over the customers whose resources have these names; those of them that have not come to rest.

        Raises OperatorError: it must be repeated.
        """
        chronicle = self._chronicle(RunKind.ATTEND, sync)
        async with self._pass(sync, spec, chronicle) as work:
            drifted = await attend(work, names)
        if (trouble := drifted.looked_up.trouble) is not None:
            await self._tell_trouble(sync, Condition.DATABASE_AVAILABLE, trouble)
        await post(self.desk.cluster, chronicle)
        restless = {e.decision.name for e in drifted.settled if e.outcome in {Outcome.FAILED, Outcome.PENDING}}
        return frozenset(name for name in names if drifted.refs.get(name) in restless | drifted.busy)

    @asynccontextmanager
    async def _pass(self, sync: Resource, spec: NavixySyncSpec, chronicle: Chronicle) -> AsyncIterator[Pass]:
        if spec.forwarding.url != self._service:  # what was remembered is of another F1.1
            self.memory, self._service = Memory(), spec.forwarding.url
        self.memory.first_pause = timedelta(seconds=spec.drift.interval_seconds)
        order = replace(order_for(sync, spec, _no_cycle(sync, chronicle)), claims=self.desk.claims)
        async with self.desk.connect(sync, spec) as outside:
            yield Pass(order, outside, chronicle, self.memory, self._note_closes)

    async def _note_closes(self, count: int) -> None:
        now = self.desk.cluster.clock.now()
        await self.desk.status.change(lambda sync: driftstatus.closes_noted(sync.status, count, now))

    async def _write(self, sync: Resource, drifted: Drifted) -> None:
        """The NavixySync's status, if it changes: an unchanged pass asks nothing and writes nothing."""
        counts, trouble, now = drifted.counts, drifted.looked_up.trouble, self.desk.cluster.clock.now()
        if trouble is not None:
            await self._tell_trouble(sync, Condition.DATABASE_AVAILABLE, trouble)
        if counts is None:
            return

        def compute(current: Resource) -> dict[str, object]:
            return driftstatus.sync_drifted(current.status, counts, generation=current.generation, now=now)

        if compute(sync) != sync.status:
            await self.desk.status.change(compute)

    async def _tell_trouble(self, sync: Resource, kind: Condition, error: OperatorError) -> None:
        """Say on the NavixySync, in the log and in an Event what did not answer; once, until it does again."""
        reason, message, now = error.reason, str(error), self.desk.cluster.clock.now()
        before = find(sync.status.get("conditions", ()), kind)
        if before is not None and (before["status"], before["reason"]) == ("False", reason):
            return
        await self.desk.status.change(
            lambda current: driftstatus.sync_drift_failed(
                current.status, kind, reason, message, generation=current.generation, now=now
            )
        )
        log = structlog.get_logger("navixy_operator.drift")
        log.warning(
            LogEvent.DRIFT_TROUBLE, namespace=sync.namespace, sync=sync.name, reason=reason.value, problem=message
        )
        await self.desk.cluster.recorder.record(sync, warning=True, reason=reason.value, message=message)

    def _chronicle(self, kind: RunKind, sync: Resource) -> Chronicle:
        moment = self.desk.cluster.clock.now().strftime("%Y%m%dT%H%M%SZ")
        return self.desk.chronicle(sync, f"{kind.value}-{moment}", kind)


def _tell(chronicle: Chronicle, settled: tuple[Settled, ...]) -> None:
    """One Event about the NavixySync for a pass that did something."""
    done = [entry for entry in settled if entry.outcome is Outcome.SUCCEEDED]
    opened, closed = sum(entry.decision.opens for entry in done), sum(len(entry.decision.closes) for entry in done)
    failed = sum(entry.outcome is Outcome.FAILED for entry in settled)
    if opened or closed or failed:
        status = EventStatus.FAILED if failed else EventStatus.SUCCEEDED
        chronicle.tell(EventName.DRIFT_REPAIRED, status=status, established=opened, closed=closed, failed=failed)
        message = f"between cycles: {opened} established, {closed} closed, {failed} failed"
        chronicle.headline(EventName.DRIFT_REPAIRED, message, warning=failed > 0)


def _no_cycle(sync: Resource, chronicle: Chronicle) -> Resource:
    """What stands for a SyncCycle where there is none."""
    return replace(sync, kind=Kind.CYCLE, name=chronicle.cycle, spec={"sync": sync.name}, status={})
