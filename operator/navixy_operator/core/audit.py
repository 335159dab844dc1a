"""Entries of the audit trail, and the chain of digests that shows a change after the fact (spec: Audit Trail Logic)."""

import hashlib
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import EventName

GENESIS: Final = ""
"""What the first entry of a run is chained to."""
PERISHABLE: Final = frozenset({EventName.DATABASE_QUERIED})
"""Events that are kept for a year; all others are kept for ever (spec: Events Logged, Retention)."""
KEPT: Final = timedelta(days=365)
"""How long those are kept at least."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A fact as it is stored: ``details`` is JSON text, ``digest`` the chain's as far as this entry, 64 hex characters.

    ``at`` has microseconds, in UTC. ``event``, ``status``, ``discrepancy``, ``origin`` are the vocabulary's words, as
    text: what a newer version has written must be readable by an older one.
    """

    run: Run
    seq: int
    at: datetime
    event: str
    status: str
    customer: str | None
    discrepancy: str | None
    origin: str
    details: str
    digest: str


@dataclass(frozen=True, slots=True)
class Purged:
    """What is left of an entry that was not to be kept for ever: its place in the chain.

    ``content`` is the digest that :func:`content_of` gave of it; the other fields are as the entry had them.
    """

    run: Run
    seq: int
    at: datetime
    event: str
    content: str
    digest: str


Link = Entry | Purged


def purged(entry: Entry) -> Purged:
    """What is left of an entry when it is purged."""
    return Purged(entry.run, entry.seq, entry.at, entry.event, content_of(entry), entry.digest)


def entry_of(fact: Fact, details: str, previous: str) -> Entry:
    """A fact with its place in the chain: ``previous`` is the digest of the entry before it in its run, or GENESIS."""
    discrepancy = None if fact.discrepancy is None else fact.discrepancy.value
    told = (fact.status.value, fact.customer, discrepancy, fact.origin.value, details)
    digest = link(previous, fact.seq, fact.at, fact.event.value, _content(fact.run, *told))
    return Entry(fact.run, fact.seq, fact.at, fact.event.value, *told, digest)


def content_of(entry: Entry) -> str:
    """Digest over all of an entry that is not kept when it is purged: whose, how and what; 64 hex characters."""
    told = (entry.status, entry.customer, entry.discrepancy, entry.origin, entry.details)
    return _content(entry.run, *told)


def _content(run: Run, *told: str | None) -> str:
    return _digest((run.id, run.kind.value, run.name, run.namespace, run.sync, *told))


def link(previous: str, seq: int, at: datetime, event: str, content: str) -> str:
    """The chain's digest at one entry. ``content`` as :func:`content_of`, so that a purged entry leaves no gap."""
    return _digest((previous, str(seq), at.isoformat(timespec="microseconds"), event, content))


def _digest(parts: Iterable[str | None]) -> str:
    """SHA-256 over parts whose borders cannot be shifted: each has its length before it, None is told from empty."""
    told = "".join("-" if part is None else f"{len(part)}:{part}" for part in parts)
    return hashlib.sha256(told.encode("utf-8", "surrogatepass")).hexdigest()
