"""Around a cycle: the SyncCycle and the NavixySync say that it runs, and then how it ended, whatever happens."""

import asyncio
from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from typing import Final

import structlog

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.approvals import approved_cycle, use_up
from navixy_operator.chronicle import Chronicle
from navixy_operator.claims import Claims
from navixy_operator.core import cyclestatus, report
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.guards import Limits
from navixy_operator.core.vocabulary import CycleEvent, Phase, Reason
from navixy_operator.cycle import Finding, Order, run_cycle
from navixy_operator.errors import OperatorError
from navixy_operator.ports import Cluster, Outside, Resource
from navixy_operator.syncstatus import SyncStatus

LAST_WORDS_SECONDS: Final = 5.0
"""Time for the closing status writes when the process is told to stop."""
EVENTS_SECONDS: Final = 15.0
"""Time for all Events of a cycle; the log and the SyncCycle have what does not get through."""

Connect = Callable[[Resource, NavixySyncSpec], AbstractAsyncContextManager[Outside]]
"""Opens what a cycle needs, for its length: secrets are read then, and forgotten after. Raises OperatorError."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the passes of one NavixySync are run from: the cluster, the way outside, its status, the claims."""

    cluster: Cluster
    connect: Connect
    status: SyncStatus
    claims: Claims = field(default_factory=Claims)


async def execute(desk: Desk, sync: Resource, spec: NavixySyncSpec, cycle: Resource) -> bool:
    """Run one SyncCycle from its first status write to its last; whether everything was looked at and acted on.

    A dry run leaves the NavixySync as it is.
    """
    cluster, chronicle = desk.cluster, Chronicle(cycle.name, sync)
    began = cluster.clock.monotonic()
    order = replace(order_for(sync, spec, cycle), claims=desk.claims)
    cycle = await _begin(desk, order, cycle)
    chronicle.tell(CycleEvent.SYNCHRONIZATION_STARTED, dry_run=order.dry_run)
    try:
        ending = await _attempt(desk, spec, order, cycle, chronicle)
    except asyncio.CancelledError:
        message = "the operator was told to stop while the cycle was running; what it wrote is there"
        ending = Ending(Phase.FAILED, Reason.INTERRUPTED, message)
        await asyncio.wait_for(_finish(desk, order, cycle, ending, began), LAST_WORDS_SECONDS)
        raise
    _tell_ending(chronicle, order, ending, seconds=cluster.clock.monotonic() - began)
    await post(cluster, chronicle)
    await _finish(desk, order, cycle, ending, began)
    return ending.phase is Phase.COMPLETED and not order.dry_run


def order_for(sync: Resource, spec: NavixySyncSpec, cycle: Resource) -> Order:
    """What a SyncCycle asks for, with its NavixySync's settings."""
    return Order(
        cycle=cycle.name,
        sync=sync,
        policy=spec.policy,
        hash_pattern=spec.hash_pattern,
        concurrency=spec.forwarding.concurrency,
        establish_timeout=spec.forwarding.establish_timeout_seconds,
        limits=Limits(spec.guards.max_close_percent, spec.guards.min_closes, spec.guards.max_shrink_percent),
        persistent=spec.alerts.persistent_cycles,
        soon=spec.retry.failed == "Backoff",
        dry_run=bool(cycle.spec.get("dryRun")),
    )


def ending_of(finding: Finding) -> Ending:
    """The report of a cycle that came to its end (AC8)."""
    written = finding.published
    tally = report.counts(finding.snapshot, finding.decisions, finding.settled) | {
        "created": written.created,
        "updated": written.updated,
        "deleted": written.deleted,
        "persistent": written.persistent,
    }
    details = report.details(finding.snapshot, finding.decisions, finding.settled, finding.validation, tally)
    partial = tally["establishFailed"] or tally["closeFailed"] or tally["pending"]
    reason = Reason.PARTIAL if partial else Reason.SYNCHRONIZED if finding.validation.passed else Reason.DISCREPANCIES
    return Ending(Phase.COMPLETED, reason, report.summary(tally), details)


