"""Around a cycle: the SyncCycle and the NavixySync say that it runs, and then how it ended, whatever happens."""

import asyncio
from collections.abc import Callable, Mapping
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final

import structlog

from navixy_operator import schedule
from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.approvals import approved_cycle, use_up
from navixy_operator.chronicle import Chronicle
from navixy_operator.claims import Claims
from navixy_operator.core import cyclestatus, report
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.guards import Limits
from navixy_operator.core.vocabulary import EventName, EventStatus, LogEvent, Phase, Reason, RunKind
from navixy_operator.cycle import Finding, Order, run_cycle
from navixy_operator.errors import OperatorError
from navixy_operator.ports import Cluster, Observer, Outside, Resource
from navixy_operator.steps import recorded
from navixy_operator.syncstatus import SyncStatus

LAST_WORDS_SECONDS: Final = 5.0
"""Time for the closing status writes when the process is told to stop."""
AUDIT_SECONDS: Final = 3.0
"""How long the end of a cycle waits for its story to be stored or spooled."""
EVENTS_SECONDS: Final = 15.0
"""Time for all Events of a cycle; the log and the SyncCycle have what does not get through."""

Connect = Callable[[Resource, NavixySyncSpec], AbstractAsyncContextManager[Outside]]
"""Opens what a cycle needs, for its length: secrets are read then, and forgotten after. Raises OperatorError."""


@dataclass(frozen=True, slots=True)
class Desk:
    """Where the passes of one NavixySync are run from: the cluster, the way outside, its status, the claims.

    ``hearers``: who hears of this NavixySync alone, besides those who hear of everything. ``alert_repeat_seconds``: how
    often Alertmanager is told of an alert that lasts.
    """

    cluster: Cluster
    connect: Connect
    status: SyncStatus
    claims: Claims = field(default_factory=Claims)
    hearers: list[Observer] = field(default_factory=list)
    alert_repeat_seconds: float = 60.0

    def chronicle(self, sync: Resource, name: str, kind: RunKind) -> Chronicle:
        """The story of a run that begins now."""
        return Chronicle(name, sync, self.cluster.clock, (*self.cluster.observers, *self.hearers), kind)


async def execute(desk: Desk, sync: Resource, spec: NavixySyncSpec, cycle: Resource) -> bool:
    """Run one SyncCycle from its first status write to its last; whether everything was looked at and acted on.

    A dry run leaves the NavixySync as it is.
    """
    cluster = desk.cluster
    began = cluster.clock.monotonic()
    order = replace(order_for(sync, spec, cycle), claims=desk.claims)
    chronicle = desk.chronicle(sync, cycle.name, RunKind.DRY_RUN if order.dry_run else RunKind.CYCLE)
    cycle = await _begin(desk, order, cycle)
    scheduled = cycle.spec.get("scheduledTime")
    chronicle.tell(EventName.SYNCHRONIZATION_STARTED, status=EventStatus.IN_PROGRESS, scheduled_time=scheduled)
    with recorded() as steps:
        try:
            ending = await _attempt(desk, spec, order, cycle, chronicle)
        except asyncio.CancelledError:
            message = "the operator was told to stop while the cycle was running; what it wrote is there"
            ending = Ending(Phase.FAILED, Reason.INTERRUPTED, message)
            tell_ending(chronicle, ending, seconds=cluster.clock.monotonic() - began, steps=steps)
            await _last_words(desk, order, cycle, ending, began, chronicle.run.id)
            raise
    retry = next_try(spec, cluster.clock.now())
    tell_ending(chronicle, ending, seconds=cluster.clock.monotonic() - began, steps=steps, retry=retry)
    _note_ending(chronicle, order, ending)
    try:
        await post(cluster, chronicle)
    except asyncio.CancelledError:  # the end has been told: the next process must not tell another one
        await _last_words(desk, order, cycle, ending, began, chronicle.run.id)
        raise
    await _finish(desk, order, cycle, ending, began, chronicle.run.id)
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
        log.exception(LogEvent.INTERNAL_ERROR, cycle=order.cycle, sync=order.sync.name, namespace=order.sync.namespace)
        message = f"a fault of the operator itself ({type(error).__name__}); its log has the details"
        return Ending(Phase.FAILED, Reason.INTERNAL_ERROR, message)


async def post(cluster: Cluster, chronicle: Chronicle) -> None:
    """Post a pass's Events, within bounds of number and time."""
    try:
        async with asyncio.timeout(EVENTS_SECONDS):
            await chronicle.post(cluster.recorder)
    except TimeoutError:
        structlog.get_logger("navixy_operator.cycle").warning(LogEvent.EVENTS_NOT_POSTED, cycle=chronicle.cycle)


