"""Rows of just some customers where SQL and Python differ about them: none is missed, if need be by reading all."""

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import Connection

from navixy_operator.adapters.customer_database import SqlCustomerDatabase, condition
from navixy_operator.adapters.customer_database.lookup import LookUp
from navixy_operator.core.model import CustomerRow
from navixy_operator.core.reading import read_text
from navixy_operator.errors import DatabaseQueryFailed, DatabaseUnavailable
from support.databases import CustomerDatabaseCase, failure, new_database, rows_of

OTHERS = "'navixy' AS provider, 'active' AS state, 'h' AS navixy_hash, 1 AS gateway_count"
TABLE = f"SELECT ref AS customer_ref, {OTHERS} FROM refs"

# type, values in SQL, whether the database itself can be asked for some of them
TYPES = {
    "sqlite": [
        ("INTEGER", ["7", "-1", "0", "NULL"], True),
        ("REAL", ["7", "0.1", "1e20", "1e-7", "NULL"], True),
        ("BLOB", ["x'413120'", "x'ff'", "7", "'A'"], True),
        ("VARCHAR(9) COLLATE NOCASE", ["'a'", "'A'"], True),
    ],
    "postgresql": [
        ("integer", ["7", "-1", "NULL"], True),
        ("bigint", ["9223372036854775807"], True),
        ("numeric(12, 2)", ["7", "0.5"], True),
        ("char(6)", ["'A-1'", "'A-2'"], True),
        ("uuid", ["'B0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"], True),
        ("double precision", ["7", "1e20", "0.1"], False),
        ("boolean", ["true", "false"], False),
        ("bytea", ["'A-1'", "'\\xff'"], False),
        ("timestamp", ["'2026-01-02 03:04:05.5'"], False),
        ("text[]", ["ARRAY['A']"], False),
    ],
    "mariadb": [
        ("INT", ["7", "-1", "NULL"], True),
        ("INT(8) UNSIGNED ZEROFILL", ["7", "0", "70"], True),
        ("DECIMAL(12, 2) ZEROFILL", ["7", "0.5"], True),
        ("VARBINARY(9)", ["'A-1 '", "'ü'"], True),
        ("BLOB", ["'A-1'", "x'ff'"], True),
        ("VARCHAR(9) CHARACTER SET latin1", ["'ü'", "'u'"], True),
        ("VARCHAR(9) CHARACTER SET utf8mb4 COLLATE utf8mb4_bin", ["'ü'", "'Ü'"], True),
        ("ENUM('A', 'B')", ["'A'", "'B'"], True),
        ("DOUBLE", ["7", "1e20", "0.1"], False),
        ("FLOAT", ["0.1"], False),
        ("DATETIME", ["'2026-01-02 03:04:05'"], False),
        ("BIT(8)", ["65"], False),
    ],
}


async def look_up(adapter: SqlCustomerDatabase, *refs: str) -> list[CustomerRow]:
    """The rows of these customers."""
    rows: list[CustomerRow] = []
    await adapter.rows_of(refs, rows.append)
    return rows


