"""Who there is to decide on: the customers of a snapshot, those who are gone from it, and what is left in F1.1."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.model import Connection, Verdict
from navixy_operator.core.plan import Subject
from navixy_operator.core.vocabulary import ConnectionState, Reason

GONE: Final = Verdict(Reason.NOT_IN_DATABASE, "the customer database has no Navixy customer of this reference")
PERHAPS_NAMELESS: Final = Verdict(
    Reason.INVALID_RECORD,
    "not found under this reference, but the customer database has Navixy rows without a readable reference;"
    " one of them may be this customer",
)


@dataclass(frozen=True, slots=True)
class Known:
    """What a NavixyCustomer of an earlier cycle still tells: its hash's fingerprint, and the one F1.1 refused."""

    fingerprint: str | None = None
    refused: str | None = None


def subjects(snapshot: Snapshot, known: Mapping[str, Known], connections: Iterable[Connection]) -> tuple[Subject, ...]:
    """Every customer of the snapshot, every known one who is gone from it, every connection of nobody.

    ``known`` are the customers with a resource, by reference, as they stood before this cycle wrote to them.
    """
    by_ref: defaultdict[str, list[Connection]] = defaultdict(list)
    nobodys: list[Connection] = []
    for connection in connections:
        if connection.customer_ref is None:
            nobodys.append(connection)
        else:
            by_ref[connection.customer_ref].append(connection)
    return (
        *(_present(ref, snapshot, known.get(ref), by_ref.get(ref, [])) for ref in snapshot.customers),
        *(_gone(ref, snapshot, known[ref], by_ref.get(ref, [])) for ref in known if ref not in snapshot.customers),
        *(
            _leftover(ref, found, snapshot)
            for ref, found in by_ref.items()
            if ref not in snapshot.customers and ref not in known
        ),
        *(_leftover(None, [connection], snapshot) for connection in nobodys),
    )


def _present(ref: str, snapshot: Snapshot, known: Known | None, connections: list[Connection]) -> Subject:
    customer = snapshot.customers[ref]
    fingerprint = customer.record.fingerprint
    refused = _refused(connections, fingerprint) or (None if known is None else known.refused)
    return Subject(ref, customer.verdict, fingerprint, tuple(connections), refused)


def _gone(ref: str, snapshot: Snapshot, known: Known, connections: list[Connection]) -> Subject:
    verdict = PERHAPS_NAMELESS if snapshot.may_hold(known.fingerprint) else GONE
    return Subject(ref, verdict, known.fingerprint, tuple(connections), known.refused)


def _leftover(ref: str | None, connections: list[Connection], snapshot: Snapshot) -> Subject:
    """A connection without a resource: only the same hash on a nameless row makes it somebody's."""
    prints = {connection.fingerprint for connection in connections} - {None}
    verdict = PERHAPS_NAMELESS if prints & snapshot.nameless else GONE
    return Subject(ref, verdict, None, tuple(connections), has_resource=False)


def _refused(connections: list[Connection], fingerprint: str | None) -> str | None:
    """The hash that a failed connection says is refused for good, where F1.1 tells the fingerprint."""
    return next(
        (
            connection.fingerprint
            for connection in connections
            if connection.state is ConnectionState.FAILED
            and connection.fingerprint == fingerprint is not None
            and connection.error is not None
            and connection.error.permanent
        ),
        None,
    )
