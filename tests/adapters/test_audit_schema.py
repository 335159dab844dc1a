"""The audit trail's schema: made from nothing and made again, by several at once, and what the migrations say."""

import asyncio
import stat
import sys
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import Connection, inspect

from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.adapters.audit.schema import METADATA, VERSION_TABLE
from navixy_operator.errors import AuditUnavailable
from navixy_operator.ports import AuditQuery
from support.audit_database import KINDS, TrailCase, connected, cycle
from support.databases import CustomerDatabaseCase, new_database

PREPARE = "import asyncio, sys; from navixy_operator.adapters.audit import SqlAuditStore as Store"
PREPARE += "; asyncio.run(Store(sys.stdin.readline().strip()).prepare())"


@pytest.fixture(params=KINDS)
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> CustomerDatabaseCase:
    """A database of each kind in turn, without a table."""
    return new_database(request, tmp_path, request.param)


def tables(url: str) -> set[str]:
    """Names of all tables and views."""
    with connected(url) as connection:
        found = inspect(connection)
        return {*found.get_table_names(), *found.get_view_names()}


async def test_schema_is_made_from_nothing_and_left_alone_afterwards(empty: CustomerDatabaseCase) -> None:
    """Preparing may be repeated; what is stored stays."""
    store = SqlAuditStore(empty.url)
    await store.prepare()
    entries = cycle()
    await store.append(entries)
    for _ in range(2):
        await store.prepare()
    assert await store.run(entries[0].run.id) == entries
    assert tables(empty.url) == {*METADATA.tables, VERSION_TABLE, "audit_trail"}
    await store.close()


