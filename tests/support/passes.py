"""Cycles and drift passes over plain values: the core's functions in the order in which the operator calls them."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from navixy_operator.core import cyclestatus, guards, report, roster
from navixy_operator.core.actions import Close, Hold, Keep, Replace, Trim, Watch
from navixy_operator.core.approval import Approval
from navixy_operator.core.cyclestatus import Ending
from navixy_operator.core.drift import Attempts, failed_before, pause_after, within_drift
from navixy_operator.core.driftstatus import DriftCounts, closes_noted, recent_closes, sync_drifted
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.guards import HOLDING, Facts, Limits
from navixy_operator.core.model import Connection, CustomerRow, NavixyHash
from navixy_operator.core.naming import resource_name
from navixy_operator.core.outcome import Failure, Settled
from navixy_operator.core.plan import Decision, decide_all
from navixy_operator.core.status import customer_spec, customer_status, gone_spec, labels
from navixy_operator.core.validation import suspended_count, validate
from navixy_operator.core.vocabulary import (
    ConnectionState,
    CustomerState,
    Kind,
    Outcome,
    Phase,
    Policy,
    Reason,
)
from navixy_operator.errors import ApprovalInvalid
from navixy_operator.ports import Resource
from navixy_operator.present import subjects_of
from navixy_operator.resolve import Progress, settle_all, still_pending
from navixy_operator.roll import Roll, is_active_projection, known_of
from support.builders import NOW, resource, snapshot_of
from support.f11_model import Service

JSON = dict[str, Any]
PATIENCE: Final = 60.0
"""Seconds after which a connection that is still pending counts as failed."""


@dataclass
class World:
    """All that passes read and write: the database's rows, F1.1, resources by reference, the NavixySync, time."""

    rows: Callable[[], Sequence[CustomerRow]]
    service: Service = field(default_factory=Service)
    resources: dict[str, Resource] = field(default_factory=dict)
    sync: JSON = field(default_factory=dict)
    now: datetime = NOW
    limits: Limits = field(default_factory=Limits)
    policy: Policy = Policy.FULL
    soon: bool = False
    written: list[str] = field(default_factory=list)
    """References of customers whose resource was written, in order; "" is the NavixySync, by drift passes."""
    attempts: dict[str, Attempts] = field(default_factory=dict)
    pending: dict[str, datetime] = field(default_factory=dict)

    def forget(self) -> None:
        """The process ends: what only it knew is lost."""
        self.attempts.clear()
        self.pending.clear()

    @property
    def roll(self) -> Roll:
        """The customers as they stand."""
        return Roll(dict(self.resources))

    def write(self, ref: str, **fields: Any) -> None:
        """Change a resource, if that changes it; a new spec is a new generation."""
        item = self.resources[ref]
        changed = replace(item, **fields)
        if changed == item:
            return
        self.written.append(ref)
        generation = item.generation + (changed.spec != item.spec)
        self.resources[ref] = replace(changed, generation=generation)


def run_cycle(world: World, name: str, approval: Approval | None = None, approved_for: Reason | None = None) -> JSON:
    """One cycle; the status of its SyncCycle. Raises CutOffError where the process ends.

    Raises ApprovalInvalid, before anything is done, where an approval meets another doubt than it was given for.
    """
    snapshot, roll = snapshot_of(world.rows()), world.roll
    facts = facts_of(world, snapshot, roll)
    doubt = guards.first_objection(facts, world.limits)
    if approval is not None and doubt not in {None, approved_for}:
        raise ApprovalInvalid

    def trusted(item: Resource) -> bool:
        return doubt is None or (approval is not None and approval.accepts_end_of(item.spec, item.status))

    publish(world, snapshot, roll, trusted)
    known = {ref: known_of(item, world.now) for ref, item in roll.by_ref.items()}
    decisions = decide_all(roster.subjects(snapshot, known, world.service.found.values()))
    approved = frozenset[str]() if approval is None else approval.tokens
    decisions = guards.guard(decisions, facts, world.limits, approved)
    decisions = guards.restrain(decisions, world.policy)
    progress = act(world, decisions, snapshot.hashes)
    settled = settle_all(decisions, list(world.service.found.values()), progress, PATIENCE)
    if world.service.calls_left is not None:
        world.service.stop()
    publish_outcomes(world, settled, name)
    return finish(world, name, snapshot, decisions, settled)


