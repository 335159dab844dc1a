"""Customers as resources: the wanted ones written before the actions, their statuses after them (design section 4).

Requests: per new customer one create and one status write; per
change one patch; per unchanged customer none.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final

from navixy_operator.chronicle import Chronicle
from navixy_operator.concurrency import each
from navixy_operator.core.actions import Hold
from navixy_operator.core.conditions import find
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.model import Customer
from navixy_operator.core.naming import resource_name
from navixy_operator.core.outcome import Settled
from navixy_operator.core.readiness import PERSISTENT
from navixy_operator.core.status import customer_spec, customer_status, gone_spec, labels
from navixy_operator.core.vocabulary import (
    Condition,
    CustomerState,
    EventName,
    EventStatus,
    Kind,
    Origin,
    Outcome,
    Reason,
    Source,
)
from navixy_operator.declarations import release
from navixy_operator.errors import InvalidSpec
from navixy_operator.ports import Clock, Resource, Resources
from navixy_operator.roll import Roll, is_active_projection, is_declared

AT_ONCE: Final = 16


@dataclass(slots=True)
class Published:
    """The customers' resources by reference, as they now are, and what was written."""

    resources: dict[str, Resource] = field(default_factory=dict)
    created: int = 0
    updated: int = 0
    deleted: int = 0
    persistent: int = 0
    """Who has failed for several cycles in a row."""


async def publish(
    resources: Resources,
    sync: Resource,
    snapshot: Snapshot,
    roll: Roll,
    chronicle: Chronicle,
    trusted: Callable[[Resource], bool],
) -> Published:
    """Create and change projections until they say what the snapshot says; declarations are their owners'.

    A customer who is removed and has no resource gets none. One who is gone from the database is marked removed, but
    not where the absence is not ``trusted`` (a guard objects), or a row without a reference may be this customer. A
    projection that a declaration now stands before goes: one resource for each customer.
    """
    before = roll.by_ref
    published = Published(dict(before))

    async def write(customer: Customer) -> None:
        await _write_customer(resources, sync, customer, published, chronicle)

    async def mark(ref: str) -> None:
        item = before[ref]
        nameless = snapshot.may_hold(item.spec.get("hashFingerprint"))
        verdict = Reason.UNREADABLE_REFERENCE if nameless else Reason.NOT_IN_DATABASE
        spec = item.spec if nameless else gone_spec(item.spec)
        try:
            changed = await resources.update(item, spec=spec, labels={**item.labels, **labels(verdict)})
        except InvalidSpec as error:
            _tell_refused(chronicle, ref, error)
        else:
            _count_update(published, ref, item, changed)

    wanted = (
        customer
        for ref, customer in snapshot.customers.items()
        if (not is_declared(before[ref]) if ref in before else customer.record.state is not CustomerState.REMOVED)
    )
    await each(wanted, write, at_once=AT_ONCE)
    absent = (ref for ref, item in before.items() if ref not in snapshot.customers and not is_declared(item))
    await each((ref for ref in absent if trusted(before[ref])), mark, at_once=AT_ONCE)
    shadowed = (item for item in roll.shadowed if not before[item.spec["customerRef"]].deleting)
    await each(shadowed, resources.delete, at_once=AT_ONCE)
    return published


async def publish_outcomes(  # noqa: PLR0913 - a pass's findings, and where they go
    resources: Resources,
    settled: Iterable[Settled],
    published: Published,
    chronicle: Chronicle,
    *,
    cycle: str | None,
    clock: Clock,
    persistent: int = 2,
) -> None:
    """Write the statuses that changed; let the resource of a removed customer go once nothing is open.

    ``cycle`` None: after a drift pass.
    """
    now = clock.now()

    async def write(entry: Settled) -> None:
        ref = entry.decision.subject.customer_ref
        item = published.resources.get(ref) if ref is not None else None
        if item is None:
            return
        if item.deleting and (entry.as_desired or _is_bound(entry)):
            if not entry.as_desired:
                _tell_left_open(chronicle, item, entry)
            await release(resources, item)
            return
        if _may_go(entry, item):
            await resources.delete(item)
            published.deleted += 1
            return
        status = customer_status(
            item.status, entry, cycle=cycle, generation=item.generation, now=now, persistent=persistent
        )
        _tell_persistent(chronicle, item, entry, published, persists=status["failedCycles"] >= persistent)
        if status != item.status:
            try:
                await resources.write_status(item, status)
            except InvalidSpec as error:
                _tell_refused(chronicle, item.spec["customerRef"], error)

    await each(settled, write, at_once=AT_ONCE)