async def _begin(desk: Desk, order: Order, cycle: Resource) -> Resource:
    now = desk.cluster.clock.now()
    started = cyclestatus.cycle_started(cycle.status, generation=cycle.generation, now=now)
    cycle = await desk.cluster.resources.write_status(cycle, started) or cycle
    if not order.dry_run:
        await desk.status.change(
            lambda sync: cyclestatus.sync_started(sync.status, cycle.name, generation=sync.generation, now=now)
        )
    return cycle


async def _attempt(desk: Desk, spec: NavixySyncSpec, order: Order, cycle: Resource, chronicle: Chronicle) -> Ending:
    """The cycle itself; every error becomes an ending, so that one bad cycle never ends the operator."""
    try:
        approving = await approved_cycle(desk.cluster, cycle)
        if approving is not None:
            order = replace(order, approval=approving.approval, approved_for=approving.held_for)
        async with desk.connect(order.sync, spec) as outside:
            finding = await run_cycle(order, outside, chronicle)
        if approving is not None and not order.dry_run:
            await use_up(desk.cluster, approving, finding.settled, chronicle)
        return ending_of(finding)
    except OperatorError as error:
        return Ending(Phase.FAILED, error.reason, str(error))
    except Exception as error:
        log = structlog.get_logger("navixy_operator.cycle")
        log.exception("InternalError", cycle=order.cycle, sync=order.sync.name, namespace=order.sync.namespace)
        message = f"a fault of the operator itself ({type(error).__name__}); its log has the details"
        return Ending(Phase.FAILED, Reason.INTERNAL_ERROR, message)


async def post(cluster: Cluster, chronicle: Chronicle) -> None:
    """Post a pass's Events, within bounds of number and time."""
    try:
        async with asyncio.timeout(EVENTS_SECONDS):
            await chronicle.post(cluster.recorder)
    except TimeoutError:
        structlog.get_logger("navixy_operator.cycle").warning("EventsNotPosted", cycle=chronicle.cycle)


async def _finish(desk: Desk, order: Order, cycle: Resource, ending: Ending, began: float) -> None:
    """The SyncCycle's end is written last: who sees it finds all else in place."""
    clock = desk.cluster.clock
    now, seconds = clock.now(), clock.monotonic() - began
    status = cyclestatus.cycle_ended(cycle.status, ending, generation=cycle.generation, now=now, seconds=seconds)
    if not order.dry_run:
        await desk.status.change(
            lambda sync: cyclestatus.sync_ended(
                sync.status,
                cycle.name,
                status,
                ending,
                generation=sync.generation,
                now=now,
                persistent=order.persistent,
            )
        )
    await desk.cluster.resources.write_status(cycle, status)


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
    _tell_what_is_wrong(chronicle, order, ending)
    if held := ending.details.get("heldCloses"):
        message = f"{held['count']} closes are held ({held['reason']}); {chronicle.cycle} lists them"
        chronicle.headline(CycleEvent.CLOSES_HELD, message, warning=True)


def _tell_what_is_wrong(chronicle: Chronicle, order: Order, ending: Ending) -> None:
    """Connection Count Mismatch (AC11), and discrepancies that persist from cycle to cycle."""
    if ending.phase is not Phase.COMPLETED or ending.in_sync or order.dry_run:
        return
    found = ending.details["validation"]
    expected, actual, problems = found["expected"], found["actual"], "; ".join(found["messages"])
    if expected != actual:
        event = CycleEvent.COUNT_MISMATCH
        chronicle.tell(event, warning=True, expected=expected, actual=actual, problems=found["messages"])
        chronicle.headline(event, f"{chronicle.cycle}: {problems}", warning=True)
    cycles = order.sync.status.get("discrepantCycles", 0) + 1
    if cycles > order.persistent:
        event = CycleEvent.PERSISTENT_DISCREPANCIES
        chronicle.tell(event, warning=True, cycles=cycles, problems=found["messages"])
        chronicle.headline(event, f"for {cycles} cycles in a row now: {problems}", warning=True)
