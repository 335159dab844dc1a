"""Entries to rows and back."""

import hashlib
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from navixy_operator.adapters.audit.schema import NO_DISCREPANCY, escaped
from navixy_operator.core.audit import Entry, Purged, purged
from navixy_operator.core.fact import Run
from navixy_operator.core.vocabulary import RunKind

MAX_KEY_BYTES: Final = 400
"""An index of PostgreSQL takes 2,704 bytes a row; references have up to 1,024 characters."""
SHOWN: Final = 60


@dataclass(frozen=True, slots=True)
class Series:
    """What the entries of one series share, but for their scope."""

    event: str
    discrepancy: str | None
    origin: str


def series_of(entry: Entry) -> Series:
    """Which series an entry belongs to, within its scope."""
    return Series(entry.event, entry.discrepancy, entry.origin)


def event_row(entry: Entry, run: int, series: int) -> dict[str, object]:
    """The row of an entry; ``run`` and ``series`` are the numbers of these."""
    customer = None if entry.customer is None else key_of(entry.customer)
    return {
        "at": entry.at,
        "run": run,
        "seq": entry.seq,
        "series": series,
        "status": entry.status,
        "customer": customer,
        "customer_whole": None if customer == entry.customer else entry.customer,
        "details": entry.details,
        "digest": entry.digest,
    }


def entry_of(row: Any, run: Run, series: Series) -> Entry:
    """The entry of a row of ``audit_events``."""
    return Entry(
        run,
        row.seq,
        row.at,
        series.event,
        row.status,
        _customer(row.customer, row.customer_whole),
        series.discrepancy,
        series.origin,
        row.details,
        row.digest,
    )


def run_of(row: Any) -> Run:
    """The run of a row of ``audit_runs`` with its scope."""
    return Run(row.run_id, kind_of(row.kind), row.name, row.namespace, row.sync)


def kind_of(text: str) -> RunKind:
    """The kind; one that a newer version has written is kept as it is, as the digests are over it."""
    try:
        return RunKind(text)
    except ValueError:
        unknown = str.__new__(RunKind, text)
        unknown._name_ = unknown._value_ = text
        return unknown


def series_row(series: Series, scope: int) -> dict[str, object]:
    """The row of a series in a scope."""
    discrepancy = NO_DISCREPANCY if series.discrepancy is None else series.discrepancy
    return {"scope_id": scope, "event": series.event, "discrepancy": discrepancy, "origin": series.origin}


def run_row(run: Run, scope: int, began: datetime) -> dict[str, object]:
    """The row of a run."""
    return {"run_id": run.id, "scope_id": scope, "kind": run.kind.value, "name": run.name, "began": began}


def purged_row(entry: Entry, run: int) -> dict[str, object]:
    """What is left of an entry, as a row."""
    left = purged(entry)
    return {
        "at": left.at,
        "run": run,
        "seq": left.seq,
        "event": left.event,
        "content": left.content,
        "digest": left.digest,
    }


def purged_of(row: Any, run: Run) -> Purged:
    """What is left of an entry, of a row of ``audit_purged``."""
    return Purged(run, row.seq, row.at, row.event, row.content, row.digest)


def key_of(customer: str) -> str:
    """What an index can hold of a reference: all of it, or its beginning and a digest."""
    told = escaped(customer).encode()
    if len(told) <= MAX_KEY_BYTES:
        return customer
    return f"{customer[:SHOWN]}…{hashlib.sha256(told).hexdigest()}"


def _customer(key: str | None, whole: str | None) -> str | None:
    """The reference. Where the two do not fit each other, somebody has changed one: the digest is to show it."""
    return whole if whole is not None and key is not None and key_of(whole) == key else key
