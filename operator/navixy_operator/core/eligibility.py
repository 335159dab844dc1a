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
| no hash               | MissingHash          |
| malformed hash        | InvalidHash          |
| none of these         | Eligible             |
"""

import re
from collections import defaultdict
from collections.abc import Callable, Mapping
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
    """What one poll gave, judged: customers by reference, rows without one, and how many rows there were in all."""

    customers: Mapping[str, Customer]
    orphans: tuple[Orphan, ...]
    rows: int
    nameless: frozenset[str | None] = field(init=False, repr=False)
    """The fingerprints on the rows without a reference; None: on one of them there is none."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "nameless", frozenset(orphan.fingerprint for orphan in self.orphans))

    def may_hold(self, fingerprint: str | None) -> bool:
        """Whether a customer who seems gone may be one of the rows without a reference.

        A row with a hash is told by its fingerprint; one without a hash may be anybody.
        """
        return None in self.nameless or (fingerprint is not None and fingerprint in self.nameless)


class Intake:
    """Takes the rows of a poll one by one, keeping only Navixy's; :meth:`judge` gives the snapshot."""

    def __init__(self, hash_pattern: str) -> None:
        self._pattern = re.compile(hash_pattern)
        self._records: dict[str, Record] = {}
        self._holders: defaultdict[str, dict[str, None]] = defaultdict(dict)
        self._orphans: list[Orphan] = []
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
            self._holders[navixy_hash.fingerprint][customer_ref] = None
        record = _read(row, customer_ref, navixy_hash, hash_reason)
        known = self._records.get(customer_ref)
        self._records[customer_ref] = record if known is None else _merge(known, record)

    def judge(self) -> Snapshot:
        """Judge every record against the rules and against the others."""
        shared = {print_: tuple(sorted(refs)) for print_, refs in self._holders.items() if len(refs) > 1}
        customers = {
            ref: Customer(record, judge(record, shared.get(record.fingerprint or "", ())))
            for ref, record in self._records.items()
        }
        return Snapshot(customers, tuple(self._orphans), self._rows)


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
    return None if record.gateways else (Reason.NO_GATEWAYS, "the customer has no gateway; at least one is required")


def _no_hash(record: Record, _: tuple[str, ...]) -> tuple[Reason, str] | None:
    match record.hash_reason:
        case None:
            return None
        case Reason.MISSING_HASH:
            return Reason.MISSING_HASH, "the customer has no Navixy hash; add it to the database, or set it up by hand"
        case reason:
            return reason, "the Navixy hash is malformed; correct it in the customer database"


RULES: Final[tuple[Rule, ...]] = (_closed, _unreadable, _several_rows, _shared_hash, _no_gateways, _no_hash)


def judge(record: Record, same_hash: tuple[str, ...] = ()) -> Verdict:
    """The verdict on one record; ``same_hash`` are all customers with its hash, itself included, in order. Total.

    The same data in another order gives the same words: a status is not written anew because a row has moved.
    """
    for rule in RULES:
        if found := rule(record, same_hash):
            return Verdict(*found)
    return Verdict(Reason.ELIGIBLE, "active, with Navixy, at least one gateway and a valid hash")