def facts_of(world: World, snapshot: Snapshot, roll: Roll) -> Facts:
    """What the guards look at before the plan is made."""
    before = {ref: item for ref, item in roll.by_ref.items() if is_active_projection(item)}
    gone = (item for ref, item in before.items() if ref not in snapshot.customers)
    lost = sum(not snapshot.may_hold(item.spec.get("hashFingerprint")) for item in gone)
    return Facts(snapshot.polled, known=len(before), lost=lost, recent=recent_closes(world.sync, world.now))


def publish(world: World, snapshot: Snapshot, roll: Roll, trusted: Callable[[Resource], bool]) -> None:
    """The desired set as resources."""
    for ref, customer in snapshot.customers.items():
        tags, spec = labels(customer.verdict.reason), customer_spec(customer, "main")
        if ref in world.resources:
            world.write(ref, spec=spec, labels={**world.resources[ref].labels, **tags})
        elif customer.record.state is not CustomerState.REMOVED:
            world.written.append(ref)
            world.resources[ref] = resource(Kind.CUSTOMER, resource_name(ref), spec=spec, labels=tags)
    for ref, item in roll.by_ref.items():
        if ref not in snapshot.customers and trusted(item):
            nameless = snapshot.may_hold(item.spec.get("hashFingerprint"))
            verdict = Reason.UNREADABLE_REFERENCE if nameless else Reason.NOT_IN_DATABASE
            spec = dict(item.spec) if nameless else gone_spec(item.spec)
            world.write(ref, spec=spec, labels={**item.labels, **labels(verdict)})


def act(world: World, decisions: Sequence[Decision], hashes: Mapping[str, NavixyHash]) -> Progress:
    """Close what is replaced, open what is missing, close what should not be."""
    progress = Progress()
    _close(world, decisions, progress, Replace)
    slow = {place for place, d in enumerate(decisions) if progress.closing & {c.id for c in d.closes}}
    for place, decision in enumerate(decisions):
        if decision.opens and place in slow:
            failure = Failure(Reason.CLOSE_FAILED, still_pending(PATIENCE).fault)
            progress.failures.setdefault(place, failure)
        elif decision.opens and place not in progress.failures:
            ref = decision.name
            failed = world.service.establish(ref, hashes[ref], world.now)
            if failed is not None:
                progress.failures[place] = failed
    _close(world, decisions, progress, Close | Trim)
    return progress


def _close(world: World, decisions: Sequence[Decision], progress: Progress, kinds: Any) -> None:
    for place, decision in enumerate(decisions):
        for connection in decision.closes if isinstance(decision.action, kinds) else ():
            answer = world.service.close(connection.id, world.now)
            if isinstance(answer, Failure):
                progress.failures[place] = answer
            elif not answer:
                progress.closing.add(connection.id)


def publish_outcomes(world: World, settled: Iterable[Settled], cycle: str | None) -> None:
    """The statuses; the resource of a removed customer goes once nothing is open."""
    for entry in settled:
        ref = entry.decision.subject.customer_ref
        item = world.resources.get(ref or "")
        if ref is None or item is None:
            continue
        for_good = entry.decision.reason in {Reason.REMOVED, Reason.NOT_IN_DATABASE}
        if for_good and not is_active_projection(item) and entry.as_desired:
            world.written.append(ref)
            del world.resources[ref]
            continue
        status = customer_status(item.status, entry, cycle=cycle, generation=item.generation, now=world.now)
        world.write(ref, status=status)


def finish(
    world: World, name: str, snapshot: Snapshot, decisions: Sequence[Decision], settled: Sequence[Settled]
) -> JSON:
    """The reports of a cycle, on the SyncCycle and on the NavixySync."""
    written = dict.fromkeys(("created", "updated", "deleted", "persistent"), 0)
    tally = report.counts(snapshot, decisions, settled) | written
    details = report.details(snapshot, decisions, settled, validate(settled), tally)
    ending = Ending(Phase.COMPLETED, Reason.SYNCHRONIZED, report.summary(tally), details)
    before = cyclestatus.cycle_started({}, generation=1, now=world.now)
    status = cyclestatus.cycle_ended(before, ending, generation=1, now=world.now, seconds=1)
    world.sync = cyclestatus.sync_ended(world.sync, name, status, ending, generation=1, now=world.now)
    return status


