"""The contract of the customer database, the same on SQLite, PostgreSQL and MariaDB."""

import tracemalloc

import pytest

from navixy_operator.adapters.customer_database import SAMPLE_SCHEMA, SqlCustomerDatabase
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import DatabaseQueryFailed
from navixy_operator.sandbox.sample_data import (
    Association,
    SampleCustomer,
    demo_customers,
    eligible_customers,
    suspend,
)
from support.databases import CustomerDatabaseCase, failure, rows_of

FIVE = "customer_ref, provider, state, navixy_hash, gateway_count"
CONSTANTS = "1 AS customer_ref, 2 AS provider, 3 AS state, 4 AS navixy_hash, 5 AS gateway_count"
# rows without a table, as each database makes them
SERIES = {
    "sqlite": "(WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s WHERE n < {count}) SELECT n FROM s)",
    "postgresql": "generate_series(1, {count}) AS t(n)",
    "mariadb": "(SELECT seq AS n FROM seq_1_to_{count}) AS t",
}


def series(kind: str, count: int, columns: str) -> str:
    """A query that gives ``count`` rows, with ``n`` from 1."""
    return f"SELECT {columns} FROM {SERIES[kind].format(count=count)}"


async def test_default_query_gives_a_row_for_each_provider_of_each_customer(
    customer_database: CustomerDatabaseCase,
) -> None:
    """The default query fits the sample schema: all customers and providers, with their gateways counted, in order."""
    customers = demo_customers(120)
    customer_database.fill(customers)

    rows = await customer_database.rows()

    expected = [
        CustomerRow(0, one.customer_ref, each.provider, one.state, each.navixy_hash, one.gateways, one.name)
        for one in customers
        for each in sorted(one.associations, key=lambda association: association.provider)
    ]
    assert [row.number for row in rows] == list(range(1, len(expected) + 1))
    assert [_values(row) for row in rows] == [_values(row) for row in expected]


async def test_empty_answer_is_no_error(customer_database: CustomerDatabaseCase) -> None:
    """Nought rows are an answer: whether to act on it is for the rules."""
    customer_database.fill([])
    assert await customer_database.rows() == []


@pytest.mark.parametrize(
    "ref",
    ["Ж-Ключ/№1", "a_b/C d", "x" * 300, "日本-🚚", "c-1", "C-1", " C-2 ", "", None],
    ids=lambda ref: repr(ref)[:12],
)
async def test_references_come_as_they_are(customer_database: CustomerDatabaseCase, ref: str | None) -> None:
    """Unicode, slashes, spaces, length and case of a reference are not touched; NULL is None."""
    customer_database.fill([SampleCustomer(1, ref, None, "active", (Association("navixy", "A" * 32),), 2)])
    (row,) = await customer_database.rows()
    assert _values(row) == (ref, "navixy", "active", "A" * 32, 2, None)


async def test_values_are_not_judged(customer_database: CustomerDatabaseCase) -> None:
    """Numbers where text should be, a negative count, NULLs: the rows come, the rules judge."""
    query = "SELECT 7 AS customer_ref, NULL AS provider, 'Active ' AS state, ' x ' AS navixy_hash, -3 AS gateway_count"
    (row,) = await customer_database.rows(query)
    assert _values(row) == (7, None, "Active ", " x ", -3, None)


async def test_own_query_may_order_name_and_add_columns_as_it_likes(customer_database: CustomerDatabaseCase) -> None:
    """Case and order of columns do not matter; others are ignored, though there be two of a name."""
    query = (
        "SELECT 1 AS id, 'n' AS Name, 'h' AS NAVIXY_HASH, 2 AS gateway_count, 's' AS State, "
        "'p' AS provider, 'r' AS Customer_Ref, 3 AS id"
    )
    (row,) = await customer_database.rows(query)
    assert _values(row) == ("r", "p", "s", "h", 2, "n")


async def test_own_query_is_not_rewritten(customer_database: CustomerDatabaseCase) -> None:
    """Colons and percent signs in a query are no parameters."""
    query = "SELECT '10:30 :x %s 100%' AS customer_ref, 1 AS provider, 2 AS state, 3 AS navixy_hash, 4 AS gateway_count"
    (row,) = await customer_database.rows(query)
    assert row.customer_ref == "10:30 :x %s 100%"


async def test_reader_needs_no_more_than_select(customer_database: CustomerDatabaseCase) -> None:
    """A user who may only SELECT is enough."""
    customer_database.fill(demo_customers(20))
    adapter = SqlCustomerDatabase(customer_database.database.reader_url, query=None, timeout_seconds=20)
    assert len(await rows_of(adapter)) >= 20


async def test_commits_of_others_in_mid_stream_are_not_seen(customer_database: CustomerDatabaseCase) -> None:
    """The state at the start counts: what another connection commits while the rows stream is not among them."""
    customers = list(eligible_customers(3_000))
    customer_database.fill(customers)
    states: list[object] = []

    def take(row: CustomerRow) -> None:
        if row.number == 1:
            suspend(customer_database.url, *(str(one.customer_ref) for one in customers[::100]))
            customer_database.fill(eligible_customers(5, first_id=9_000))
        states.append(row.state)

    await customer_database.adapter().snapshot(take)

    assert states == ["active"] * 3_000
    assert len(await customer_database.rows()) == 3_005
    assert customer_database.execute("SELECT COUNT(*) FROM customers WHERE state = 'suspended'") == [(30,)]


