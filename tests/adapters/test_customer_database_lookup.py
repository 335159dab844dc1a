"""Rows of just some customers: the same on SQLite, PostgreSQL and MariaDB, whatever the query and the references."""

from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import Connection
from sqlalchemy.engine import make_url

from navixy_operator.adapters.customer_database import SqlCustomerDatabase, condition
from navixy_operator.adapters.customer_database.lookup import LookUp
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import DatabaseUnavailable, DatabaseUrlInvalid
from navixy_operator.sandbox.sample_data import Association, SampleCustomer, demo_customers, eligible_customers
from support.databases import CustomerDatabaseCase

OTHERS = "'navixy' AS provider, 'active' AS state, 'h' AS navixy_hash, 1 AS gateway_count"
TABLE = f"SELECT ref AS customer_ref, {OTHERS} FROM refs"
VALUES = (
    "A",
    "A-1",
    " A-2 ",
    "a'b",
    'a"b',
    "a\\b",
    "50%",
    "%s",
    ":x",
    "a;b",
    "日本-🚚",
    "007",
    "7",
    "0",
    "\tT\n",
    "\xa0N",
    "",
)


async def look_up(adapter: SqlCustomerDatabase, *refs: str) -> list[CustomerRow]:
    """The rows of these customers."""
    rows: list[CustomerRow] = []
    await adapter.rows_of(refs, rows.append)
    return rows


def found(rows: list[CustomerRow]) -> list[object]:
    """Their references, sorted."""
    return sorted((row.customer_ref for row in rows), key=str)


def with_refs(case: CustomerDatabaseCase, kind: str, *values: str) -> None:
    """A table ``refs`` whose column ``ref`` has a type and values, given as SQL."""
    case.execute(f"CREATE TABLE refs (ref {kind})", *(f"INSERT INTO refs VALUES ({value})" for value in values))


def fill(case: CustomerDatabaseCase, *refs: str) -> None:
    """Customers with these references in the sample schema."""
    navixy = (Association("navixy", "h"),)
    case.fill(SampleCustomer(number, ref, None, "active", navixy, 1) for number, ref in enumerate(refs, start=1))


def quoted(value: str, kind: str) -> str:
    """A text in SQL."""
    value = value.replace("\\", "\\\\") if kind == "mariadb" else value
    return "'" + value.replace("'", "''") + "'"