async def _finish(desk: Desk, order: Order, cycle: Resource, ending: Ending, began: float, run_id: str) -> None:
    """The SyncCycle's end is written last: who sees it finds all else in place."""
    digest = await _audited(desk.cluster, run_id)
    clock = desk.cluster.clock
    now, seconds = clock.now(), clock.monotonic() - began
    status = cyclestatus.cycle_ended(cycle.status, ending, generation=cycle.generation, now=now, seconds=seconds)
    status |= {"auditDigest": digest} if digest else {}
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


async def _last_words(desk: Desk, order: Order, cycle: Resource, ending: Ending, began: float, run_id: str) -> None:
    """The end of a cycle whose task is being cancelled: what goes wrong with it must not take the place of that."""
    try:
        async with asyncio.timeout(LAST_WORDS_SECONDS):
            await _finish(desk, order, cycle, ending, began, run_id)
    except (OperatorError, TimeoutError) as error:
        log = structlog.get_logger("navixy_operator.cycle")
        log.warning(LogEvent.LAST_WORDS_CUT_OFF, cycle=order.cycle, problem=str(error) or "not written in time")


async def _audited(cluster: Cluster, run_id: str) -> str | None:
    """The digest of all that was told of a run, once that is stored or spooled, or cannot be soon."""
    if cluster.trail is None:
        return None
    await cluster.trail.flush(AUDIT_SECONDS)
    return cluster.trail.head(run_id)


def tell_ending(
    chronicle: Chronicle, ending: Ending, *, seconds: float, steps: Mapping[str, float] | None = None, retry: str = ""
) -> None:
    """Synchronization Failure, where it failed; then, as the last word of every cycle, Synchronization Completed."""
    failed = ending.phase is Phase.FAILED
    if failed:
        chronicle.tell(
            EventName.SYNCHRONIZATION_FAILED,
            status=EventStatus.FAILED,
            warning=True,
            reason=ending.reason.value,
            problem=ending.message,
            retry_scheduled=retry or "when the operator is back",
        )
    chronicle.tell(
        EventName.SYNCHRONIZATION_COMPLETED,
        status=EventStatus.FAILED if failed else EventStatus.SUCCEEDED,
        warning=failed,
        reason=ending.reason.value,
        summary=ending.message,
        duration_seconds=round(seconds, 3),
        counts=dict(ending.counts),
        discrepancies=dict(ending.details.get("discrepancyCounts", {})),
        skips=dict(ending.details.get("skipCounts", {})),
        held_closes=ending.details.get("heldCloses", {}).get("count", 0),
        steps_seconds=dict(steps or {}),
    )


def next_try(spec: NavixySyncSpec, now: datetime) -> str:
    """When the next scheduled cycle is due, for people and programs: RFC 3339, or why there is none."""
    if spec.suspend:
        return "none: the schedule is suspended"
    return timestamp(schedule.next_due(spec.schedule, spec.time_zone, now))


def _note_ending(chronicle: Chronicle, order: Order, ending: Ending) -> None:
    """The Events about the NavixySync."""
    failed = ending.phase is Phase.FAILED
    event = EventName.SYNCHRONIZATION_FAILED if failed else EventName.SYNCHRONIZATION_COMPLETED
    prefix = "dry run " if order.dry_run else ""
    chronicle.headline(event, f"{prefix}{chronicle.cycle}: {ending.message}", warning=failed)
    _tell_what_is_wrong(chronicle, order, ending)
    if held := ending.details.get("heldCloses"):
        message = f"{held['count']} closes are held ({held['reason']}); {chronicle.cycle} lists them"
        chronicle.headline(EventName.CLOSES_HELD, message, warning=True)


def _tell_what_is_wrong(chronicle: Chronicle, order: Order, ending: Ending) -> None:
    """Connection Count Mismatch (AC11), and discrepancies that persist from cycle to cycle."""
    if ending.phase is not Phase.COMPLETED or ending.in_sync or order.dry_run:
        return
    found = ending.details["validation"]
    expected, actual, problems = found["expected"], found["actual"], "; ".join(found["messages"])
    if expected != actual:
        event = EventName.COUNT_MISMATCH
        facts = {"expected": expected, "actual": actual, "problems": found["messages"]}
        chronicle.tell(event, status=EventStatus.FOUND, warning=True, **facts)
        chronicle.headline(event, f"{chronicle.cycle}: {problems}", warning=True)
    cycles = order.sync.status.get("discrepantCycles", 0) + 1
    if cycles > order.persistent:
        event = EventName.PERSISTENT_DISCREPANCIES
        chronicle.tell(event, status=EventStatus.FOUND, warning=True, cycles=cycles, problems=found["messages"])
        chronicle.headline(event, f"for {cycles} cycles in a row now: {problems}", warning=True)
