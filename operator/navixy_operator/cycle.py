"""One synchronization cycle: the eight steps of spec.md, "Daily Synchronization Workflow", in order.

Decisions are made in :mod:`navixy_operator.core`; this module gathers, has them made, applies and tells. Any error
of the outside ends the cycle before it acts on half a picture; one customer's failure ends nothing.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from navixy_operator.chronicle import Chronicle
from navixy_operator.claims import Claims
from navixy_operator.core import guards, roster
from navixy_operator.core.approval import Approval
from navixy_operator.core.driftstatus import recent_closes
from navixy_operator.core.eligibility import Intake, Snapshot
from navixy_operator.core.guards import Facts, Limits
from navixy_operator.core.model import Connection
from navixy_operator.core.outcome import Settled
from navixy_operator.core.plan import Decision, decide_all
from navixy_operator.core.roster import Known
from navixy_operator.core.validation import Validation, validate
from navixy_operator.core.vocabulary import Policy, Reason, Step
from navixy_operator.declarations import keep_until_closed, let_go_in_bulk, read_declarations, refuse_rivals
from navixy_operator.errors import ApprovalInvalid, OperatorError
from navixy_operator.narration import (
    tell_found,
    tell_overtaken,
    tell_polled,
    tell_query_failed,
    tell_settled,
    told_if_cut_off,
)
from navixy_operator.ports import Outside, Resource
from navixy_operator.publish import Published, publish, publish_outcomes
from navixy_operator.resolve import Progress, Resolver, settle_all
from navixy_operator.roll import Roll, call_roll, is_active_projection, known_at
from navixy_operator.standing import StillSo
from navixy_operator.steps import step


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a NavixySync's settings as plain values, and whether to act on them. Seconds; requests at once.

    ``persistent``: cycles that a failure may last before it counts as persistent. ``soon``: whether drift passes try
    failed connections again (``retry.failed: Backoff``). ``approval``: the held closes that this cycle may carry out,
    ``approved_for``: the guard that had held them.
    """

    cycle: str
    sync: Resource
    policy: Policy
    hash_pattern: str
    concurrency: int
    establish_timeout: float
    limits: Limits = field(default_factory=Limits)
    persistent: int = 2
    soon: bool = False
    dry_run: bool = False
    approval: Approval | None = None
    approved_for: Reason | None = None
    claims: Claims = field(default_factory=Claims)


@dataclass(frozen=True, slots=True)
class Finding:
    """What a cycle leaves behind: the snapshot, the plan, how it ended, and what was written."""

    snapshot: Snapshot
    decisions: tuple[Decision, ...]
    settled: tuple[Settled, ...]
    validation: Validation
    published: Published


async def run_cycle(order: Order, outside: Outside, chronicle: Chronicle) -> Finding:
    """Run the eight steps. Raises OperatorError when the database or F1.1 cannot be read whole: nothing was closed."""
    now = outside.clock.now()
    intake = await poll_customer_database(order, outside, chronicle)  # 1
    roll = await call_the_roll(order, outside, chronicle)
    snapshot = await validate_requirements(order, outside, intake, roll, chronicle)  # 2
    facts = facts_of(snapshot, roll, order.sync, now)
    refuse_other_doubts(order, facts)
    published = await publish_resources(order, outside, chronicle, snapshot, roll, facts)
    connections = await query_active_connections(outside)  # 3
    decisions = compare(order, snapshot, known_at(roll, now), connections, facts, chronicle)  # 4
    resolver, progress = resolver_for(order, outside, published), Progress()
    with told_if_cut_off(chronicle, decisions, progress):
        await resolve_missing_connections(resolver, decisions, snapshot, progress)  # 5
        await resolve_invalid_connections(resolver, decisions, progress)  # 6
        settled, validation = await validate_results(order, resolver, decisions, connections, progress)  # 7
    await log_results(order, outside, chronicle, settled, published, progress)  # 8
    return Finding(snapshot, decisions, settled, validation, published)


@step(Step.POLL)
async def poll_customer_database(order: Order, outside: Outside, chronicle: Chronicle) -> Intake:
    """Step 1: every row of one consistent snapshot; what it says counts until the cycle's end."""
    intake = Intake(order.hash_pattern)
    try:
        await outside.database.snapshot(intake.take)
    except OperatorError as error:
        tell_query_failed(chronicle, error)
        raise
    return intake


async def call_the_roll(order: Order, outside: Outside, chronicle: Chronicle) -> Roll:
    """The customers' resources as they stand: pins, and what people declare, are part of what is desired."""
    roll = await call_roll(outside.resources, order.sync)
    if order.dry_run:
        return roll
    await refuse_rivals(outside.resources, roll.rivals, chronicle, outside.clock)
    return await keep_until_closed(outside.resources, await let_go_in_bulk(outside.resources, roll, chronicle))


@step(Step.VALIDATE_REQUIREMENTS)
async def validate_requirements(
    order: Order, outside: Outside, intake: Intake, roll: Roll, chronicle: Chronicle
) -> Snapshot:
    """Step 2: a verdict on every Navixy customer, those of the database and those whom people declare."""
    for record in (await read_declarations(outside, roll, order.hash_pattern)).values():
        intake.declare(record)
    snapshot = intake.judge()
    tell_polled(chronicle, snapshot)
    return snapshot


