"""Who there is to decide on: the customers of a snapshot, those who are gone from it, and what is left in F1.1."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final

from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.model import Connection, Verdict
from navixy_operator.core.pins import NO_PIN, PinReading
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import ConnectionState, Reason

GONE: Final = Verdict(Reason.NOT_IN_DATABASE, "the customer database has no Navixy customer of this reference")
PERHAPS_NAMELESS: Final = Verdict(
    Reason.UNREADABLE_REFERENCE,
    "not found under this reference, but the customer database has Navixy rows without a readable reference;"
    " one of them may be this customer",
)


DELETED: Final = Verdict(Reason.DECLARATION_DELETED, "a person has deleted the declaration of this customer")


@dataclass(frozen=True, slots=True)
class Known:
    """What a NavixyCustomer tells beside the database.

    ``fingerprint`` of its hash in an earlier cycle; ``refused``, the one that F1.1 refused for good; ``stuck``, the id
    of the connection that was watched in vain; its ``pins``; ``deleted``: a declaration that a person takes back.
    """

    fingerprint: str | None = None
    refused: str | None = None
    stuck: str | None = None
    pins: PinReading = NO_PIN
    deleted: bool = False


NOBODY: Final = Known()


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
        *(_present(ref, snapshot, known.get(ref, NOBODY), by_ref.get(ref, [])) for ref in snapshot.customers),
        *(_gone(ref, snapshot, known[ref], by_ref.get(ref, [])) for ref in known if ref not in snapshot.customers),
        *(
            leftover(ref, found, snapshot)
            for ref, found in by_ref.items()
            if ref not in snapshot.customers and ref not in known
        ),
        *(leftover(None, [connection], snapshot) for connection in nobodys),
    )


def subject_of(
    customer_ref: str,
    verdict: Verdict,
    fingerprint: str | None,
    connections: Iterable[Connection],
    known: Known,
    *,
    has_hash: bool,
) -> Subject:
    """A customer with a resource; a declaration that is deleted takes its pin along."""
    found = tuple(connections)
    return Subject(
        customer_ref,
        DELETED if known.deleted else verdict,
        fingerprint,
        found,
        refused=_refused(found, fingerprint) or known.refused,
        stuck=known.stuck,
        pins=NO_PIN if known.deleted else known.pins,
        has_hash=has_hash,
    )


def _present(ref: str, snapshot: Snapshot, known: Known, connections: list[Connection]) -> Subject:
    customer = snapshot.customers[ref]
    record = customer.record
    return subject_of(ref, customer.verdict, record.fingerprint, connections, known, has_hash=record.hash is not None)


def _gone(ref: str, snapshot: Snapshot, known: Known, connections: list[Connection]) -> Subject:
    perhaps = snapshot.may_hold(known.fingerprint) or _of_a_nameless(connections, snapshot)
    verdict = PERHAPS_NAMELESS if perhaps else GONE
    return subject_of(ref, verdict, known.fingerprint, connections, known, has_hash=False)


def leftover(ref: str | None, connections: list[Connection], snapshot: Snapshot | None = None) -> Subject:
    """A connection without a resource: only the same hash on a nameless row makes it somebody's."""
    verdict = PERHAPS_NAMELESS if snapshot is not None and _of_a_nameless(connections, snapshot) else GONE
    return Subject(ref, verdict, None, tuple(connections), has_hash=False, has_resource=False)


def _of_a_nameless(connections: Iterable[Connection], snapshot: Snapshot) -> bool:
    """Whether a connection was opened with the hash of a row without a reference."""
    return any(c.fingerprint is not None and c.fingerprint in snapshot.nameless for c in connections)


def _refused(connections: Iterable[Connection], fingerprint: str | None) -> str | None:
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
