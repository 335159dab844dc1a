"""From rows to verdicts (spec: Customer Requirements; design section 3).

Rows of other providers are dropped. What is left is read (spaces trimmed, NULL gateways are 0, state and provider
without case), gathered by reference, and judged by the first of these rules that matches:

| rule                  | reason               |
|-----------------------|----------------------|
| the state closes      | Suspended, Removed   |
| cannot be read        | InvalidRecord        |
| several Navixy rows   | DuplicateReference   |
| hash of another, too  | DuplicateHash        |
| no gateway            | NoGateways           |
| its Secret gives none | SecretNotFound       |
| no hash               | MissingHash          |
| malformed hash        | InvalidHash          |
| none of these         | Eligible             |

A customer whom a person declares (``source: Manual``) needs no row and no gateway here: F1.3's word goes before the
database's. Its declaration takes the place of whatever rows there are for the reference.
"""

import re
from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from navixy_operator.core.model import Customer, CustomerRow, NavixyHash, Record, Verdict
from navixy_operator.core.reading import read_gateways, read_hash, read_reference, read_state, read_text
from navixy_operator.core.vocabulary import PROVIDER, CustomerState, Reason

SHOWN: Final = 3


@dataclass(frozen=True, slots=True)
class Orphan:
    """A Navixy row without a usable reference: it belongs to somebody, but nobody can tell to whom."""

    row: int
    message: str
    fingerprint: str | None


@dataclass(frozen=True, slots=True)
class Snapshot:
    """What one poll gave, judged: customers by reference, rows without one, and how many rows there were in all.

    ``polled`` counts the Navixy customers that the database gave; who is only declared is not among them.
    """

    customers: Mapping[str, Customer]
    orphans: tuple[Orphan, ...]
    rows: int
    polled: int = 0
    nameless: frozenset[str | None] = field(init=False, repr=False)
    """The fingerprints on the rows without a reference; None: on one of them there is none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nameless", frozenset(orphan.fingerprint for orphan in self.orphans))

    @property
    def hashes(self) -> "Hashes":
        """The customers' hashes by reference, for establishing."""
        return Hashes(self.customers)

    def may_hold(self, fingerprint: str | None) -> bool:
        """Whether a customer who seems gone may be one of the rows without a reference.

        A row with a hash is told by its fingerprint; one without a hash may be anybody.
        """
        return None in self.nameless or (fingerprint is not None and fingerprint in self.nameless)


class Hashes(Mapping[str, NavixyHash]):
    """A view of the valid hashes of customers by reference; makes no copy of 10,000 secrets."""

    __slots__ = ("_customers",)

    def __init__(self, customers: Mapping[str, Customer]) -> None:
        self._customers = customers

    def __getitem__(self, customer_ref: str) -> NavixyHash:
        found = self._customers[customer_ref].record.hash
        if found is None:
            raise KeyError(customer_ref)
        return found

    def __iter__(self) -> Iterator[str]:
        return (ref for ref, customer in self._customers.items() if customer.record.hash is not None)

    def __len__(self) -> int:
        return sum(1 for _ in self)


class Intake:
    """Takes the rows of a poll one by one, keeping only Navixy's; :meth:`judge` gives the snapshot."""

    def __init__(self, hash_pattern: str) -> None:
        self._pattern = re.compile(hash_pattern)
        self._records: dict[str, Record] = {}
        self._holders: defaultdict[str, set[str]] = defaultdict(set)
        self._orphans: list[Orphan] = []
        self._declared: dict[str, Record] = {}
        self._rows = 0

    def take(self, row: CustomerRow) -> None:
        """Read one row; never raises, whatever it holds."""
        self._rows += 1
        provider = read_text(row.provider)
        if provider is None or provider.lower() != PROVIDER:
            return
        navixy_hash, hash_reason = read_hash(row.navixy_hash, self._pattern)
        customer_ref, problem = read_reference(row.customer_ref, navixy_hash, hash_reason, self._pattern)
        if customer_ref is None:
            fingerprint = None if navixy_hash is None else navixy_hash.fingerprint
            self._orphans.append(Orphan(row.number, f"row {row.number}: {problem}", fingerprint))
            return
        if navixy_hash is not None:
            self._holders[navixy_hash.fingerprint].add(customer_ref)
        record = _read(row, customer_ref, navixy_hash, hash_reason)
        known = self._records.get(customer_ref)
        self._records[customer_ref] = record if known is None else _merge(known, record)

    def declare(self, record: Record) -> None:
        """Add a person's declaration; it goes before every row of the same reference."""
        self._declared[record.customer_ref] = record

    def judge(self) -> Snapshot:
        """Judge every record against the rules and against the others."""
        holders = self._all_holders() if self._declared else self._holders
        shared = {print_: tuple(sorted(refs)) for print_, refs in holders.items() if len(refs) > 1}
        customers = {
            ref: Customer(record, judge(record, shared.get(record.fingerprint or "", ())))
            for ref, record in (self._records | self._declared).items()
        }
        return Snapshot(customers, tuple(self._orphans), self._rows, len(self._records) + len(self._orphans))

    def _all_holders(self) -> Mapping[str, set[str]]:
        """Who holds which hash, with the declared hash where there is one instead of the row's."""
        found: defaultdict[str, set[str]] = defaultdict(set)
        for print_, refs in self._holders.items():
            found[print_] |= {ref for ref in refs if ref not in self._declared}
        for ref, record in self._declared.items():
            if record.fingerprint is not None:
                found[record.fingerprint].add(ref)
        return {print_: refs for print_, refs in found.items() if refs}


