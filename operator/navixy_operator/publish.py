"""Customers as resources: the wanted ones written before the actions, their statuses after them (design section 4).

Requests: one paged list, or none where a watch keeps a mirror; per new customer one create and one status write; per
change one patch; per unchanged customer none.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from navixy_operator.chronicle import Chronicle
from navixy_operator.concurrency import each
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.model import Customer
from navixy_operator.core.naming import resource_name
from navixy_operator.core.outcome import Settled
from navixy_operator.core.roster import Known
from navixy_operator.core.status import customer_spec, customer_status, gone_spec, labels, refused_fingerprint
from navixy_operator.core.vocabulary import Condition, CustomerState, CycleEvent, Kind, Reason, Source
from navixy_operator.errors import InvalidSpec
from navixy_operator.ports import Clock, Resource, Resources

AT_ONCE: Final = 16


@dataclass(slots=True)
class Published:
    """The customers' resources by reference, as they now are, and what was written."""

    resources: dict[str, Resource] = field(default_factory=dict)
    created: int = 0
    updated: int = 0
    deleted: int = 0
    status_writes: int = 0
    gone: set[str] = field(default_factory=set)
    """Who is gone from the database for certain, and was marked so."""


async def existing(resources: Resources, sync: Resource) -> dict[str, Resource]:
    """The sync's customers that came from the database, by reference: one paged list.

    One whose reference was changed by hand (API servers older than CEL let that happen) no longer fits its name and is
    not counted; writing the customer whose name it bears puts it right.
    """
    found = await resources.list(Kind.CUSTOMER, sync.namespace)
    return {
        item.spec["customerRef"]: item
        for item in found
        if item.spec.get("sync") == sync.name
        and item.spec.get("source") == Source.DATABASE
        and item.name == resource_name(item.spec["customerRef"])
    }


def known(before: dict[str, Resource]) -> dict[str, Known]:
    """What the resources of earlier cycles tell the plan."""
    return {
        ref: Known(item.spec.get("hashFingerprint"), refused_fingerprint(item.status)) for ref, item in before.items()
    }


async def publish(
    resources: Resources,
    sync: Resource,
    snapshot: Snapshot,
    before: dict[str, Resource],
    chronicle: Chronicle,
    *,
    trust_absence: bool,
) -> Published:
    """Create and change resources until they say what the snapshot says.

    A customer who is removed and has no resource gets none. One who is gone from the database is marked removed, but
    not where the absence cannot be trusted (a guard objects, or a row without a reference may be this customer).
    """
    published = Published(dict(before))

    async def write(customer: Customer) -> None:
        await _write_customer(resources, sync, customer, published, chronicle)

    async def mark(ref: str) -> None:
        item = before[ref]
        tags = {**item.labels, **labels(eligible=False)}
        published.gone.add(ref)
        try:
            changed = await resources.update(item, spec=gone_spec(item.spec), labels=tags)
        except InvalidSpec as error:
            _tell_refused(chronicle, ref, error)
        else:
            _count_update(published, ref, item, changed)

    wanted = (
        customer
        for ref, customer in snapshot.customers.items()
        if ref in before or customer.record.state is not CustomerState.REMOVED
    )
    await each(wanted, write, at_once=AT_ONCE)
    if trust_absence:
        gone = (
            ref
            for ref, item in before.items()
            if ref not in snapshot.customers and not snapshot.may_hold(item.spec.get("hashFingerprint"))
        )
        await each(gone, mark, at_once=AT_ONCE)
    return published


async def publish_outcomes(
    resources: Resources,
    settled: Iterable[Settled],
    published: Published,
    chronicle: Chronicle,
    *,
    cycle: str,
    clock: Clock,
) -> None:
    """Write the statuses that changed; let the resource of a removed customer go once nothing is open."""

    async def write(entry: Settled) -> None:
        ref = entry.decision.subject.customer_ref
        item = published.resources.get(ref) if ref is not None else None
        if item is None:
            return
        if _may_go(entry, published):
            await resources.delete(item)
            published.deleted += 1
            return
        status = customer_status(item.status, entry, cycle=cycle, generation=item.generation, now=clock.now())
        if status != item.status:
            published.status_writes += 1
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
    spec, tags = customer_spec(customer, sync.name), labels(eligible=customer.verdict.eligible)
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
            chronicle.tell(CycleEvent.CUSTOMER_SKIPPED, customer=ref, warning=True, problem=problem)
            return
        _count_update(published, ref, item, await resources.update(item, spec=spec, labels={**item.labels, **tags}))
    except InvalidSpec as error:
        _tell_refused(chronicle, ref, error)


def _tell_refused(chronicle: Chronicle, ref: str, error: InvalidSpec) -> None:
    """One customer whom the API server does not take must not stop the others."""
    chronicle.tell(CycleEvent.CUSTOMER_SKIPPED, customer=ref, warning=True, problem=str(error))


def _count_update(published: Published, ref: str, before: Resource, after: Resource | None) -> None:
    if after is None:
        published.resources.pop(ref, None)
        return
    published.updated += after is not before
    published.resources[ref] = after


def _may_go(entry: Settled, published: Published) -> bool:
    """Whether nothing keeps the resource: removed, or gone for certain, and nothing open."""
    decision = entry.decision
    for_good = decision.reason is Reason.REMOVED or (
        decision.reason is Reason.NOT_IN_DATABASE and decision.subject.customer_ref in published.gone
    )
    return for_good and entry.as_desired
