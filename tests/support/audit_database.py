"""The audit trail's real database: an empty one of each kind, runs to fill it with, and what a query must find."""

import asyncio
import random
import shutil
import traceback
from collections.abc import AsyncIterator, Awaitable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, Final

import pytest
from sqlalchemy import Connection, create_engine
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.core.audit import Entry
from navixy_operator.core.auditcheck import Examination, Verdict
from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, Origin, RunKind
from navixy_operator.errors import AuditUnavailable, OperatorError
from navixy_operator.ports import AuditQuery
from support.audit import entries_of
from support.builders import NOW
from support.databases import CustomerDatabaseCase, new_database

KINDS: Final = ("sqlite", pytest.param("postgresql", marks=pytest.mark.server))
PASSWORD: Final = "p@ss/w:rd"
ENCODED: Final = "p%40ss%2Fw%3Ard"
LATER: Final = NOW + timedelta(days=1000)
"""Long after everything that is told here was to be kept."""


@dataclass(frozen=True)
class TrailCase:
    """An empty database, and a store on it whose schema is made."""

    case: CustomerDatabaseCase
    store: SqlAuditStore

    @property
    def kind(self) -> str:
        """``sqlite`` or ``postgresql``."""
        return self.case.kind

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """As somebody with a shell for the database; the rows of the last statement."""
        return self.case.execute(*statements)

    async def stored(self, *entries: Sequence[Entry]) -> list[Entry]:
        """Append all of it, each part by itself; all of it."""
        for part in entries:
            await self.store.append(part)
        return [entry for part in entries for entry in part]

    async def everything(self, query: AuditQuery) -> list[Entry]:
        """All pages of a query."""
        found: list[Entry] = []
        while True:
            page = await self.store.page(query)
            assert len(page.entries) <= query.limit
            found += page.entries
            if page.next is None:
                return found
            assert len(page.entries) == query.limit
            query = replace(query, after=page.next)

    async def verdicts(self, query: AuditQuery | None = None, *, now: datetime = LATER) -> list[Verdict]:
        """All runs of a query, verified."""
        found: list[Verdict] = []
        examination: Examination | None = None
        async for stretch in self.store.chains(query or AuditQuery("default")):
            examination = examination or Examination(stretch.run, now)
            assert examination.run == stretch.run
            examination.take(stretch.links)
            if stretch.ends:
                found.append(examination.verdict())
                examination = None
        assert examination is None, "the last run ends"
        return found