@pytest.fixture
def only_narrowed(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reading everything is a failure of the test."""

    def whole(_: LookUp, __: Connection) -> Iterator[CustomerRow]:
        message = "everything was read"
        raise AssertionError(message)

    monkeypatch.setattr(LookUp, "_whole", whole)


@pytest.fixture
def narrowings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """How many references each narrowed query asked for, and 0 for a read of everything."""
    asked: list[int] = []
    narrowed, whole = condition.narrowed, LookUp._whole

    def count_narrowed(query: str, backend: str, refs: list[str]) -> object:
        asked.append(len(refs))
        return narrowed(query, backend, refs)

    def count_whole(read: LookUp, connection: Connection) -> Iterator[CustomerRow]:
        asked.append(0)
        return whole(read, connection)

    monkeypatch.setattr(condition, "narrowed", count_narrowed)
    monkeypatch.setattr(LookUp, "_whole", count_whole)
    return asked


@pytest.mark.usefixtures("only_narrowed")
async def test_default_query_gives_the_rows_of_these_customers(customer_database: CustomerDatabaseCase) -> None:
    """Every provider's, as a snapshot gives them, numbered anew; of others and of unknown ones none."""
    customers = demo_customers(120)
    customer_database.fill(customers)
    wanted = [str(one.customer_ref) for one in customers[::7]]
    rows = await look_up(customer_database.adapter(), *wanted, "unknown")
    expected = [
        (one.customer_ref, each.provider, one.state, each.navixy_hash, one.gateways, one.name)
        for one in customers[::7]
        for each in one.associations
    ]
    told = [(row.customer_ref, row.provider, row.state, row.navixy_hash, row.gateway_count, row.name) for row in rows]
    assert sorted(told, key=repr) == sorted(expected, key=repr)
    assert [row.number for row in rows] == list(range(1, len(expected) + 1))


async def test_nobody_asks_nobody() -> None:
    """No reference, or none that is one: the database is not even asked."""
    adapter = SqlCustomerDatabase("postgresql://u:p@127.0.0.1:1/x", query=None, timeout_seconds=5)
    assert await look_up(adapter) == []
    assert await look_up(adapter, "", "  ") == []
    with pytest.raises(DatabaseUnavailable):
        await look_up(adapter, "A-1")
    with pytest.raises(DatabaseUrlInvalid):
        await look_up(SqlCustomerDatabase("", query=None, timeout_seconds=5), "A-1")


async def test_many_are_asked_for_by_and_by(customer_database: CustomerDatabaseCase, narrowings: list[int]) -> None:
    """1,200 references are three queries of one transaction; very many are looked for in everything."""
    customers = list(eligible_customers(1_500))
    customer_database.fill(customers)
    wanted = [str(one.customer_ref) for one in customers[:1_200]]
    rows = await look_up(customer_database.adapter(), *wanted)
    assert found(rows) == sorted(wanted)
    assert [row.number for row in rows] == list(range(1, 1_201))
    assert narrowings == [500, 500, 200]
    assert found(await look_up(customer_database.adapter(), *wanted, *map(str, range(1_000)))) == sorted(wanted)
    assert narrowings[3:] == [0]


@pytest.mark.usefixtures("only_narrowed")
async def test_a_row_that_fits_several_queries_comes_once(customer_database: CustomerDatabaseCase) -> None:
    """The condition is wider than a query's references: a second sight of a row would be a second row."""
    values = ("A", "a", "7", "007", "\tT", "\tA-1", "-")
    fill(customer_database, *values)
    refs = [f"{number:05}" for number in range(700)]
    assert found(await look_up(customer_database.adapter(), *refs, *values)) == sorted(values)


@pytest.mark.parametrize("ref", VALUES, ids=repr)
@pytest.mark.usefixtures("only_narrowed")
async def test_references_are_text_without_spaces_around(customer_database: CustomerDatabaseCase, ref: str) -> None:
    """Each finds itself, as the core reads it, asked with spaces around or not; and none that only looks like it."""
    fill(customer_database, *VALUES, "a", "a-1", "NULL")
    adapter = customer_database.adapter()
    expected = [ref] if ref else []
    assert found(await look_up(adapter, ref)) == expected
    assert found(await look_up(adapter, f"  {ref}\n")) == expected
    assert found(await look_up(adapter, ref.strip(), ref)) == expected


@pytest.mark.parametrize(
    "end", ["", ";", " ; \n;", " -- the end", " ORDER BY ref DESC", " ORDER BY ref LIMIT 100;", " /* ? */"]
)
@pytest.mark.usefixtures("only_narrowed")
async def test_own_query_may_end_as_it_likes(customer_database: CustomerDatabaseCase, end: str) -> None:
    """Semicolons, a comment, an order and a limit."""
    with_refs(customer_database, "VARCHAR(9)", "'A-1'", "'A-2'", "'A-3'")
    assert found(await look_up(customer_database.adapter(TABLE + end), "A-1", "A-3")) == ["A-1", "A-3"]


@pytest.mark.usefixtures("only_narrowed")
async def test_own_query_is_not_rewritten(customer_database: CustomerDatabaseCase) -> None:
    """Percent signs, colons, question marks and backslashes in it are no parameters; nor are they lost."""
    odd = "10:30 :x %s 100% %% %(y)s ? :: a\\:b \\ :refs {z}"
    literal = quoted(odd, customer_database.kind)
    with_refs(customer_database, "VARCHAR(9)", "'A-1'", "'A%'")
    query = (
        f"SELECT ref AS customer_ref, {literal} AS provider, 'active' AS state, ref AS navixy_hash, 7 % 4"
        " AS gateway_count FROM refs WHERE ref LIKE 'A%'"
    )
    (row,) = await look_up(customer_database.adapter(query), "A%")
    assert (row.customer_ref, row.provider, row.gateway_count) == ("A%", odd, 3)


@pytest.mark.usefixtures("only_narrowed")
async def test_own_query_may_begin_with_a_cte(customer_database: CustomerDatabaseCase) -> None:
    """WITH stands in a derived table too."""
    with_refs(customer_database, "VARCHAR(9)", "'A-1'", "'A-2'")
    query = f"WITH cut AS (SELECT ref FROM refs) {TABLE.replace('refs', 'cut')} ORDER BY 1;"
    assert found(await look_up(customer_database.adapter(query), "A-2")) == ["A-2"]


@pytest.mark.server
@pytest.mark.usefixtures("only_narrowed")
async def test_colons_of_postgresql_stay(postgresql_database: CustomerDatabaseCase) -> None:
    """Casts and slices have colons too."""
    with_refs(postgresql_database, "integer", "7", "8")
    query = f"SELECT ref::text AS customer_ref, {OTHERS}, (ARRAY[1,2,3])[1:2] AS more FROM refs"
    assert found(await look_up(postgresql_database.adapter(query), "7")) == ["7"]


@given(st.text(alphabet="\\:a1$ '%", max_size=12))
def test_whatever_a_query_holds_it_stays(middle: str) -> None:
    """What SQLAlchemy makes of our text is the text again; percent signs double where a driver halves them."""
    query = f"SELECT{middle}x"
    for backend in ("sqlite", "postgresql+psycopg", "mariadb+pymysql"):
        dialect = make_url(f"{backend}://").get_dialect()()
        compiled = condition.narrowed(query, dialect.name, ["A"]).compile(dialect=dialect)
        inside = str(compiled).removeprefix("SELECT * FROM (\n").partition("\n) AS navixy_wanted WHERE ")[0]
        assert inside == (query if dialect.name == "sqlite" else query.replace("%", "%%"))


def test_blanks_are_those_of_the_core() -> None:
    """The core trims as Python does."""
    assert "".join(chr(code) for code in range(0x110000) if chr(code).isspace()) == condition.BLANKS
