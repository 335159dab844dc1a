"""How the databases find a page: by an index whatever is asked for, reading little more than the page itself.

The plans are those of the very statements that the store runs, on 50,000 entries.
"""

import itertools
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

import pytest
from sqlalchemy import Connection, Engine, event

from navixy_operator.ports import AuditQuery
from support.audit_database import TrailCase, connected, cycle, mixture
from support.builders import NOW

ENTRIES: Final = 50_000
PAGE: Final = 20
LARGE: Final = ("audit_events", "audit_runs")
FILTERS: Final[dict[str, Any]] = {
    "sync": "main",
    "cycle": "daily",
    "customer": "c-3",
    "event": "ConnectionClosed",
    "discrepancy": "MissingConnection",
    "origin": "manual",
    "since": NOW + timedelta(hours=2),
    "until": NOW + timedelta(hours=9),
}
ASKED: Final = [names for size in (0, 1, 2, len(FILTERS)) for names in itertools.combinations(FILTERS, size)]
MOST_STEPS: Final = 20_000
"""Of SQLite, for a page."""
MOST_ROWS: Final = 200
"""Of PostgreSQL, for a page: one of each series that is merged, besides the page itself."""

# many more entries in the runs and series of the mixture; `n` counts them
MORE: Final = (
    "INSERT INTO audit_events (at, run, seq, series, status, customer, details, digest) SELECT {at}, "
    "1 + n % (SELECT MAX(id) FROM audit_runs), 1000 + n, 1 + n % (SELECT MAX(id) FROM audit_series), 'Succeeded', "
    "CASE WHEN n % 5 > 0 THEN 'c-' || (n % 997) END, '{{}}', 'x' FROM {numbers}"
)
MORE_RUNS: Final = (
    "INSERT INTO audit_runs (id, run_id, scope_id, kind, name, began) "
    "SELECT 1000 + n, n, 1, 'drift', 'drift-of-' || n, {at} FROM {numbers} WHERE n < 20000"
)
NUMBERS: Final = {
    "sqlite": f"(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {ENTRIES}) SELECT n FROM s)",
    "postgresql": f"generate_series(1, {ENTRIES}) AS s(n)",
}
AT: Final = {
    "sqlite": f"{int(NOW.timestamp())}000000 + n * 1000000",
    "postgresql": f"TIMESTAMPTZ '{NOW.isoformat()}' + n * INTERVAL '1 second'",
}

Statement = tuple[str, Any]


@pytest.fixture
async def filled(trail: TrailCase) -> TrailCase:
    """A trail with many entries; PostgreSQL has looked at them, as it does by itself after a while."""
    await trail.store.append([entry for run in mixture(300) for entry in run])
    trail.execute(*(more.format(at=AT[trail.kind], numbers=NUMBERS[trail.kind]) for more in (MORE, MORE_RUNS)))
    if trail.kind == "postgresql":
        trail.execute("ANALYZE")
    return trail


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that run meanwhile."""
    found: list[Statement] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", hear)


async def statements(trail: TrailCase, query: AuditQuery) -> tuple[list[Statement], str | None]:
    """What a page runs that has to do with the large tables; the cursor of the next one."""
    with recorded(trail.store._reading()._engine) as found:
        page = await trail.store.page(query)
    return [one for one in found if any(table in one[0] for table in LARGE)], page.next


def judged_by_sqlite(connection: Connection, statement: str, parameters: Any) -> tuple[list[str], int]:
    """What is wrong with a plan, and how many of SQLite's steps it takes."""
    plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    # the few runs of one cycle may be sorted, entries may not
    bad = "SCAN audit_(events|runs)|TEMP B-TREE" if "audit_events" in statement else "SCAN audit_runs"
    wrong = [row.detail for row in plan if re.search(bad, row.detail)]
    steps = 0

    def count() -> int:
        nonlocal steps
        steps += 10
        return 0

    driver: Any = connection.connection.driver_connection
    driver.set_progress_handler(count, 10)
    result = connection.exec_driver_sql(statement, parameters)
    if result.returns_rows:
        result.all()
    driver.set_progress_handler(None, 0)
    return wrong, steps


