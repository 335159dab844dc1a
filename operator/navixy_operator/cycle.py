"""One synchronization cycle: the eight steps of spec.md, "Daily Synchronization Workflow", in order.

Decisions are made in :mod:`navixy_operator.core`; this module gathers, has them made, applies and tells. Any error
of the outside ends the cycle before it acts on half a picture; one customer's failure ends nothing.
"""

import hashlib
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from navixy_operator.chronicle import Chronicle
from navixy_operator.core import guards, roster
from navixy_operator.core.eligibility import Intake, Snapshot
from navixy_operator.core.guards import Facts
from navixy_operator.core.model import Connection
from navixy_operator.core.outcome import Settled, settle
from navixy_operator.core.plan import Decision, decide_all
from navixy_operator.core.validation import Validation, validate
from navixy_operator.core.vocabulary import Policy, Reason
from navixy_operator.narration import tell_found, tell_polled, tell_settled
from navixy_operator.ports import Outside, Resource
from navixy_operator.publish import Published, existing, known, publish, publish_outcomes
from navixy_operator.resolve import Progress, Resolver, timed_out


@dataclass(frozen=True, slots=True)
class Order:
    """What to run: a NavixySync's settings as plain values, and whether to act on them. Seconds; requests at once."""

    cycle: str
    sync: Resource
    policy: Policy
    hash_pattern: str
    concurrency: int
    establish_timeout: float
    dry_run: bool = False


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
    intake = await poll_customer_database(order, outside)  # 1
    snapshot = validate_requirements(intake, chronicle)  # 2
    before = await existing(outside.resources, order.sync)
    objection = guards.first_objection(Facts(customers=len(snapshot.customers), known=len(before)))
    published = await publish_resources(order, outside, chronicle, snapshot, before, objection)
    connections = await query_active_connections(outside)  # 3
    decisions = compare(order, snapshot, before, connections, objection, chronicle)  # 4
    resolver, progress = resolver_for(order, outside), Progress()
    await resolve_missing_connections(resolver, decisions, snapshot, progress)  # 5
    await resolve_invalid_connections(resolver, decisions, progress)  # 6
    final = connections if order.dry_run else await resolver.watch(decisions, progress)
    settled, validation = validate_results(order, decisions, final, progress)  # 7
    await log_results(order, outside, chronicle, settled, published)  # 8
    return Finding(snapshot, decisions, settled, validation, published)


async def poll_customer_database(order: Order, outside: Outside) -> Intake:
    """Step 1: every row of one consistent snapshot; what it says counts until the cycle's end."""
    intake = Intake(order.hash_pattern)
    await outside.database.snapshot(intake.take)
    return intake


def validate_requirements(intake: Intake, chronicle: Chronicle) -> Snapshot:
    """Step 2: a verdict on every Navixy customer."""
    snapshot = intake.judge()
    tell_polled(chronicle, snapshot)
    return snapshot


async def publish_resources(
    order: Order,
    outside: Outside,
    chronicle: Chronicle,
    snapshot: Snapshot,
    before: dict[str, Resource],
    objection: Reason | None,
) -> Published:
    """The desired set as resources, before anything is done in F1.1: what a crash leaves is there to be finished."""
    if order.dry_run:
        return Published(dict(before))
    return await publish(outside.resources, order.sync, snapshot, before, chronicle, trust_absence=objection is None)


async def query_active_connections(outside: Outside) -> Sequence[Connection]:
    """Step 3: everything F1.1 lists, in pages, or an error; never a part."""
    return await outside.forwarding.connections()


def compare(
    order: Order,
    snapshot: Snapshot,
    before: Mapping[str, Resource],
    connections: Sequence[Connection],
    objection: Reason | None,
    chronicle: Chronicle,
) -> tuple[Decision, ...]:
    """Step 4: a decision on every customer and every leftover, held back by guards and policy where they say so."""
    decisions = decide_all(roster.subjects(snapshot, known(dict(before)), connections))
    if objection is not None:
        decisions = guards.hold_closes(decisions, objection)
    decisions = guards.restrain(decisions, order.policy)
    if order.dry_run:
        decisions = guards.hold_all(decisions, Reason.DRY_RUN)
    tell_found(chronicle, decisions)
    return decisions


def resolver_for(order: Order, outside: Outside) -> Resolver:
    """What acts on F1.1 for this cycle."""
    key = partial(idempotency_key, order.sync.uid, order.cycle)
    return Resolver(outside.forwarding, outside.clock, order.concurrency, order.establish_timeout, key)


async def resolve_missing_connections(
    resolver: Resolver, decisions: tuple[Decision, ...], snapshot: Snapshot, progress: Progress
) -> None:
    """Step 5: establish what is missing; what a dry run, a guard or the policy holds back is no such decision."""
    await resolver.establish(decisions, snapshot, progress)


async def resolve_invalid_connections(resolver: Resolver, decisions: tuple[Decision, ...], progress: Progress) -> None:
    """Step 6: close what should not be open."""
    await resolver.close(decisions, progress)


def validate_results(
    order: Order, decisions: tuple[Decision, ...], connections: Sequence[Connection], progress: Progress
) -> tuple[tuple[Settled, ...], Validation]:
    """Step 7: how every decision ended in F1.1's own list, and whether counts and members are right."""
    by_ref: defaultdict[str | None, list[Connection]] = defaultdict(list)
    for connection in connections:
        by_ref[connection.customer_ref].append(connection)

    def end(place: int, decision: Decision) -> Settled:
        ref = decision.subject.customer_ref
        ids = {connection.id for connection in decision.subject.connections}
        final = by_ref.get(ref, []) if ref is not None else [c for c in by_ref[None] if c.id in ids]
        failure = progress.failures.get(place)
        if failure is None and not order.dry_run:
            failure = timed_out(decision, by_ref, order.establish_timeout)
        return settle(decision, tuple(final), failure)

    settled = tuple(end(place, decision) for place, decision in enumerate(decisions))
    return settled, validate(settled)


async def log_results(
    order: Order, outside: Outside, chronicle: Chronicle, settled: tuple[Settled, ...], published: Published
) -> None:
    """Step 8: the customers' statuses, and the story; the report goes into the SyncCycle (:mod:`execution`)."""
    if order.dry_run:
        return
    await publish_outcomes(outside.resources, settled, published, chronicle, cycle=order.cycle, clock=outside.clock)
    tell_settled(chronicle, settled, published)


def idempotency_key(sync_uid: str, cycle: str, customer_ref: str) -> str:
    """64 hex characters, the same for the same customer in the same cycle, however often it is asked."""
    return hashlib.sha256(f"{sync_uid}\n{cycle}\n{customer_ref}".encode()).hexdigest()