def _read(row: CustomerRow, customer_ref: str, navixy_hash: NavixyHash | None, hash_reason: Reason | None) -> Record:
    state, state_defect = read_state(row.state)
    gateways, gateways_defect = read_gateways(row.gateway_count)
    defects = tuple(defect for defect in (state_defect, gateways_defect) if defect)
    return Record(customer_ref, state, gateways, navixy_hash, hash_reason, read_text(row.name), defects=defects)


def _merge(first: Record, second: Record) -> Record:
    """Two Navixy rows of one reference are one bad record: only what both say is taken from it."""
    return replace(
        first,
        state=first.state if first.state is second.state else None,
        gateways=first.gateways if first.gateways == second.gateways else None,
        hash=first.hash if first.hash == second.hash else None,
        hash_reason=first.hash_reason if first.hash_reason is second.hash_reason else None,
        rows=first.rows + second.rows,
        defects=tuple(sorted({*first.defects, *second.defects})),
    )


Rule = Callable[[Record, tuple[str, ...]], tuple[Reason, str] | None]


def _closed(record: Record, _: tuple[str, ...]) -> tuple[Reason, str] | None:
    match record.state:
        case CustomerState.SUSPENDED:
            return Reason.SUSPENDED, "the customer is suspended in the customer database"
        case CustomerState.REMOVED:
            return Reason.REMOVED, "the customer is removed in the customer database"
        case _:
            return None


def _unreadable(record: Record, _: tuple[str, ...]) -> tuple[Reason, str] | None:
    return (Reason.INVALID_RECORD, "; ".join(record.defects)) if record.defects else None


def _several_rows(record: Record, _: tuple[str, ...]) -> tuple[Reason, str] | None:
    if record.rows == 1:
        return None
    message = f"the customer database gives {record.rows} Navixy rows for this reference; leave one"
    return Reason.DUPLICATE_REFERENCE, message


def _shared_hash(record: Record, holders: tuple[str, ...]) -> tuple[Reason, str] | None:
    others = [ref for ref in holders[: SHOWN + 1] if ref != record.customer_ref][:SHOWN]
    if not others:
        return None
    more = len(holders) - 1 - len(others)
    named = ", ".join(others) + (f" and {more} more" if more else "")
    return Reason.DUPLICATE_HASH, f"the same Navixy hash is on {named}; give each customer its own"


def _no_gateways(record: Record, _: tuple[str, ...]) -> tuple[Reason, str] | None:
    return (
        None
        if record.gateways or record.declared
        else (Reason.NO_GATEWAYS, "the customer has no gateway; at least one is required")
    )


def _no_hash(record: Record, _: tuple[str, ...]) -> tuple[Reason, str] | None:
    match record.hash_reason:
        case None:
            return None
        case Reason.MISSING_HASH:
            return Reason.MISSING_HASH, "the customer has no Navixy hash; add it to the database, or set it up by hand"
        case Reason.SECRET_NOT_FOUND:
            return Reason.SECRET_NOT_FOUND, record.hash_problem
        case reason:
            place = "the Secret of hashSecretRef" if record.declared else "the customer database"
            return reason, f"the Navixy hash is malformed; correct it in {place}"


RULES: Final[tuple[Rule, ...]] = (_closed, _unreadable, _several_rows, _shared_hash, _no_gateways, _no_hash)


def judge(record: Record, same_hash: tuple[str, ...] = ()) -> Verdict:
    """The verdict on one record; ``same_hash`` are all customers with its hash, itself included, in order. Total.

    The same data in another order gives the same words: a status is not written anew because a row has moved.
    """
    for rule in RULES:
        if found := rule(record, same_hash):
            return Verdict(*found)
    return Verdict(Reason.ELIGIBLE, "active, with Navixy, at least one gateway and a valid hash")