async def test_every_type_of_reference(
    customer_database: CustomerDatabaseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever a snapshot gives, a look-up finds under what the core reads; all are read only for the odd types."""
    wholes: list[Connection] = []
    whole = LookUp._whole

    def noted(read: LookUp, connection: Connection) -> Iterator[CustomerRow]:
        wholes.append(connection)
        return whole(read, connection)

    monkeypatch.setattr(LookUp, "_whole", noted)
    for kind, values, narrow in TYPES[customer_database.kind]:
        customer_database.execute(
            "DROP TABLE IF EXISTS refs",
            f"CREATE TABLE refs (ref {kind})",
            *(f"INSERT INTO refs VALUES ({value})" for value in values),
        )
        adapter = customer_database.adapter(TABLE)
        refs = {read_text(row.customer_ref) for row in await rows_of(adapter)} - {None}
        assert refs, kind
        for ref in refs:
            wholes.clear()
            rows = await look_up(adapter, str(ref))
            assert [(read_text(row.customer_ref), row.number) for row in rows] == [(ref, 1)], kind
            assert (not wholes) is narrow, kind


@pytest.mark.parametrize(
    ("kind", "query"),
    [
        ("sqlite", f"{TABLE}; -- the end"),
        pytest.param("postgresql", f'SELECT ref AS "Customer_Ref", {OTHERS} FROM refs', marks=pytest.mark.server),
        pytest.param("postgresql", f"{TABLE}; -- the end", marks=pytest.mark.server),
        pytest.param("mariadb", f"{TABLE.replace('FROM', ', 1 AS id, 2 AS ID FROM')}", marks=pytest.mark.server),
        pytest.param("mariadb", "CALL everyone()", marks=pytest.mark.server),
    ],
)
async def test_queries_that_take_no_condition(
    request: pytest.FixtureRequest, tmp_path: Path, kind: str, query: str
) -> None:
    """What cannot be a derived table, or hides the column in one, is read whole, and the others dropped."""
    case = new_database(request, tmp_path, kind)
    case.execute("CREATE TABLE refs (ref VARCHAR(9))", "INSERT INTO refs VALUES ('A-2'), ('A-1'), ('A-2 ')")
    if kind == "mariadb":
        case.execute(f"CREATE PROCEDURE everyone() {TABLE}")
    rows = await look_up(case.adapter(query), "A-2", "A-9")
    assert [(row.customer_ref, row.number) for row in rows] == [("A-2", 1), ("A-2 ", 2)]


@pytest.mark.parametrize(
    "query",
    [
        f"{TABLE}) AS x; DELETE FROM refs; --",
        f"DELETE FROM refs RETURNING ref AS customer_ref, {OTHERS}",
        f"SELECT ref AS customer_ref, {OTHERS} FROM no_such_table",
        "SELECT ref AS customer_ref FROM refs",
        f"{TABLE} WHERE ref = '0123456789abcdef0123456789abcdef",
    ],
)
async def test_a_wrong_query_is_told_as_by_a_snapshot(customer_database: CustomerDatabaseCase, query: str) -> None:
    """The same error, about the query as it is written, without a part of ours; and nothing is written."""
    customer_database.execute("CREATE TABLE refs (ref VARCHAR(9))", "INSERT INTO refs VALUES ('A-1')")
    adapter = customer_database.adapter(query)
    expected = await failure(adapter, DatabaseQueryFailed)
    with pytest.raises(DatabaseQueryFailed) as caught:
        await look_up(adapter, "A-1")
    assert str(caught.value) == str(expected)
    assert caught.value.__context__ is None
    assert customer_database.execute("SELECT ref FROM refs") == [("A-1",)]


async def test_what_fails_half_way_is_not_told_twice(
    sqlite_database: CustomerDatabaseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The rows of the first references, read before the next ones failed, come once."""
    refs = [f"A-{number:04}" for number in range(600)]
    sqlite_database.execute("CREATE TABLE refs (ref TEXT)", *(f"INSERT INTO refs VALUES ('{ref}')" for ref in refs))
    judgements = iter([True, False])
    monkeypatch.setattr(condition, "compared", lambda *_: next(judgements))
    rows = await look_up(sqlite_database.adapter(TABLE), *refs)
    assert [(row.customer_ref, row.number) for row in rows] == [(ref, n) for n, ref in enumerate(refs, start=1)]
    assert next(judgements, None) is None


async def test_a_slow_look_up_ends_at_the_deadline(sqlite_database: CustomerDatabaseCase) -> None:
    """It is bounded as a snapshot is, and not begun anew: a lost or slow database has not refused the condition."""
    endless = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s)"
    adapter = sqlite_database.adapter(f"{endless} SELECT n AS customer_ref, {OTHERS} FROM s", timeout_seconds=0.5)
    begun = time.monotonic()
    with pytest.raises(DatabaseUnavailable):
        await look_up(adapter, "0")
    assert time.monotonic() - begun < 3


async def test_another_dialect_is_read_whole(
    sqlite_database: CustomerDatabaseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No condition is tried on a database that we know none for."""
    monkeypatch.setattr(condition, "CONDITIONS", {})
    sqlite_database.execute("CREATE TABLE refs (ref TEXT)", "INSERT INTO refs VALUES ('A-1'), ('A-2'), (' A-1')")
    rows = await look_up(sqlite_database.adapter(TABLE), "A-1")
    assert [(row.customer_ref, row.number) for row in rows] == [("A-1", 1), (" A-1", 2)]
