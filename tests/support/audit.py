"""The audit trail in memory, and on SQLite: filled by what cycles of the fakes' world tell."""

import json
from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from navixy_operator.core.audit import GENESIS, Entry, entry_of
from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, Origin, RunKind
from navixy_operator.errors import InvalidSpec, OperatorError
from navixy_operator.ports import AuditPage, AuditQuery, Stretch
from navixy_operator.settings import Settings
from support.builders import NOW


def entries_of(facts: Iterable[Fact]) -> list[Entry]:
    """The entries that facts become: each run a chain of its own."""
    heads: dict[str, str] = {}
    found = []
    for fact in facts:
        entry = entry_of(fact, json.dumps(dict(fact.details)), heads.get(fact.run.id, GENESIS))
        heads[fact.run.id] = entry.digest
        found.append(entry)
    return found


@dataclass
class FakeAuditReader:
    """Entries in memory. ``pages``: the limits that were asked for, in turn; ``error``: what every question raises."""

    entries: list[Entry] = field(default_factory=list)
    pages: list[int] = field(default_factory=list)
    error: OperatorError | None = None

    async def page(self, query: AuditQuery) -> AuditPage:
        """One page; the cursor is the number of entries before it."""
        if self.error is not None:
            raise self.error
        self.pages.append(query.limit)
        found = sorted(filter(_fits(query), self.entries), key=lambda entry: (entry.at, entry.run.id, entry.seq))
        if not query.oldest_first:
            found.reverse()
        if query.after is not None and not query.after.isdecimal():
            message = "that is no cursor"
            raise InvalidSpec(message)
        begin = int(query.after or 0)
        end = begin + query.limit
        return AuditPage(tuple(found[begin:end]), str(end) if end < len(found) else None)

    async def run(self, run_id: str) -> Sequence[Entry]:
        """One run."""
        return sorted((entry for entry in self.entries if entry.run.id == run_id), key=lambda entry: entry.seq)

    async def scopes(self) -> Sequence[tuple[str, str]]:
        """Who has entries."""
        if self.error is not None:
            raise self.error
        return sorted({(entry.run.namespace, entry.run.sync) for entry in self.entries})

    async def chains(self, query: AuditQuery) -> AsyncIterator[Stretch]:
        """Run by run, two links at a time."""
        runs = dict.fromkeys(entry.run for entry in sorted(self.entries, key=lambda entry: entry.at))
        for run in runs:
            links = await self.run(run.id)
            if not links or not _fits(replace(query, since=None))(links[0]):
                continue
            if query.since is None or links[0].at >= query.since:
                for begin in range(0, len(links), 2):
                    yield Stretch(run, tuple(links[begin : begin + 2]), ends=begin + 2 >= len(links))

    @asynccontextmanager
    async def opened(self, settings: Settings, *, mask: Callable[[str], None]) -> AsyncIterator["FakeAuditReader"]:
        """As ``bootstrap.audit_reader``."""
        del settings, mask
        yield self


def _fits(query: AuditQuery) -> Callable[[Entry], bool]:
    def fits(entry: Entry) -> bool:
        run = entry.run
        pairs: list[tuple[Any, Any]] = [
            (query.namespace, run.namespace),
            (query.sync, run.sync),
            (query.cycle, run.name),
            (query.customer, entry.customer),
            (query.event, entry.event),
            (query.discrepancy, entry.discrepancy),
            (query.origin, entry.origin),
        ]
        late = query.since is None or entry.at >= query.since
        early = query.until is None or entry.at < query.until
        return late and early and all(wanted in {None, found} for wanted, found in pairs)

    return fits


@dataclass
class Teller:
    """Tells facts of one run, a second after each other."""

    name: str = "first"
    kind: RunKind = RunKind.CYCLE
    namespace: str = "default"
    sync: str = "main"
    at: datetime = NOW
    run_id: str = ""
    facts: list[Fact] = field(default_factory=list)

    def tell(
        self,
        event: EventName,
        customer: str | None = None,
        *,
        status: EventStatus = EventStatus.SUCCEEDED,
        discrepancy: Discrepancy | None = None,
        origin: Origin = Origin.AUTOMATIC,
        **details: object,
    ) -> None:
        """The next fact."""
        run = Run(
            self.run_id or self.name.encode().hex()[:32].ljust(32, "0"), self.kind, self.name, self.namespace, self.sync
        )
        at = self.at + timedelta(seconds=len(self.facts))
        self.facts.append(Fact(at, event, run, len(self.facts), status, customer, discrepancy, origin, details))

    @property
    def entries(self) -> list[Entry]:
        """What the trail has of it."""
        return entries_of(self.facts)
