"""Around a cycle: the SyncCycle and the NavixySync say that it runs, and then how it ended, whatever happens."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from typing import Final

import structlog

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.chronicle import Chronicle
from navixy_operator.core import cyclestatus, report
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.vocabulary import CycleEvent, Phase, Reason
from navixy_operator.cycle import Finding, Order, run_cycle
from navixy_operator.errors import OperatorError
from navixy_operator.ports import Cluster, Outside, Resource

LAST_WORDS_SECONDS: Final = 5.0
"""Time for the closing status writes when the process is told to stop."""
EVENTS_SECONDS: Final = 15.0
"""Time for all Events of a cycle; the log and the SyncCycle have what does not get through."""

Connect = Callable[[Resource, NavixySyncSpec], AbstractAsyncContextManager[Outside]]
"""Opens what a cycle needs, for its length: secrets are read then, and forgotten after. Raises OperatorError."""


async def execute(cluster: Cluster, connect: Connect, sync: Resource, spec: NavixySyncSpec, cycle: Resource) -> None:
    """Run one SyncCycle from its first status write to its last. A dry run leaves the NavixySync as it is."""
    order, chronicle = order_for(sync, spec, cycle), Chronicle(cycle.name, sync)
    began = cluster.clock.monotonic()
    sync, cycle = await _begin(cluster, order, cycle)
    chronicle.tell(CycleEvent.SYNCHRONIZATION_STARTED, dry_run=order.dry_run)
    try:
        ending = await _attempt(connect, spec, order, chronicle)
    except asyncio.CancelledError:
        message = "the operator was told to stop while the cycle was running; what it wrote is there"
        ending = Ending(Phase.FAILED, Reason.INTERRUPTED, message)
        await asyncio.wait_for(_finish(cluster, order, sync, cycle, ending, began), LAST_WORDS_SECONDS)
        raise
    _tell_ending(chronicle, order, ending, seconds=cluster.clock.monotonic() - began)
    await _post(cluster, chronicle)
    await _finish(cluster, order, sync, cycle, ending, began)


def order_for(sync: Resource, spec: NavixySyncSpec, cycle: Resource) -> Order:
    """What a SyncCycle asks for, with its NavixySync's settings."""
    return Order(
        cycle=cycle.name,
        sync=sync,
        policy=spec.policy,
        hash_pattern=spec.hash_pattern,
        concurrency=spec.forwarding.concurrency,
        establish_timeout=spec.forwarding.establish_timeout_seconds,
        dry_run=bool(cycle.spec.get("dryRun")),
    )


def ending_of(finding: Finding) -> Ending:
    """The report of a cycle that came to its end (AC8)."""
    written = finding.published
    tally = report.counts(finding.snapshot, finding.decisions, finding.settled) | {
        "created": written.created,
        "updated": written.updated,
        "deleted": written.deleted,
    }
    details = report.details(finding.snapshot, finding.decisions, finding.settled, finding.validation, tally)
    partial = tally["establishFailed"] or tally["closeFailed"] or tally["pending"]
    reason = Reason.PARTIAL if partial else Reason.SYNCHRONIZED if finding.validation.passed else Reason.DISCREPANCIES
    return Ending(Phase.COMPLETED, reason, report.summary(tally), details)


async def _begin(cluster: Cluster, order: Order, cycle: Resource) -> tuple[Resource, Resource]:
    sync, resources = order.sync, cluster.resources
    now = cluster.clock.now()
    started = cyclestatus.cycle_started(cycle.status, generation=cycle.generation, now=now)
    cycle = await resources.write_status(cycle, started) or cycle
    if not order.dry_run:
        running = cyclestatus.sync_started(sync.status, cycle.name, generation=sync.generation, now=now)
        sync = await resources.write_status(sync, running) or sync
    return sync, cycle


async def _attempt(connect: Connect, spec: NavixySyncSpec, order: Order, chronicle: Chronicle) -> Ending:
    """The cycle itself; every error becomes an ending, so that one bad cycle never ends the operator."""
    try:
        async with connect(order.sync, spec) as outside:
            return ending_of(await run_cycle(order, outside, chronicle))
    except OperatorError as error:
        return Ending(Phase.FAILED, error.reason, str(error))
    except Exception as error:
        log = structlog.get_logger("navixy_operator.cycle")
        log.exception("InternalError", cycle=order.cycle, sync=order.sync.name, namespace=order.sync.namespace)
        message = f"a fault of the operator itself ({type(error).__name__}); its log has the details"
        return Ending(Phase.FAILED, Reason.INTERNAL_ERROR, message)


async def _post(cluster: Cluster, chronicle: Chronicle) -> None:
    try:
        async with asyncio.timeout(EVENTS_SECONDS):
            await chronicle.post(cluster.recorder)
    except TimeoutError:
        structlog.get_logger("navixy_operator.cycle").warning("EventsNotPosted", cycle=chronicle.cycle)


async def _finish(
    cluster: Cluster, order: Order, sync: Resource, cycle: Resource, ending: Ending, began: float
) -> None:
    """The SyncCycle's end is written last: who sees it finds all else in place."""
    now, seconds = cluster.clock.now(), cluster.clock.monotonic() - began
    status = cyclestatus.cycle_ended(cycle.status, ending, generation=cycle.generation, now=now, seconds=seconds)
    if not order.dry_run:
        changed = cyclestatus.sync_ended(sync.status, cycle.name, status, ending, generation=sync.generation, now=now)
        await cluster.resources.write_status(sync, changed)
    await cluster.resources.write_status(cycle, status)


def _tell_ending(chronicle: Chronicle, order: Order, ending: Ending, *, seconds: float) -> None:
    failed = ending.phase is Phase.FAILED
    event = CycleEvent.SYNCHRONIZATION_FAILED if failed else CycleEvent.SYNCHRONIZATION_COMPLETED
    chronicle.tell(
        event,
        warning=failed,
        reason=ending.reason.value,
        summary=ending.message,
        duration_seconds=round(seconds, 3),
        counts=dict(ending.counts),
    )
    prefix = "dry run " if order.dry_run else ""
    chronicle.headline(event, f"{prefix}{chronicle.cycle}: {ending.message}", warning=failed)
    if held := ending.details.get("heldCloses"):
        message = f"{held['count']} closes are held ({held['reason']}); {chronicle.cycle} lists them"
        chronicle.headline(CycleEvent.CLOSES_HELD, message, warning=True)