def verdict_changed(item: Resource, entry: Settled) -> bool:
    """Whether an earlier cycle thought otherwise of this customer."""
    reasons = [c["reason"] for c in item.status.get("conditions", ()) if c["type"] == Condition.ELIGIBLE]
    return bool(reasons) and reasons[0] != entry.decision.subject.verdict.reason


async def _write_customer(
    resources: Resources, sync: Resource, customer: Customer, published: Published, chronicle: Chronicle
) -> None:
    ref = customer.record.customer_ref
    spec, tags = customer_spec(customer, sync.name), labels(customer.verdict.reason)
    item = published.resources.get(ref)
    try:
        if item is None:
            name = resource_name(ref)
            item = await resources.create(Kind.CUSTOMER, sync.namespace, name, spec=spec, labels=tags)
            if item is not None:
                published.resources[ref] = item
                published.created += 1
                return
            item = await resources.get(Kind.CUSTOMER, sync.namespace, name)
        if item is None or (item.spec.get("sync"), item.spec.get("source")) != (sync.name, Source.DATABASE):
            problem = f"the name {resource_name(ref)} is taken by another NavixyCustomer"
            chronicle.tell(
                EventName.CUSTOMER_SKIPPED,
                status=EventStatus.SKIPPED,
                customer=ref,
                warning=True,
                problem=problem,
            )
            return
        _count_update(published, ref, item, await resources.update(item, spec=spec, labels={**item.labels, **tags}))
    except InvalidSpec as error:
        _tell_refused(chronicle, ref, error)


def _is_bound(entry: Settled) -> bool:
    """Whether the policy forbids the close that a deleted declaration waits for: it must not wait for ever."""
    action = entry.decision.action
    return isinstance(action, Hold) and action.reason in {Reason.POLICY_OBSERVE, Reason.POLICY_UPSERT_ONLY}


def _tell_left_open(chronicle: Chronicle, item: Resource, entry: Settled) -> None:
    event, ref = EventName.DECLARATION_RELEASED, entry.decision.name
    chronicle.tell(event, customer=ref, warning=True, origin=Origin.MANUAL, closed=False)
    message = f"the declaration of {ref} is deleted, but spec.policy lets nothing be closed: its connection stays open"
    chronicle.note(chronicle.sync, event, message, warning=True)
    chronicle.note(item, event, message, warning=True)


def _tell_persistent(
    chronicle: Chronicle, item: Resource, entry: Settled, published: Published, *, persists: bool
) -> None:
    """Count a customer who fails cycle after cycle, and say so when it begins (spec: mark for investigation)."""
    if not persists or entry.outcome is not Outcome.FAILED:
        return
    published.persistent += 1
    stalled = find(item.status.get("conditions", ()), Condition.STALLED)
    if stalled is None or stalled["reason"] != Reason.PERSISTENT_FAILURE:
        event, problem = EventName.PERSISTENT_FAILURE, entry.failure.fault.message if entry.failure else PERSISTENT
        name = entry.decision.name
        chronicle.tell(event, status=EventStatus.FAILED, customer=name, warning=True, problem=problem)
        chronicle.note(item, event, f"{problem}; {PERSISTENT}", warning=True)


def _tell_refused(chronicle: Chronicle, ref: str, error: InvalidSpec) -> None:
    """One customer whom the API server does not take must not stop the others."""
    event, problem = EventName.CUSTOMER_SKIPPED, str(error)
    chronicle.tell(event, status=EventStatus.SKIPPED, customer=ref, warning=True, problem=problem)


def _count_update(published: Published, ref: str, before: Resource, after: Resource | None) -> None:
    if after is None:
        published.resources.pop(ref, None)
        return
    published.updated += after is not before
    published.resources[ref] = after


def _may_go(entry: Settled, item: Resource) -> bool:
    """Whether nothing keeps the projection: removed, or gone for certain and marked so, nothing open, no pin."""
    for_good = entry.decision.reason in {Reason.REMOVED, Reason.NOT_IN_DATABASE} and entry.decision.subject.pin is None
    return for_good and not is_declared(item) and not is_active_projection(item) and entry.as_desired
