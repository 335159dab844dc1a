"""The NavixyCustomers of one NavixySync as they stand, and which of several counts for a reference.

A declaration (``source: Manual``) goes before the projection of a database row; of two declarations the older counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from navixy_operator.core.naming import resource_name
from navixy_operator.core.pins import read_pin
from navixy_operator.core.projection import refused_fingerprint, stuck_connection
from navixy_operator.core.roster import Known
from navixy_operator.core.vocabulary import CustomerState, Kind, Source
from navixy_operator.ports import Resource, Resources


@dataclass(frozen=True, slots=True)
class Roll:
    """The customers of one NavixySync, told apart.

    ``by_ref``: who stands for each reference; ``shadowed``: projections that a declaration stands before; ``rivals``:
    declarations of a reference that an older one declares.
    """

    by_ref: dict[str, Resource]
    shadowed: tuple[Resource, ...] = ()
    rivals: tuple[Resource, ...] = ()

    @property
    def declared(self) -> dict[str, Resource]:
        """The declarations that count, by reference, those that are being deleted among them."""
        return {ref: item for ref, item in self.by_ref.items() if is_declared(item)}

    def without(self, refs: Iterable[str]) -> "Roll":
        """The roll without these."""
        gone = set(refs)
        kept = {ref: item for ref, item in self.by_ref.items() if ref not in gone}
        return Roll(kept, self.shadowed, self.rivals)


async def call_roll(resources: Resources, sync: Resource) -> Roll:
    """The customers that name this NavixySync: one paged list, or none where a watch keeps a mirror."""
    return roll_of(await resources.list(Kind.CUSTOMER, sync.namespace), sync.name)


def roll_of(items: Sequence[Resource], sync: str) -> Roll:
    """The customers of one NavixySync among all of a namespace.

    A projection whose reference was changed by hand (API servers older than CEL let that happen) no longer fits its
    name and is not counted; writing the customer whose name it bears puts it right.
    """
    ours = [item for item in items if item.spec.get("sync") == sync]
    declarations = sorted(filter(is_declared, ours), key=lambda item: (item.deleting, item.created_at, item.name))
    by_ref: dict[str, Resource] = {}
    rivals: list[Resource] = []
    for item in declarations:
        ref = item.spec["customerRef"]
        if ref in by_ref:
            rivals.append(item)
        else:
            by_ref[ref] = item
    shadowed: list[Resource] = []
    for item in ours:
        ref = item.spec["customerRef"]
        if item.spec.get("source") != Source.DATABASE or item.name != resource_name(ref):
            continue
        if ref in by_ref:
            shadowed.append(item)
        else:
            by_ref[ref] = item
    return Roll(by_ref, tuple(shadowed), tuple(rivals))


def is_declared(item: Resource) -> bool:
    """Whether a person or Git declares this customer."""
    return item.spec.get("source") == Source.MANUAL


def is_active_projection(item: Resource) -> bool:
    """Whether the database had this customer, and had not removed it, when it was last polled."""
    return not is_declared(item) and item.spec.get("state") != CustomerState.REMOVED


def known_of(item: Resource, now: datetime) -> Known:
    """What a resource tells beside the database."""
    return Known(
        fingerprint=item.spec.get("hashFingerprint"),
        refused=refused_fingerprint(item.status),
        stuck=stuck_connection(item.status),
        pins=read_pin(item.annotations, now),
        deleted=item.deleting and is_declared(item),
    )


def known_at(roll: Roll, now: datetime) -> dict[str, Known]:
    """The same of all, by reference."""
    return {ref: known_of(item, now) for ref, item in roll.by_ref.items()}
