"""The audit trail (spec: Audit Trail Logic; design section 5)."""

from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from navixy_operator.core.audit import Entry, Link
from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import Reason


@dataclass(frozen=True, slots=True)
class AuditQuery:
    """Which entries of the audit trail: those for which all that is not None holds (spec: Log Querying).

    ``since`` inclusive, ``until`` exclusive, in UTC. Newest first unless ``oldest_first``: by time, those of one
    ``cycle`` run by run in the order of their chain. ``limit``: from 1 to 10,000. ``after`` is the cursor of the page
    before, as :class:`AuditPage` gave it.
    """

    namespace: str
    sync: str | None = None
    cycle: str | None = None
    customer: str | None = None
    event: str | None = None
    discrepancy: str | None = None
    origin: str | None = None
    since: datetime | None = None
    until: datetime | None = None
    oldest_first: bool = False
    limit: int = 100
    after: str | None = None


@dataclass(frozen=True, slots=True)
class AuditPage:
    """Entries in order; ``next`` is the cursor of the page after it, None: this is the last."""

    entries: tuple[Entry, ...]
    next: str | None


@dataclass(frozen=True, slots=True)
class Stretch:
    """A part of one run's chain, to be verified (:mod:`navixy_operator.core.auditcheck`): its links in order.

    ``ends``: the run has no more. Of a run whose entries are all gone there is one stretch without links.
    """

    run: Run
    links: tuple[Link, ...]
    ends: bool


@dataclass(frozen=True, slots=True)
class AuditState:
    """How it goes with the audit trail. ``trouble``: what keeps entries from the database; None: nothing does.

    ``spooled``: entries that wait on the local disk; ``lost``: entries that were lost since the process began,
    because the spool was full or could not be written.
    """

    trouble: tuple[Reason, str] | None = None
    spooled: int = 0
    lost: int = 0


class AuditTrail(Protocol):
    """Where facts become entries: kept in order, written in batches, spooled while the database is away."""

    @property
    def state(self) -> AuditState:
        """How it goes now."""

    def heard(self, fact: Fact) -> None:
        """Take a fact; an :data:`Observer`."""

    def head(self, run_id: str) -> str | None:
        """The digest of a run's chain as far as its last entry; None: nothing was told of it lately."""

    async def flush(self, seconds: float) -> None:
        """Wait until all that was heard so far is stored or spooled; no longer than that. Never raises."""


class AuditSpool(Protocol):
    """Entries that wait on the local disk, in order, for as long as their database is away; there after a crash, too.

    Bounded by bytes. Calls may come beside each other. All but ``count`` raise AuditSpoolFull: full, or not to be used.
    """

    @property
    def count(self) -> int:
        """How many entries wait."""

    async def open(self) -> None:
        """Find what a process of before has left; ``count`` says how many. No other process may use it from then on."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Put entries behind all others, on the disk when it returns: all or none."""

    async def oldest(self, limit: int) -> Sequence[Entry]:
        """At most so many of the oldest entries. What cannot be read (a line cut off by a crash) is left out."""

    async def forget(self, count: int) -> None:
        """The oldest so many are delivered. After a crash some of them may be there again, never too few."""

    async def close(self) -> None:
        """Let go of the files; what is in them stays."""


class AuditReader(Protocol):
    """The audit trail, to look things up. Raises AuditUnavailable, AuditUrlInvalid; InvalidSpec for a bad cursor."""

    async def page(self, query: AuditQuery) -> AuditPage:
        """One page, found by an index whatever is asked for."""

    async def run(self, run_id: str) -> Sequence[Entry]:
        """All entries of one run, by ``seq``, without those that were purged."""

    async def scopes(self) -> Sequence[tuple[str, str]]:
        """Namespace and NavixySync of all that the trail has, in order. Cheap, however many entries there are."""

    def chains(self, query: AuditQuery) -> AsyncIterator[Stretch]:
        """The chains of runs, one run after the other, the oldest first, in stretches that memory can hold.

        Of the query ``namespace``, ``sync`` and ``cycle`` count, and ``since`` and ``until`` for when a run began.
        """


class AuditStore(AuditReader, Protocol):
    """The audit trail's database, the operator's own (design section 5). All calls are bounded in time."""

    async def prepare(self) -> None:
        """Connect, and bring the schema up to date under a lock. May be repeated. Raises as :class:`AuditReader`."""

    async def append(self, entries: Sequence[Entry]) -> None:
        """Store entries, all or none, in a few statements. One that is there already (by run and seq) is left as it is.

        Raises AuditUnavailable: whether they were stored is not known, and it may be repeated.
        """

    async def purge(self, before: datetime, limit: int) -> int:
        """Delete at most ``limit`` of the perishable entries from before that moment; how many it was.

        Their digests stay, so that the chain can still be verified.
        """

    async def close(self) -> None:
        """Let go of all connections."""
