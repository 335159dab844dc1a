"""Millions of entries for the audit trail's database, put there past the store, as fast as the database takes them."""

import contextlib
import hashlib
import random
import sqlite3
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import accumulate, islice
from typing import Any, Final

import psycopg
from sqlalchemy import Engine, create_engine, insert, text
from sqlalchemy.engine import make_url
from sqlalchemy.pool import NullPool

from navixy_operator.adapters.audit.schema import EPOCH, EVENTS, MICROSECOND, NO_DISCREPANCY, RUNS, SCOPES, SERIES
from navixy_operator.core.vocabulary import Discrepancy, EventName, Origin

CUSTOMERS: Final = 10_000
OF_A_CYCLE: Final = 20_000
BEGAN: Final = datetime(2020, 1, 1, 3, tzinfo=UTC)
APART: Final = timedelta(hours=6)
BETWEEN: Final = timedelta(milliseconds=7)
MANUAL: Final = 0.01
AT_ONCE: Final = 10_000
COLUMNS: Final = ("at", "run", "seq", "series", "status", "customer", "details", "digest")
NAMESPACE: Final = "production"
PLACES: Final = ((NAMESPACE, "main"), (NAMESPACE, "second"), ("staging", "main"))
"""Of ten cycles eight are of the first, one of each other."""

EVENTS_OF_CYCLES: Final = tuple(EventName)[:6]
EVENTS_OF_CUSTOMERS: Final = tuple(EventName)[6:30]
"""With those 30 types; the first ones are by far the most frequent."""
BY_PERSONS: Final = frozenset({EventName.CONNECTION_ESTABLISHED, EventName.CONNECTION_CLOSED, EventName.PIN_APPLIED})
NULL: Final = r"\N"
NONE: Final = (NO_DISCREPANCY,)
DISCREPANCIES: Final = {
    EventName.CONNECTION_ESTABLISHED: (Discrepancy.MISSING, Discrepancy.HASH_CHANGED),
    EventName.CONNECTION_CLOSED: (Discrepancy.EXTRA, Discrepancy.SUSPENDED, Discrepancy.REMOVED),
    EventName.DISCREPANCY_RESOLVED: tuple(Discrepancy),
}

Row = tuple[int, int, int, int, str, str | None, str, str]