async def test_migrations_and_tables_agree(empty: CustomerDatabaseCase) -> None:
    """As `alembic check`: what the migrations make is what the code thinks, columns, types, indexes and constraints."""
    store = SqlAuditStore(empty.url)
    await store.prepare()
    with connected(empty.url) as connection:
        options = {"version_table": VERSION_TABLE, "compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        assert compare_metadata(context, METADATA) == []
        assert _names(connection) == _names_of_the_metadata()
    await store.close()


def _names(connection: Connection) -> set[str | None]:
    """Names of indexes and of constraints that are told by reflection on both databases."""
    found = inspect(connection)
    return {
        *(index["name"] for table in METADATA.tables for index in found.get_indexes(table) if not _implied(index)),
        *(one["name"] for table in METADATA.tables for one in found.get_unique_constraints(table)),
        *(one["name"] for table in METADATA.tables for one in found.get_foreign_keys(table)),
    }


def _implied(index: Any) -> bool:
    """PostgreSQL lists the index of a unique constraint, too."""
    return "duplicates_constraint" in index


def _names_of_the_metadata() -> set[str | None]:
    everything = METADATA.tables.values()
    return {
        *(str(index.name) for table in everything for index in table.indexes),
        *(
            str(one.name)
            for table in everything
            for one in table.constraints
            if one.__visit_name__ != "primary_key_constraint"
        ),
    }


async def test_two_threads_prepare_at_once(empty: CustomerDatabaseCase) -> None:
    """In one process, several stores: each of them is ready afterwards."""
    stores = [SqlAuditStore(empty.url) for _ in range(6)]
    await asyncio.gather(*(store.prepare() for store in stores))
    for number, store in enumerate(stores):
        await store.append(cycle(f"c-{number}"))
    assert len((await stores[0].page(AuditQuery("default"))).entries) == 6 * 6
    for store in stores:
        await store.close()


@pytest.mark.server
async def test_processes_prepare_at_once(empty: CustomerDatabaseCase) -> None:
    """As replicas that start together: all of them succeed."""
    pipe = asyncio.subprocess.PIPE
    started = [
        await asyncio.create_subprocess_exec(sys.executable, "-c", PREPARE, stdin=pipe, stderr=pipe) for _ in range(4)
    ]
    told = await asyncio.gather(*(process.communicate(f"{empty.url}\n".encode()) for process in started))
    assert [process.returncode for process in started] == [0] * 4, told
    assert tables(empty.url) >= set(METADATA.tables)


async def test_failure_in_the_middle_leaves_nothing(
    empty: CustomerDatabaseCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The steps are one transaction: what fails can be begun again."""
    upgrade = command.upgrade

    def fail(*arguments: Any) -> None:
        upgrade(*arguments)
        message = "the process dies here"
        raise AuditUnavailable(message)

    monkeypatch.setattr(command, "upgrade", fail)
    store = SqlAuditStore(empty.url)
    with pytest.raises(AuditUnavailable, match="dies here"):
        await store.prepare()
    assert tables(empty.url) == set()
    monkeypatch.undo()
    await store.prepare()
    assert tables(empty.url) >= set(METADATA.tables)


async def test_schema_of_a_newer_version_is_not_touched(trail: TrailCase) -> None:
    """Preparing says which version to run; what is there can still be read and written."""
    trail.execute(f"UPDATE {VERSION_TABLE} SET version_num = '9999'")
    with pytest.raises(AuditUnavailable, match=r"step 9999.*newer version"):
        await trail.store.prepare()
    entries = await trail.stored(cycle())
    assert await trail.store.run(entries[0].run.id) == entries


async def test_trail_that_was_never_prepared_says_so(empty: CustomerDatabaseCase) -> None:
    """Reading and writing alike."""
    store = SqlAuditStore(empty.url)
    for call in (store.append(cycle()), store.page(AuditQuery("default")), store.run("0" * 32)):
        with pytest.raises(AuditUnavailable, match="has not the tables of this version: the operator makes them"):
            await call
    await store.close()


async def test_file_is_made_for_its_owner_alone(tmp_path: Path) -> None:
    """With its directory, and the files that SQLite puts beside it; readers make none."""
    path = tmp_path / "deep" / "down" / "audit.db"
    store = SqlAuditStore(f"sqlite:///{path}")
    with pytest.raises(AuditUnavailable, match="cannot be opened: the operator makes it"):
        await store.page(AuditQuery("default"))
    assert not path.parent.exists()
    await store.prepare()
    await store.append(cycle())
    assert sorted(file.name for file in path.parent.iterdir()) == ["audit.db", "audit.db-shm", "audit.db-wal"]
    for file in path.parent.iterdir():
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    await store.close()
    assert [file.name for file in path.parent.iterdir()] == ["audit.db"]


async def test_file_in_a_place_that_cannot_be_is_told(tmp_path: Path) -> None:
    """A directory that is a file."""
    (tmp_path / "file").touch()
    with pytest.raises(AuditUnavailable, match=r"cannot be made: .*Check the rights on its directory"):
        await SqlAuditStore(f"sqlite:///{tmp_path / 'file' / 'audit.db'}").prepare()
    with pytest.raises(AuditUnavailable, match="cannot be opened"):
        await SqlAuditStore(f"sqlite:///{tmp_path}").prepare()


async def test_settings_of_our_connections(trail: TrailCase) -> None:
    """What the database itself says of them."""
    if trail.kind == "sqlite":
        wanted = {"journal_mode": "wal", "synchronous": 2, "foreign_keys": 1, "busy_timeout": 5000}

        def ask(connection: Connection) -> dict[str, Any]:
            return {name: connection.exec_driver_sql(f"PRAGMA {name}").scalar() for name in wanted}

        assert await trail.store._writing().run(ask) == wanted
        return
    settings = {"statement_timeout": "10s", "lock_timeout": "5s", "application_name": "navixy-operator"}

    def show(connection: Connection) -> dict[str, Any]:
        names = [*settings, "transaction_read_only", "transaction_isolation"]
        return {name: connection.exec_driver_sql(f"SHOW {name}").scalar() for name in names}

    writing = {"transaction_read_only": "off", "transaction_isolation": "read committed"}
    assert await trail.store._writing().run(show) == {**settings, **writing}
    reading = {"transaction_read_only": "on", "transaction_isolation": "repeatable read"}
    assert await trail.store._reading().run(show) == {**settings, **reading}