def facts_of(snapshot: Snapshot, roll: Roll, sync: Resource, now: datetime) -> Facts:
    """What the guards look at before the plan is made: who has gone, and what drift passes closed lately."""
    before = {ref: item for ref, item in roll.by_ref.items() if is_active_projection(item)}
    gone = (item for ref, item in before.items() if ref not in snapshot.customers)
    lost = sum(not snapshot.may_hold(item.spec.get("hashFingerprint")) for item in gone)
    recent = recent_closes(sync.status, now)
    return Facts(customers=snapshot.polled, known=len(before), lost=lost, recent=recent)


def refuse_other_doubts(order: Order, facts: Facts) -> None:
    """An approval answers the guard that it was given for: a database that is empty by now is another matter.

    What was approved would still look right, and a changed hash would become a close. Raises ApprovalInvalid: it is
    tried again later.
    """
    doubt = guards.first_objection(facts, order.limits)
    if order.approval is not None and doubt not in {None, order.approved_for}:
        message = f"the closes of {order.approval.cycle} were approved, but now {doubt} speaks against every close"
        raise ApprovalInvalid(message)


@step(Step.PUBLISH)
async def publish_resources(
    order: Order, outside: Outside, chronicle: Chronicle, snapshot: Snapshot, roll: Roll, facts: Facts
) -> Published:
    """The desired set as resources, before anything is done in F1.1: what a crash leaves is there to be finished."""
    if order.dry_run:
        return Published(dict(roll.by_ref))
    doubt = guards.first_objection(facts, order.limits)

    def trusted(item: Resource) -> bool:
        return doubt is None or (order.approval is not None and order.approval.accepts_end_of(item.spec, item.status))

    return await publish(outside.resources, order.sync, snapshot, roll, chronicle, trusted)


@step(Step.QUERY_CONNECTIONS)
async def query_active_connections(outside: Outside) -> Sequence[Connection]:
    """Step 3: everything F1.1 lists, in pages, or an error; never a part."""
    return await outside.forwarding.connections()


def compare(
    order: Order,
    snapshot: Snapshot,
    known: Mapping[str, Known],
    connections: Sequence[Connection],
    facts: Facts,
    chronicle: Chronicle,
) -> tuple[Decision, ...]:
    """Step 4: a decision on every customer and every leftover, held back by guards and policy where they say so."""
    decisions = decide_all(roster.subjects(snapshot, known, connections))
    approved = order.approval.tokens if order.approval is not None else frozenset()
    decisions = guards.guard(decisions, facts, order.limits, approved)
    decisions = guards.restrain(decisions, order.policy)
    if order.dry_run:
        decisions = guards.hold_all(decisions, Reason.DRY_RUN)
    tell_found(chronicle, decisions)
    return decisions


def resolver_for(order: Order, outside: Outside, published: Published) -> Resolver:
    """What acts on F1.1 for this cycle."""

    def key(decision: Decision) -> str:
        return idempotency_key(order.sync.uid, order.cycle, decision.name)

    return Resolver(
        outside.forwarding,
        outside.clock,
        order.concurrency,
        order.establish_timeout,
        key,
        look=outside.forwarding.connections,
        claims=order.claims,
        still=StillSo(outside.resources, published.resources, outside.clock),
    )


@step(Step.RESOLVE_MISSING)
async def resolve_missing_connections(
    resolver: Resolver, decisions: tuple[Decision, ...], snapshot: Snapshot, progress: Progress
) -> None:
    """Step 5: establish what is missing; what a dry run, a guard or the policy holds back is no such decision."""
    await resolver.establish(decisions, snapshot.hashes, progress)


@step(Step.RESOLVE_INVALID)
async def resolve_invalid_connections(resolver: Resolver, decisions: tuple[Decision, ...], progress: Progress) -> None:
    """Step 6: close what should not be open."""
    await resolver.close(decisions, progress)


@step(Step.VALIDATE_RESULTS)
async def validate_results(
    order: Order,
    resolver: Resolver,
    decisions: tuple[Decision, ...],
    connections: Sequence[Connection],
    progress: Progress,
) -> tuple[tuple[Settled, ...], Validation]:
    """Step 7: how every decision ended in F1.1's own list, and whether counts and members are right.

    The list is F1.1's after all has settled; ``connections``, that from before, where a dry run has changed nothing.
    """
    final = connections if order.dry_run else await resolver.watch(decisions, progress)
    patience = None if order.dry_run else order.establish_timeout
    settled = settle_all(decisions, final, progress, patience)
    return settled, validate(settled)


@step(Step.LOG)
async def log_results(
    order: Order,
    outside: Outside,
    chronicle: Chronicle,
    settled: tuple[Settled, ...],
    published: Published,
    progress: Progress,
) -> None:
    """Step 8: the customers' statuses, and the story; the report goes into the SyncCycle (:mod:`execution`)."""
    if order.dry_run:
        return
    ours = [entry for place, entry in enumerate(settled) if place not in progress.overtaken]
    tell_overtaken(chronicle, settled, progress)
    tell_settled(chronicle, ours, published)  # first: what was done in F1.1 counts, whatever becomes of the statuses
    last = (entry for entry in ours if not order.claims.taken(entry.decision.subject.customer_ref))
    await publish_outcomes(
        outside.resources,
        filter(StillSo(outside.resources, published.resources, outside.clock).settled, last),
        published,
        chronicle,
        cycle=order.cycle,
        clock=outside.clock,
        persistent=order.persistent,
    )


def idempotency_key(sync_uid: str, cycle: str, customer_ref: str) -> str:
    """64 hex characters, the same for the same customer in the same cycle, however often it is asked."""
    return hashlib.sha256(f"{sync_uid}\n{cycle}\n{customer_ref}".encode()).hexdigest()