def judged_by_postgresql(connection: Connection, statement: str, parameters: Any) -> tuple[list[str], int]:
    """What is wrong with a plan, and how many rows of the entries it reads."""
    plan = connection.exec_driver_sql(f"EXPLAIN (ANALYZE, FORMAT JSON) {statement}", parameters).scalar_one()
    nodes = list(_nodes(plan[0]["Plan"]))
    wrong = [node["Relation Name"] for node in nodes if node["Node Type"] == "Seq Scan"]
    read = [
        (node["Actual Rows"] + node.get("Rows Removed by Filter", 0)) * node["Actual Loops"]
        for node in nodes
        if node.get("Relation Name") == "audit_events"
    ]
    return [table for table in wrong if table in LARGE], int(sum(read))


def _nodes(plan: Mapping[str, Any]) -> Iterator[Mapping[str, Any]]:
    yield plan
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


@pytest.mark.parametrize("oldest", [False, True], ids=["newest", "oldest"])
async def test_page_is_found_by_an_index(filled: TrailCase, *, oldest: bool) -> None:
    """No scan of a large table, no sorting of more than a page; little is read, also where nothing is found.

    Of a cycle together with an event, a discrepancy or an origin all entries of its runs may be read.
    """
    judged, most = {
        "sqlite": (judged_by_sqlite, MOST_STEPS),
        "postgresql": (judged_by_postgresql, MOST_ROWS),
    }[filled.kind]
    pages = 0
    with connected(filled.case.url) as connection:
        for names in ASKED:
            query = AuditQuery("default", **{name: FILTERS[name] for name in names}, oldest_first=oldest, limit=PAGE)
            first, cursor = await statements(filled, query)
            second, _ = await statements(filled, replace(query, after=cursor)) if cursor else ([], None)
            for statement, parameters in [*first, *second]:
                wrong, read = judged(connection, statement, parameters)
                assert wrong == [], (names, statement)
                assert read <= most or {"cycle"} < set(names), (names, read, statement)
            pages += bool(first) + bool(second)
    assert pages > len(ASKED)


async def test_reading_everything_would_be_noticed(filled: TrailCase) -> None:
    """The check above can fail: a query that no index serves is wrong, and reads too much."""
    judged, most = {
        "sqlite": (judged_by_sqlite, MOST_STEPS),
        "postgresql": (judged_by_postgresql, MOST_ROWS),
    }[filled.kind]
    slow = "SELECT digest FROM audit_events WHERE status = 'Nowhere' ORDER BY details LIMIT 1"
    with connected(filled.case.url) as connection:
        wrong, read = judged(connection, slow, ())
    assert wrong
    assert read > 5 * most


async def test_purge_and_verification_read_by_an_index(filled: TrailCase) -> None:
    """They look at what they are about, not at all entries; nor does an append."""
    judged, most = {
        "sqlite": (judged_by_sqlite, MOST_STEPS),
        "postgresql": (judged_by_postgresql, ENTRIES // 10),
    }[filled.kind]
    with recorded(filled.store._writing()._engine) as written:
        assert await filled.store.purge(NOW + timedelta(days=1), 10) == 10
    with recorded(filled.store._writing()._engine) as appended:
        await filled.store.append(cycle("another"))
    with recorded(filled.store._reading()._engine) as read:
        async for _ in filled.store.chains(AuditQuery("default", cycle="daily")):
            break
    looked_at = 0
    with connected(filled.case.url) as connection:
        for statement, parameters in [*written, *appended, *read]:
            if re.search("(FROM|DELETE|UPDATE) .*audit_(events|runs)", statement.replace("\n", " ")):
                one = parameters[0] if isinstance(parameters, list) else parameters
                wrong, amount = judged(connection, statement, one)
                assert (wrong, amount < most) == ([], True), (statement, amount)
                looked_at += 1
    assert looked_at >= 5