async def test_rows_come_before_the_last_one_is_computed(customer_database: CustomerDatabaseCase) -> None:
    """The answer is streamed: an error in a late row finds the early ones handed out."""
    late_error = {
        "sqlite": "json(CASE WHEN n < 20000 THEN '1' ELSE '{' END)",
        "postgresql": "1 / (20000 - n)",
        "mariadb": "(SELECT 1 UNION ALL SELECT 1 FROM seq_1_to_2 WHERE n >= 20000 LIMIT 3)",
    }[customer_database.kind]
    columns = f"n AS customer_ref, 1 AS provider, 2 AS state, 3 AS navixy_hash, {late_error} AS gateway_count"
    query = series(customer_database.kind, 30_000, columns)
    taken: list[CustomerRow] = []
    with pytest.raises(DatabaseQueryFailed):
        await customer_database.adapter(query).snapshot(taken.append)
    assert 1_000 <= len(taken) < 20_000


async def test_memory_does_not_grow_with_the_rows(customer_database: CustomerDatabaseCase) -> None:
    """20,000 rows pass through in the memory of a few thousand."""
    hashes = "'h' || n" if customer_database.kind == "sqlite" else "CONCAT('h', n)"
    columns = f"n AS customer_ref, 'navixy' AS provider, 'active' AS state, {hashes} AS navixy_hash, 1 AS gateway_count"
    query = series(customer_database.kind, 20_000, columns)
    count = 0

    def take(row: CustomerRow) -> None:
        nonlocal count
        count = row.number

    await customer_database.adapter(query).snapshot(take)  # imports and caches
    tracemalloc.start()
    try:
        await customer_database.adapter(query).snapshot(take)
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert count == 20_000
    assert peak < 3 * 2**20  # all at once they take 8 MiB and more


async def test_one_adapter_reads_again_and_again(customer_database: CustomerDatabaseCase) -> None:
    """Snapshots follow one another on one adapter, each seeing the latest state; closing twice is harmless."""
    adapter = customer_database.adapter()
    customer_database.fill(eligible_customers(3))
    for expected in (3, 4):
        rows: list[CustomerRow] = []
        await adapter.snapshot(rows.append)
        assert len(rows) == expected
        customer_database.fill(eligible_customers(1, first_id=100 + expected))
    await adapter.close()
    await adapter.close()


@pytest.mark.parametrize(
    ("columns", "told"),
    [
        (
            "1 AS customer_ref, 2 AS state, 3 AS name",
            "columns provider, navixy_hash, gateway_count; it gives customer_ref, state, name",
        ),
        (f"{CONSTANTS}, 6 AS STATE", "more than one column of the name state"),
        (f"{CONSTANTS}, 6 AS name, 7 AS name", "more than one column of the name name"),
    ],
    ids=["missing", "twice", "optional-twice"],
)
async def test_columns_must_be_there_once(customer_database: CustomerDatabaseCase, columns: str, told: str) -> None:
    """A missing or ambiguous column is named, and with many rows the error does not wait for the last one."""
    query = series(customer_database.kind, 200_000, columns)
    assert told in str(await failure(customer_database.adapter(query), DatabaseQueryFailed))


@pytest.mark.parametrize(
    "statement",
    [
        "DELETE FROM gateways",
        "UPDATE customers SET state = 'removed'",
        "DROP TABLE gateways",
        "CREATE TABLE x (y INTEGER)",
        "INSERT INTO gateways (id, customer_id) SELECT 100000 + id, customer_id FROM gateways",
        f"DELETE FROM gateways RETURNING {CONSTANTS}",
        f"SELECT {CONSTANTS}; DELETE FROM gateways",
        "COMMIT; DELETE FROM gateways",
    ],
    ids=lambda statement: statement[:24],
)
async def test_nothing_is_written(customer_database: CustomerDatabaseCase, statement: str) -> None:
    """A query that writes is refused, although its user might write."""
    customer_database.fill(demo_customers(20))
    before = _world(customer_database)
    await failure(customer_database.adapter(statement), DatabaseQueryFailed)
    assert _world(customer_database) == before


async def test_statement_without_rows_is_no_query(customer_database: CustomerDatabaseCase) -> None:
    """Something that runs but gives no rows is told as such."""
    statement = {"sqlite": "SAVEPOINT here", "postgresql": "SELECT", "mariadb": "DO 1"}[customer_database.kind]
    error = await failure(customer_database.adapter(statement), DatabaseQueryFailed)
    assert "not a SELECT" in str(error)


@pytest.mark.parametrize("query", [None, f"SELECT {FIVE} FROM no_such_table", f"SELECT {FIVE} FRM x"])
async def test_query_that_does_not_fit_says_which_and_why(
    customer_database: CustomerDatabaseCase, query: str | None
) -> None:
    """A missing table or a mistake in the query: what was run, the database's word, and what to do."""
    error = await failure(customer_database.adapter(query), DatabaseQueryFailed)
    which = "The default query failed" if query is None else "The query in spec.database.query failed"
    assert str(error).startswith(which)
    assert "set spec.database.query" in str(error) if query is None else "must be one SELECT" in str(error)


def test_sample_schema_is_portable(customer_database: CustomerDatabaseCase) -> None:
    """The schema's SQL runs as it stands."""
    customer_database.execute(*(part for part in SAMPLE_SCHEMA.split(";") if part.strip()))
    assert _world(customer_database) == ([], [], [])


def _values(row: CustomerRow) -> tuple[object, ...]:
    return row.customer_ref, row.provider, row.state, row.navixy_hash, row.gateway_count, row.name


def _world(case: CustomerDatabaseCase) -> tuple[list[tuple[object, ...]], ...]:
    return (
        case.execute("SELECT id, customer_ref, name, state FROM customers ORDER BY id"),
        case.execute(
            "SELECT customer_id, provider, navixy_hash FROM customer_providers ORDER BY customer_id, provider"
        ),
        case.execute("SELECT id, customer_id, serial_number FROM gateways ORDER BY id"),
    )
