"""Customers whom a person or Git declares (``source: Manual``): their hash and their end (design section 2).

Deleting one closes its connection, and a finalizer keeps the resource until that is verified. What is deleted together
with its namespace or the CRD is let go at once and closes nothing: nobody decided that for each customer.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Final

from navixy_operator.chronicle import Chronicle
from navixy_operator.concurrency import each
from navixy_operator.core.conditions import condition, merge
from navixy_operator.core.model import Record
from navixy_operator.core.reading import read_hash
from navixy_operator.core.vocabulary import (
    FINALIZER,
    Condition,
    CustomerState,
    EventName,
    EventStatus,
    Kind,
    Origin,
    Reason,
)
from navixy_operator.errors import SecretNotFound
from navixy_operator.ports import Clock, Cluster, Outside, Resource, Resources
from navixy_operator.roll import Roll

AT_ONCE: Final = 16


async def read_declarations(outside: Outside, roll: Roll, hash_pattern: str) -> dict[str, Record]:
    """The records of all declarations that are not being deleted: one request for each distinct key of a Secret.

    A Secret that cannot be read is the customer's own trouble; raises KubernetesUnavailable where nothing can be read.
    """
    pattern = re.compile(hash_pattern)
    records: dict[str, Record] = {}

    async def read(item: tuple[str, Resource]) -> None:
        ref, resource = item
        records[ref] = await _record(outside, resource, pattern)

    await each([(r, i) for r, i in roll.declared.items() if not i.deleting], read, at_once=AT_ONCE)
    return records


async def let_go_in_bulk(resources: Resources, roll: Roll, chronicle: Chronicle) -> Roll:
    """Let go of declarations that vanish with their namespace or CRD and close nothing; the roll without them."""
    deleted = {ref: item for ref, item in roll.declared.items() if item.deleting}
    rivals = [item for item in roll.rivals if item.deleting]
    if not deleted and not rivals:
        return roll
    place = next(iter([*deleted.values(), *rivals]))
    if not await resources.accepts(Kind.CUSTOMER, place.namespace):
        for ref, item in deleted.items():
            chronicle.tell(EventName.DECLARATION_RELEASED, customer=ref, warning=True, closed=False)
            await release(resources, item)
        roll = roll.without(deleted)
    for item in rivals:  # the older declaration still stands, and with it the connection
        await release(resources, item)
    return roll


async def keep_until_closed(resources: Resources, roll: Roll) -> Roll:
    """Put the finalizer on declarations that lack it: one patch each, once; the roll with them as they are now."""
    by_ref = dict(roll.by_ref)

    async def keep(item: tuple[str, Resource]) -> None:
        ref, resource = item
        if not resource.deleting and FINALIZER not in resource.finalizers:
            by_ref[ref] = await resources.set_finalizers(resource, [*resource.finalizers, FINALIZER]) or resource

    await each(list(roll.declared.items()), keep, at_once=AT_ONCE)
    return Roll(by_ref, roll.shadowed, roll.rivals)


async def release(resources: Resources, item: Resource) -> None:
    """Take our finalizer away: the resource may go."""
    if FINALIZER in item.finalizers:
        await resources.set_finalizers(item, [name for name in item.finalizers if name != FINALIZER])


async def refuse_rivals(resources: Resources, rivals: Iterable[Resource], chronicle: Chronicle, clock: Clock) -> None:
    """Say on a second declaration of a reference that it does not count: one status write, once."""
    message = "an older NavixyCustomer declares this customerRef; delete one of the two"
    current = (
        condition(Condition.READY, status=False, reason=Reason.DUPLICATE_REFERENCE, message=message),
        condition(Condition.STALLED, status=True, reason=Reason.DUPLICATE_REFERENCE, message=message),
    )
    for item in rivals:
        before = item.status.get("conditions", ())
        conditions = merge(before, current, generation=item.generation, now=clock.now())
        status = {"observedGeneration": item.generation, "conditions": conditions}
        if not item.deleting and status != item.status:
            await resources.write_status(item, status)
            event = EventName.CUSTOMER_SKIPPED
            chronicle.tell(
                event,
                status=EventStatus.SKIPPED,
                customer=item.spec["customerRef"],
                origin=Origin.MANUAL,
                warning=True,
                problem=message,
            )
            chronicle.note(item, event, message, warning=True)


async def say_orphaned(cluster: Cluster, item: Resource) -> None:
    """Say on a declaration that its NavixySync is not there: one status write, once."""
    message = f'there is no NavixySync "{item.spec.get("sync", "")}" in this namespace'
    current = (condition(Condition.READY, status=False, reason=Reason.SYNC_NOT_FOUND, message=message),)
    before = item.status.get("conditions", ())
    conditions = merge(before, current, generation=item.generation, now=cluster.clock.now())
    await cluster.resources.write_status(item, {"observedGeneration": item.generation, "conditions": conditions})


async def _record(outside: Outside, item: Resource, pattern: re.Pattern[str]) -> Record:
    """One declaration; API servers older than CEL take it also without the fields that it must have."""
    ref, state, where = item.spec["customerRef"], item.spec.get("state"), item.spec.get("hashSecretRef")
    record = Record(
        ref,
        None if state is None else CustomerState(state),
        None,
        None,
        defects=("spec.state is missing: source Manual requires it",) if state is None else (),
        declared=True,
    )
    if where is None:
        problem = "spec.hashSecretRef is missing: source Manual requires it"
        return replace(record, hash_reason=Reason.SECRET_NOT_FOUND, hash_problem=problem)
    try:
        value = await outside.secrets.read(item.namespace, where["name"], where["key"])
    except SecretNotFound as error:
        return replace(record, hash_reason=Reason.SECRET_NOT_FOUND, hash_problem=str(error))
    navixy_hash, missing = read_hash(value, pattern)
    return replace(record, hash=navixy_hash, hash_reason=missing)
