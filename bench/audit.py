"""``python -m bench.audit``: how long a page of the audit trail takes among millions of entries, and its plan."""

import asyncio
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, Final

import click
from rich.console import Console
from rich.table import Table
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from bench.auditfill import APART, BEGAN, CUSTOMERS, NAMESPACE, PLACES, Story, fill, name_of, scope_of, size_of
from bench.auditplan import plan_of, recorded
from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.core.audit import GENESIS, Entry, entry_of
from navixy_operator.core.auditcheck import Examination
from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, Origin, RunKind
from navixy_operator.ports import AuditQuery
from navixy_operator.sandbox.databases import PostgreSQL, Sqlite
from navixy_operator.sandbox.progress import Progress, progress_for

PAGE: Final = 100
TIMES: Final = 30
BATCH: Final = 1_000
BATCHES: Final = 20
WIDTH: Final = 200
RARE: Final = tuple(EventName)[29]
COMMON: Final = tuple(EventName)[6]
CLOSED: Final = EventName.CONNECTION_CLOSED
MANUAL_EXTRA: Final = {"origin": Origin.MANUAL, "discrepancy": Discrepancy.EXTRA}

Fields = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked, each time with other values: ``fields`` draws them."""

    name: str
    fields: Callable[["Draw"], Fields]


@dataclass(frozen=True, slots=True)
class Draw:
    """Values that occur in a story."""

    story: Story
    random: random.Random

    def cycle(self) -> str:
        """A cycle of the namespace that is asked about."""
        own = [n for n in range(self.story.cycles) if PLACES[scope_of(n) - 1][0] == NAMESPACE]
        return name_of(self.random.choice(own))

    def customer(self) -> str:
        """Any customer."""
        return f"CUST-{self.random.randrange(CUSTOMERS):06}"

    def moment(self) -> Any:
        """Some time in the story."""
        return BEGAN + self.random.random() * self.story.cycles * APART

    def day(self) -> Fields:
        """A day."""
        since = self.moment()
        return {"since": since, "until": since + timedelta(days=1)}


QUESTIONS: Final = (
    Question("nothing (newest)", lambda _: {}),
    Question("nothing (oldest first)", lambda _: {"oldest_first": True}),
    Question("nothing, 1,000 a page", lambda _: {"limit": 1000}),
    Question("sync", lambda _: {"sync": "second"}),
    Question("cycle", lambda draw: {"cycle": draw.cycle()}),
    Question("customer", lambda draw: {"customer": draw.customer()}),
    Question("event, common", lambda _: {"event": COMMON}),
    Question("event, rare", lambda _: {"event": RARE}),
    Question("date range: a day", lambda draw: draw.day()),
    Question("date range: until", lambda draw: {"until": draw.moment()}),
    Question("discrepancy", lambda _: {"discrepancy": Discrepancy.SUSPENDED}),
    Question("origin manual", lambda _: {"origin": Origin.MANUAL}),
    Question("origin automatic", lambda _: {"origin": Origin.AUTOMATIC}),
    Question("customer + event", lambda draw: {"customer": draw.customer(), "event": RARE}),
    Question("customer + day", lambda draw: {"customer": draw.customer(), **draw.day()}),
    Question("event + discrepancy", lambda _: {"event": COMMON, "discrepancy": Discrepancy.HASH_CHANGED}),
    Question("event + origin", lambda _: {"event": COMMON, "origin": Origin.MANUAL}),
    Question("event + day", lambda draw: {"event": RARE, **draw.day()}),
    Question("discrepancy + origin + until", lambda draw: {**MANUAL_EXTRA, "until": draw.moment()}),
    Question("cycle + customer", lambda draw: {"cycle": draw.cycle(), "customer": draw.customer()}),
    Question("cycle + event, rare", lambda draw: {"cycle": draw.cycle(), "event": RARE}),
    Question(
        "all of them",
        lambda draw: {
            "cycle": draw.cycle(),
            "customer": draw.customer(),
            **MANUAL_EXTRA,
            "event": CLOSED,
            **draw.day(),
        },
    ),
    Question("empty: event + discrepancy", lambda _: {"event": COMMON, "discrepancy": Discrepancy.EXTRA}),
    Question("empty: origin + event", lambda _: {"event": RARE, "origin": Origin.MANUAL}),
    Question("empty: event never told", lambda _: {"event": EventName.AUDIT_PURGED}),
    Question("empty: unknown customer", lambda _: {"customer": "nobody"}),
    Question("empty: unknown cycle", lambda _: {"cycle": "never"}),
    Question("empty: before all", lambda _: {"until": BEGAN}),
    Question("empty: cycle + origin + event", lambda draw: {"cycle": draw.cycle(), "origin": "manual", "event": RARE}),
    Question("empty: customer + before all", lambda draw: {"customer": draw.customer(), "until": BEGAN}),
)


@click.command()
@click.option("--entries", type=click.IntRange(1_000), default=10_000_000, show_default=True, help="How many.")
@click.option(
    "--database", "kinds", multiple=True, type=click.Choice(["sqlite", "postgresql"]), default=["sqlite", "postgresql"]
)
def main(entries: int, kinds: tuple[str, ...]) -> None:
    """Fill the audit trail's database, and time a page of 100 for every filter and for combinations of them.

    The plan is the one of the last question of its row. Ten million entries need some 5 GB below TMPDIR for each
    database, one after the other, and some minutes.
    """
    progress, console = progress_for(), Console(width=None if sys.stdout.isatty() else WIDTH)
    for kind in kinds:
        with _database(kind, progress) as url:
            asyncio.run(Act(kind, url, Story(entries), progress, console).play())


@contextmanager
def _database(kind: str, progress: Progress) -> Iterator[str]:
    """An empty database, gone afterwards."""
    if kind == "postgresql":
        with PostgreSQL(progress=progress) as server:
            yield server.create_database().url
        return
    with tempfile.TemporaryDirectory(prefix="navixy-bench-audit-") as directory:
        yield Sqlite(Path(directory)).create_database().url


@dataclass(frozen=True, slots=True)
class Act:
    """What is done with one database."""

    kind: str
    url: str
    story: Story
    progress: Progress
    console: Console

    async def play(self) -> None:
        """Fill, ask, write, verify; print what it took."""
        store = SqlAuditStore(self.url, timeout_seconds=600)
        await store.prepare()
        with self._phase(f"filling {self.story.entries:,} entries"):
            began = time.perf_counter()
            await asyncio.to_thread(fill, self.url, self.story)
            seconds = time.perf_counter() - began
        sizes = ", ".join(f"{name} {size / 1e6:,.0f} MB" for name, size in await asyncio.to_thread(self._sizes))
        table = Table(title=f"{self.kind}: {self.story.entries:,} entries, a page of {PAGE}", title_justify="left")
        for heading in ("asked for", "entries", "p50 ms", "max ms", "plan"):
            table.add_column(heading, justify="right" if heading.endswith("ms") or heading == "entries" else "left")
        with self._phase("asking"):
            for question in QUESTIONS:
                table.add_row(*await self._ask(store, question))
            table.add_row(*await self._turn_pages(store))
        self.console.print(table)
        self.console.print(f"filled in {seconds:,.0f} s: {sizes}", highlight=False)
        with self._phase("writing and verifying"):
            self.console.print(await self._write(store), highlight=False)
        await store.close()

    async def _ask(self, store: SqlAuditStore, question: Question) -> tuple[str, ...]:
        draw = Draw(self.story, random.Random(question.name))  # noqa: S311 - no secret
        queries = [AuditQuery(NAMESPACE, **{"limit": PAGE, **question.fields(draw)}) for _ in range(TIMES)]
        return (question.name, *await self._timed(store, queries))

    async def _turn_pages(self, store: SqlAuditStore) -> tuple[str, ...]:
        """Pages deep in the trail, each with the cursor of the one before."""
        query = AuditQuery(NAMESPACE, until=BEGAN + self.story.cycles * APART / 2, limit=PAGE)
        queries = [query]
        for _ in range(TIMES - 1):
            queries.append(replace(query, after=(await store.page(queries[-1])).next))
        return ("page after page, from the middle", *await self._timed(store, queries))

    async def _timed(self, store: SqlAuditStore, queries: list[AuditQuery]) -> tuple[str, ...]:
        found, seconds = [], []
        with recorded(store._reading()._engine) as statements:  # noqa: SLF001 - the very statements are explained
            for query in queries:
                statements.clear()
                began = time.perf_counter()
                found.append(len((await store.page(query)).entries))
                seconds.append((time.perf_counter() - began) * 1000)
        plan = await asyncio.to_thread(self._plan, list(statements))
        return f"{statistics.median(found):g}", f"{statistics.median(seconds):.1f}", f"{max(seconds):.1f}", plan

    async def _write(self, store: SqlAuditStore) -> str:
        """Batches at this size, their verification, a purge."""
        entries = _chain(BATCH * BATCHES, self.story)
        seconds = []
        for start in range(0, len(entries), BATCH):
            began = time.perf_counter()
            await store.append(entries[start : start + BATCH])
            seconds.append((time.perf_counter() - began) * 1000)
        run = entries[0].run
        examination, began = Examination(run, entries[-1].at), time.perf_counter()
        async for stretch in store.chains(AuditQuery("bench", cycle=run.name)):
            examination.take(stretch.links)
        verified = time.perf_counter() - began
        began = time.perf_counter()
        purged = await store.purge(BEGAN + timedelta(days=365), 100)
        purging = time.perf_counter() - began
        return (
            f"append of {BATCH:,}: p50 {statistics.median(seconds):.1f} ms, max {max(seconds):.1f} ms; "
            f"verification of {len(entries):,}: {verified:.2f} s, sound: {examination.verdict().sound}; "
            f"purge of {purged}: {purging * 1000:.1f} ms"
        )

    def _plan(self, statements: list[tuple[str, Any]]) -> str:
        engine = create_engine(self.url, poolclass=NullPool)
        try:
            with engine.connect() as connection:
                return plan_of(connection, statements)
        finally:
            engine.dispose()

    def _sizes(self) -> list[tuple[str, int]]:
        engine = create_engine(self.url, poolclass=NullPool)
        try:
            return list(size_of(engine))
        finally:
            engine.dispose()

    def _phase(self, what: str) -> AbstractContextManager[object]:
        return self.progress.phase(f"{self.kind}: {what}")


def _chain(count: int, story: Story) -> list[Entry]:
    """A cycle as the operator would tell it."""
    run = Run("f" * 32, RunKind.CYCLE, "bench", "bench", "main")
    found: list[Entry] = []
    for seq in range(count):
        event = EventName.CONNECTION_ESTABLISHED if seq % 2 else EventName.DISCREPANCY_RESOLVED
        at = story.at(story.cycles) + timedelta(milliseconds=seq)
        customer = f"CUST-{seq // 2:06}"
        fact = Fact(at, event, run, seq, EventStatus.SUCCEEDED, customer, Discrepancy.MISSING)
        details = f'{{"action": "Establish", "reason": "Eligible", "connection_id": "{seq:032}"}}'
        found.append(entry_of(fact, details, found[-1].digest if found else GENESIS))
    return found


if __name__ == "__main__":
    main()