@pytest.fixture(scope="session")
def prepared_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A SQLite file with the schema and nothing in it, to be copied: copying costs less than Alembic."""
    path = tmp_path_factory.mktemp("audit") / "audit.db"

    async def prepare() -> None:
        store = SqlAuditStore(f"sqlite:///{path}")
        await store.prepare()
        await store.close()

    asyncio.run(prepare())
    return path


@pytest.fixture(params=KINDS)
async def trail(request: pytest.FixtureRequest, tmp_path: Path, prepared_file: Path) -> AsyncIterator[TrailCase]:
    """An empty audit trail in a database of each kind in turn."""
    case = new_database(request, tmp_path, request.param)
    store = SqlAuditStore(case.url)
    if case.kind == "sqlite":
        shutil.copy(prepared_file, str(make_url(case.url).database))
    else:
        await store.prepare()
    yield TrailCase(case, store)
    await store.close()


def run_named(name: str = "first", **fields: Any) -> Run:
    """A run, of a cycle but for the fields given; its ID is made of its name."""
    fields = {"kind": RunKind.CYCLE, "namespace": "default", "sync": "main", **fields}
    return Run(id=name.encode().hex()[:32].ljust(32, "0"), name=name, **fields)


def cycle(name: str = "first", *, at: datetime = NOW, customers: int = 3, **fields: Any) -> list[Entry]:
    """A whole cycle, a second each: begun, polled, for each customer one event, ended."""
    run = run_named(name, **fields)
    events = [EventName.SYNCHRONIZATION_STARTED, EventName.DATABASE_QUERIED]
    events += [EventName.CONNECTION_ESTABLISHED] * customers
    events += [EventName.SYNCHRONIZATION_COMPLETED]
    told = EventName.CONNECTION_ESTABLISHED
    return entries_of(
        Fact(
            at + timedelta(seconds=seq),
            event,
            run,
            seq,
            EventStatus.SUCCEEDED,
            customer=f"c-{seq - 2}" if event is told else None,
            discrepancy=Discrepancy.MISSING if event is told else None,
            details={"seq": seq},
        )
        for seq, event in enumerate(events)
    )


def mixture(size: int, *, seed: int = 1) -> list[list[Entry]]:
    """Runs of everything that can be asked for: several scopes, cycles of one name, ties, rare and common pairs."""
    draw = random.Random(seed)  # noqa: S311 - no secret
    runs: list[list[Entry]] = []
    at = NOW
    while size > 0:
        length = min(size, draw.randint(1, 20))
        size -= length
        name = draw.choice(["daily", "manual", f"drift-{len(runs)}"])
        scope = draw.choice([("default", "main"), ("default", "main"), ("default", "other"), ("elsewhere", "main")])
        run = Run(f"{len(runs):032x}", draw.choice(list(RunKind)), name, *scope)
        facts = []
        for seq in range(length):
            at += timedelta(microseconds=draw.choice([0, 0, 1, 1_000_000]))
            facts.append(_drawn(draw, run, seq, at))
        runs.append(entries_of(facts))
    return runs


def _drawn(draw: random.Random, run: Run, seq: int, at: datetime) -> Fact:
    event = draw.choices(list(EventName)[:8], weights=[1, 1, 1, 1, 1, 1, 40, 10])[0]
    closes = event is EventName.CONNECTION_CLOSED
    pair = {
        EventName.CONNECTION_ESTABLISHED: draw.choice([None, Discrepancy.MISSING, Discrepancy.HASH_CHANGED]),
        EventName.CONNECTION_CLOSED: draw.choice([Discrepancy.EXTRA, Discrepancy.SUSPENDED]),
    }
    return Fact(
        at,
        event,
        run,
        seq,
        draw.choice(list(EventStatus)),
        customer=f"c-{draw.randint(0, 6)}" if closes or event in pair else None,
        discrepancy=pair.get(event),
        origin=draw.choices(list(Origin), weights=[9, 1])[0],
        details={"n": draw.random()},
    )


def found_by(query: AuditQuery, runs: Sequence[Sequence[Entry]]) -> list[Entry]:
    """All that a query must find, in order, by looking at every entry; ``runs`` in the order in which they came."""
    number = {run[0].run.id: index for index, run in enumerate(runs)}

    def order(entry: Entry) -> tuple[Any, ...]:
        place = (number[entry.run.id], entry.seq)
        return place if query.cycle is not None else (entry.at, *place)

    found = [entry for run in runs for entry in run if _fits(query, entry)]
    return sorted(found, key=order, reverse=not query.oldest_first)


def _fits(query: AuditQuery, entry: Entry) -> bool:
    wanted = (query.namespace, query.sync, query.cycle, query.customer, query.event, query.discrepancy, query.origin)
    run = entry.run
    has = (run.namespace, run.sync, run.name, entry.customer, entry.event, entry.discrepancy, entry.origin)
    if any(want is not None and want != had for want, had in zip(wanted, has, strict=True)):
        return False
    return (query.since is None or entry.at >= query.since) and (query.until is None or entry.at < query.until)


def parts(entries: Sequence[Entry], size: int) -> Iterator[Sequence[Entry]]:
    """In batches."""
    for begin in range(0, len(entries), size):
        yield entries[begin : begin + size]


async def failure(call: Awaitable[object], kind: type[OperatorError] = AuditUnavailable, *secrets: str) -> str:
    """What the error of a call says; neither a secret nor a driver's error is anywhere in it."""
    with pytest.raises(kind) as caught:
        await call
    error = caught.value
    assert type(error) is kind
    assert (error.__cause__, error.__context__) == (None, None)
    told = "".join(traceback.format_exception(error)) + repr(error)
    for secret in (PASSWORD, ENCODED, "[SQL:", "[parameters:", *secrets):
        assert secret not in told
    return str(error)


@contextmanager
def connected(url: str, *statements: str) -> Iterator[Connection]:
    """Another session, in the midst of a transaction if there are statements."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.connect() as connection:
            for statement in statements:
                connection.exec_driver_sql(statement)
            yield connection
    finally:
        engine.dispose()