def run_drift(world: World) -> DriftCounts:
    """One drift pass over all customers. Raises CutOffError where the process ends."""
    roll = world.roll
    plan = decide_all(subjects_of(roll, list(world.service.found.values()), {}, world.now, leftovers=True))
    decisions = tuple(d if isinstance(d.action, Keep) else _bounded(world, roll, d) for d in plan)
    facts = Facts(recent=recent_closes(world.sync, world.now))
    decisions = guards.guard(decisions, facts, world.limits, opened=guards.counted(plan)[1])
    planned = guards.restrain(decisions, world.policy)
    decisions, hashes = look_up(world, planned)
    if closes := guards.counted(decisions)[0]:
        world.sync = closes_noted(world.sync, closes, world.now)
    progress = act(world, decisions, hashes)
    connections = list(world.service.found.values())
    _time_out(world, decisions, connections, progress)
    settled = settle_all(decisions, connections, progress, None)
    _learn(world, settled)
    if world.service.calls_left is not None:
        world.service.stop()
    publish_outcomes(world, settled, None)
    found = validate(settled)
    held = sum(isinstance(e.decision.action, Hold) and e.decision.action.reason in HOLDING for e in settled)
    unresolved = sum(not entry.as_desired for entry in settled)
    asked = any(decision.opens for decision in planned)
    suspended = suspended_count(settled)
    counts = DriftCounts(found.expected, found.actual, unresolved, held, found.messages, asked, suspended)
    after = sync_drifted(world.sync, counts, generation=1, now=world.now)
    world.written += [""] * (after != world.sync)
    world.sync = after
    return counts


def _bounded(world: World, roll: Roll, decision: Decision) -> Decision:
    ref = decision.subject.customer_ref or ""
    item = roll.by_ref.get(ref)
    status = {} if item is None else item.status
    due = True
    if item is not None and failed_before(decision, status):
        due = world.now >= world.attempts.setdefault(ref, pause_after(None, world.now, 0.5)).not_before
    return within_drift(decision, status, due=due, soon=world.soon, policy=world.policy)


def look_up(world: World, decisions: Sequence[Decision]) -> tuple[tuple[Decision, ...], Mapping[str, NavixyHash]]:
    """The hashes to establish with; who is no longer as published is held."""
    wanted = {decision.name for decision in decisions if decision.opens}
    found = snapshot_of(row for row in world.rows() if row.customer_ref in wanted)

    def checked(decision: Decision) -> Decision:
        record = found.customers[decision.name].record if decision.name in found.customers else None
        same = record is not None and record.hash is not None and record.fingerprint == decision.subject.fingerprint
        if same and record is not None and decision.reason is not Reason.PINNED:
            same = record.state is CustomerState.ACTIVE and record.rows == 1 and not record.defects
        return decision if same else guards.hold(decision, Reason.DATABASE_CHANGED)

    return tuple(checked(d) if d.opens else d for d in decisions), found.hashes


def _time_out(
    world: World, decisions: Sequence[Decision], connections: Sequence[Connection], progress: Progress
) -> None:
    pending = {c.id: c for c in connections if c.state is ConnectionState.PENDING}
    world.pending = {one: world.pending.get(one, world.now) for one in pending}
    late = {
        c.customer_ref for one, c in pending.items() if world.now - world.pending[one] > timedelta(seconds=PATIENCE)
    }
    for place, decision in enumerate(decisions):
        if decision.subject.customer_ref in late and (decision.opens or isinstance(decision.action, Watch)):
            progress.failures.setdefault(place, still_pending(PATIENCE))


def _learn(world: World, settled: Iterable[Settled]) -> None:
    for entry in settled:
        ref = entry.decision.subject.customer_ref
        if ref is not None and entry.outcome is Outcome.FAILED:
            world.attempts[ref] = pause_after(world.attempts.get(ref), world.now, 0.5)
        elif ref is not None and entry.as_desired:
            world.attempts.pop(ref, None)
