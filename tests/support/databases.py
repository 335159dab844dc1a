"""Real databases: PostgreSQL and MariaDB once a session, and a fresh database of each kind for a test."""

import traceback
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import create_engine
from sqlalchemy.pool import NullPool

from navixy_operator.adapters.customer_database import SqlCustomerDatabase
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import OperatorError
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.databases import Database, DatabaseServer, MariaDB, PostgreSQL, Sqlite
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.progress import progress_for
from support.control_plane import unavailable

KINDS = (
    "sqlite",
    pytest.param("postgresql", marks=pytest.mark.server),
    pytest.param("mariadb", marks=pytest.mark.server),
)


@dataclass(frozen=True)
class CustomerDatabaseCase:
    """One empty database and what a test does with it; ``server`` is None for SQLite."""

    kind: str
    database: Database
    server: DatabaseServer | None

    @property
    def url(self) -> str:
        """The owner's URL."""
        return self.database.url

    def execute(self, *statements: str) -> list[tuple[Any, ...]]:
        """Run and commit statements as the owner; gives the rows of the last one."""
        engine = create_engine(self.url, poolclass=NullPool)
        rows: list[tuple[Any, ...]] = []
        try:
            with engine.begin() as connection:
                for statement in statements:
                    result = connection.exec_driver_sql(statement, execution_options={"no_parameters": True})
                    rows = [tuple(row) for row in result] if result.returns_rows else []
        finally:
            engine.dispose()
        return rows

    def fill(self, customers: Iterable[sample_data.SampleCustomer]) -> None:
        """Insert customers into the sample schema."""
        sample_data.fill(self.url, customers)

    def adapter(self, query: str | None = None, *, timeout_seconds: float = 20) -> SqlCustomerDatabase:
        """The adapter on this database, as its owner: what it must not do, the owner's rights would allow."""
        return SqlCustomerDatabase(self.url, query=query, timeout_seconds=timeout_seconds)

    async def rows(self, query: str | None = None) -> list[CustomerRow]:
        """All rows of a snapshot."""
        return await rows_of(self.adapter(query))


async def rows_of(adapter: SqlCustomerDatabase) -> list[CustomerRow]:
    """All rows of a snapshot."""
    rows: list[CustomerRow] = []
    try:
        await adapter.snapshot(rows.append)
    finally:
        await adapter.close()
    return rows


async def failure(adapter: SqlCustomerDatabase, kind: type[OperatorError], *secrets: str) -> OperatorError:
    """The error that a snapshot ends with; none of ``secrets`` shows in it, its causes or its traceback."""
    with pytest.raises(kind) as caught:
        await rows_of(adapter)
    error = caught.value
    assert type(error) is kind
    assert error.__cause__ is None
    assert error.__context__ is None
    told = "".join(traceback.format_exception(error)) + repr(error) + repr(adapter)
    for secret in secrets:
        assert secret not in told
    return error


def _server(server: DatabaseServer) -> Iterator[DatabaseServer]:
    try:
        server.start()
    except ProvisioningError as error:
        unavailable(f"{server.name}, which these tests need,", error)
    try:
        yield server
    finally:
        server.stop()


@pytest.fixture(scope="session")
def postgresql() -> Iterator[DatabaseServer]:
    """A PostgreSQL server."""
    yield from _server(PostgreSQL(progress=progress_for()))


@pytest.fixture(scope="session")
def mariadb() -> Iterator[DatabaseServer]:
    """A MariaDB server."""
    yield from _server(MariaDB(progress=progress_for()))


@pytest.fixture(scope="session")
def kept_databases() -> dict[str, Database]:
    """The database of each server that test after test gets, emptied."""
    return {}


@pytest.fixture(params=KINDS)
def customer_database(request: pytest.FixtureRequest, tmp_path: Path) -> CustomerDatabaseCase:
    """An empty database of each kind in turn."""
    return new_database(request, tmp_path, request.param)


@pytest.fixture
def postgresql_database(request: pytest.FixtureRequest, tmp_path: Path) -> CustomerDatabaseCase:
    """An empty database of PostgreSQL."""
    return new_database(request, tmp_path, "postgresql")


@pytest.fixture
def mariadb_database(request: pytest.FixtureRequest, tmp_path: Path) -> CustomerDatabaseCase:
    """An empty database of MariaDB."""
    return new_database(request, tmp_path, "mariadb")


@pytest.fixture
def sqlite_database(request: pytest.FixtureRequest, tmp_path: Path) -> CustomerDatabaseCase:
    """An empty database of SQLite."""
    return new_database(request, tmp_path, "sqlite")


def new_database(request: pytest.FixtureRequest, directory: Path, kind: str) -> CustomerDatabaseCase:
    """Make an empty database of a kind."""
    if kind == "sqlite":
        return CustomerDatabaseCase(kind, Sqlite(directory).create_database(), None)
    server: DatabaseServer = request.getfixturevalue(kind)
    kept: dict[str, Database] = request.getfixturevalue("kept_databases")
    if kind in kept:
        server.empty_database(kept[kind])
    else:
        kept[kind] = server.create_database()
    return CustomerDatabaseCase(kind, kept[kind], server)