@dataclass(slots=True)
class Story:
    """So many entries: cycles of 20,000 entries about 10,000 customers, six hours apart."""

    entries: int
    draw: random.Random = field(default_factory=lambda: random.Random(7))  # noqa: S311 - no secret
    series: dict[tuple[int, str, str, str], int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        for scope in range(1, len(PLACES) + 1):
            for event in (*EVENTS_OF_CYCLES, *EVENTS_OF_CUSTOMERS):
                for discrepancy in DISCREPANCIES.get(event, NONE):
                    for origin in Origin if event in BY_PERSONS else (Origin.AUTOMATIC,):
                        key = (scope, event.value, str(discrepancy), origin.value)
                        self.series[key] = len(self.series) + 1

    @property
    def cycles(self) -> int:
        """How many cycles there are."""
        return max(1, self.entries // OF_A_CYCLE)

    def at(self, cycle: int) -> datetime:
        """When a cycle began."""
        return BEGAN + cycle * APART

    def names(self) -> list[tuple[Any, list[dict[str, object]]]]:
        """The small tables."""
        scopes = [{"id": n, "namespace": one[0], "sync": one[1]} for n, one in enumerate(PLACES, start=1)]
        runs = [
            {
                "id": n + 1,
                "run_id": f"{n:032x}",
                "scope_id": scope_of(n),
                "kind": "cycle",
                "name": name_of(n),
                "began": self.at(n),
            }
            for n in range(self.cycles)
        ]
        series = [
            {"id": n, "scope_id": key[0], "event": key[1], "discrepancy": key[2], "origin": key[3]}
            for key, n in self.series.items()
        ]
        return [(SCOPES, scopes), (RUNS, runs), (SERIES, series)]

    def rows(self) -> Iterator[Row]:
        """All entries, in the order in which they happened."""
        each = self.entries // self.cycles
        weights = list(accumulate(1 / (rank + 1) ** 1.5 for rank in range(len(EVENTS_OF_CUSTOMERS))))
        gap = BETWEEN // MICROSECOND
        for cycle in range(self.cycles):
            at, scope = (self.at(cycle) - EPOCH) // MICROSECOND, scope_of(cycle)
            drawn = self.draw.choices(EVENTS_OF_CUSTOMERS, cum_weights=weights, k=each)
            for seq in range(each):
                of_cycle = seq < len(EVENTS_OF_CYCLES)
                event = EVENTS_OF_CYCLES[seq] if of_cycle else drawn[seq]
                customer = None if of_cycle else f"CUST-{self.draw.randrange(CUSTOMERS):06}"
                discrepancy = str(self.draw.choice(DISCREPANCIES.get(event, NONE)))
                manual = event in BY_PERSONS and self.draw.random() < MANUAL * 2
                origin = Origin.MANUAL if manual else Origin.AUTOMATIC
                number = self.series[scope, event.value, discrepancy, origin.value]
                digest = hashlib.sha256(f"{cycle}/{seq}".encode()).hexdigest()
                details = _details(digest)
                yield at + seq * gap, cycle + 1, seq, number, "Succeeded", customer, details, digest


def scope_of(cycle: int) -> int:
    """The number of the scope of a cycle."""
    return max(1, cycle % 10 - 6)


def name_of(cycle: int) -> str:
    """The name of a cycle."""
    return f"main-{cycle:05}"


def _details(digest: str) -> str:
    return (
        '{"action": "Establish", "reason": "Eligible", "connection_state": "connected", "connection_id": "'
        f'{digest[:8]}-{digest[8:12]}-{digest[12:16]}-{digest[16:20]}-{digest[20:32]}"}}'
    )


def fill(url: str, story: Story) -> None:
    """Put everything into a prepared database, without its indexes, which are made anew at the end."""
    engine = create_engine(url, poolclass=NullPool)
    indexes = sorted(EVENTS.indexes, key=lambda index: str(index.name))
    try:
        with engine.begin() as connection:
            for index in indexes:
                index.drop(connection)
            for table, rows in story.names():
                connection.execute(insert(table), rows)
        (_into_sqlite if engine.dialect.name == "sqlite" else _into_postgresql)(url, story)
        with engine.begin() as connection:
            for index in indexes:
                index.create(connection)
        _settle(engine)
    finally:
        engine.dispose()


def _into_sqlite(url: str, story: Story) -> None:
    marks = ", ".join("?" * len(COLUMNS))
    with contextlib.closing(sqlite3.connect(str(make_url(url).database))) as connection:
        connection.execute("PRAGMA synchronous = OFF")
        connection.execute("PRAGMA cache_size = -500000")  # KiB
        rows = story.rows()
        while batch := list(islice(rows, AT_ONCE)):
            with connection:
                connection.executemany(f"INSERT INTO audit_events ({', '.join(COLUMNS)}) VALUES ({marks})", batch)  # noqa: S608


def _into_postgresql(url: str, story: Story) -> None:
    columns = ", ".join(COLUMNS)
    plain = make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
    with psycopg.connect(plain) as connection, connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")  # foreign keys are not looked up
        with cursor.copy(f"COPY audit_events ({columns}) FROM STDIN") as copy:
            rows = story.rows()
            while batch := list(islice(rows, AT_ONCE)):
                copy.write("".join(map(_line, batch)))


def _line(row: Row) -> str:
    at, run, seq, series, status, customer, details, digest = row
    moment = (EPOCH + at * MICROSECOND).isoformat(timespec="microseconds")
    return f"{moment}\t{run}\t{seq}\t{series}\t{status}\t{customer or NULL}\t{details}\t{digest}\n"


def _settle(engine: Engine) -> None:
    """What a server does by itself after a while; and numbers go on where these end."""
    if engine.dialect.name != "postgresql":
        return
    with engine.connect().execution_options(isolation_level="AUTOCOMMIT") as connection:
        for table in (SCOPES, RUNS, SERIES):
            connection.execute(
                text(f"SELECT setval(pg_get_serial_sequence('{table.name}', 'id'), (SELECT MAX(id) FROM {table.name}))")  # noqa: S608
            )
        connection.execute(text("VACUUM ANALYZE"))


def size_of(engine: Engine) -> Sequence[tuple[str, int]]:
    """Bytes of the entries and of each index on them."""
    with engine.connect() as connection:
        if engine.dialect.name == "sqlite":
            pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
            return [("file", pages * connection.exec_driver_sql("PRAGMA page_size").scalar_one())]
        query = "SELECT relname, pg_relation_size(oid) FROM pg_class WHERE relname LIKE '%audit_events%' ORDER BY 1"
        return [(row[0], row[1]) for row in connection.exec_driver_sql(query.replace("%", "%%"))]
