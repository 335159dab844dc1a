"""What goes wrong with the audit trail's database is told in words that help, in time, and without a secret."""

import re
import time
from pathlib import Path
from typing import Final

import psycopg
import pytest
from sqlalchemy import Connection
from sqlalchemy.engine import make_url
from sqlalchemy.exc import DBAPIError

from navixy_operator.adapters.audit import SqlAuditStore, writing
from navixy_operator.adapters.audit.faults import REMEDIES, explain
from navixy_operator.adapters.audit.source import parse, secrets_in
from navixy_operator.errors import AuditUnavailable, AuditUrlInvalid
from navixy_operator.ports import AuditQuery
from support.audit_database import ENCODED, PASSWORD, TrailCase, connected, cycle, failure
from support.databases import CustomerDatabaseCase

EVERYTHING: Final = AuditQuery("default", limit=1000)


# a URL that cannot be used


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "is empty; it must look like sqlite:////absolute/path/to/audit.db or postgresql+psycopg://"),
        ("nonsense", "cannot be read; it must look like sqlite"),
        (f"postgresql://u:{ENCODED}@h:port/x", "cannot be read"),
        (f"mariadb+pymysql://u:{ENCODED}@h/x", "names a 'mariadb+pymysql'; it must look like sqlite"),
        (f"postgresql+psycopg2://u:{ENCODED}@h/x", "names a 'postgresql+psycopg2'"),
        (f"postgresql+asyncpg://u:{ENCODED}@h/x", "names a 'postgresql+asyncpg'"),
        ("sqlite+aiosqlite:///x.db", "names a 'sqlite+aiosqlite'"),
        (f"postgresql://u:{PASSWORD}@h/x", "more than one '@'"),
        ("sqlite://", "names no file"),
        ("sqlite:///:memory:", "names no file"),
        ("sqlite:///file:x?mode=memory", "names no file"),
    ],
    ids=lambda value: value.partition(":")[0],
)
async def test_url_that_is_not_allowed_is_told(url: str, told: str) -> None:
    """By every call, with what is allowed, and without the URL."""
    store = SqlAuditStore(url)
    calls = (store.prepare, lambda: store.append(cycle()), lambda: store.page(EVERYTHING), store.scopes)
    for call in calls:
        assert told in await failure(call(), AuditUrlInvalid)
    assert repr(store) == "SqlAuditStore(<invalid URL>)"
    await store.close()


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("sqlite:////data/audit.db", "file /data/audit.db"),
        ("sqlite+pysqlite:////data/audit.db", "file /data/audit.db"),
        (f"postgresql://u:{ENCODED}@db:5433/trail", "database 'trail' at db:5433"),
        (f"postgresql+psycopg://u@db/trail?password={ENCODED}", "database 'trail' at db"),
    ],
)
def test_url_that_is_allowed_is_named_without_its_password(url: str, place: str) -> None:
    """In the representations."""
    assert parse(url).place == place
    assert repr(SqlAuditStore(url)) == f"SqlAuditStore({place})"
    assert PASSWORD not in repr(parse(url))
    assert (PASSWORD in secrets_in(url)) == (ENCODED in url)


def test_secrets_of_a_url_that_is_none() -> None:
    """Nothing, and no error."""
    assert secrets_in("nonsense") == ()


async def test_file_that_is_no_database_is_told(tmp_path: Path) -> None:
    """A person must mend it."""
    path = tmp_path / "notes.txt"
    path.write_text("not a database" * 100)
    store = SqlAuditStore(f"sqlite:///{path}")
    assert "names no SQLite database" in await failure(store.prepare(), AuditUrlInvalid)
    await store.close()


@pytest.mark.server
async def test_options_that_the_driver_does_not_know_are_told(postgresql_database: CustomerDatabaseCase) -> None:
    """By name, not by value."""
    store = SqlAuditStore(f"{postgresql_database.url}?colour={ENCODED}")
    assert "the options in it are: colour" in await failure(store.prepare(), AuditUrlInvalid)


# a database that refuses


CODES: Final = {
    "53100": "The disk is full: make room there",
    "53200": "The server is at its limits",
    "53300": "The server is at its limits",
    "25006": "It is read only: name the primary server",
    "42P01": "It has not the tables of this version",
    "42501": "A right is missing: the operator needs CREATE in the schema, a reader SELECT",
    "55P03": "Something keeps it busy",
    "57014": "Something keeps it busy",
    "3D000": "There is no such database: create it",
    "57P03": "Check that it runs and can be reached",
    "XX001": "Its data are damaged",
    "22P02": "SQLSTATE 22P02",
    "23505": "SQLSTATE 23505",
}


@pytest.mark.parametrize(("code", "told"), CODES.items(), ids=CODES)
def test_code_of_postgresql_decides(code: str, told: str) -> None:
    """Its text, which may quote a value of a row, is not shown where it may."""
    error = psycopg.errors.lookup(code)("the value secret")
    found = explain(
        DBAPIError.instance(None, None, error, psycopg.Error), parse("postgresql://u@h/x"), connecting=False
    )
    assert type(found) is AuditUnavailable
    assert told in str(found)
    assert "secret" not in str(found)


def test_every_remedy_is_tried() -> None:
    """Words for codes that no case above gives would be words that nobody has read."""
    codes = [f"SQLSTATE {code}" for code in CODES]
    for pattern, _ in REMEDIES:
        assert "SQLSTATE" not in pattern or any(re.match(pattern, code) for code in codes)


@pytest.mark.server
async def test_wrong_password_is_told(postgresql_database: CustomerDatabaseCase) -> None:
    """With whom it was tried, and where to mend it."""
    url = make_url(postgresql_database.url).set(password=PASSWORD).render_as_string(hide_password=False)
    told = await failure(SqlAuditStore(url).prepare())
    assert "refused to log in user 'navixy_admin'" in told
    assert "AUDIT_DATABASE_URL" in told


@pytest.mark.server
async def test_database_that_is_not_there_is_told(postgresql_database: CustomerDatabaseCase) -> None:
    """By its name."""
    url = make_url(postgresql_database.url).set(database="nowhere").render_as_string(hide_password=False)
    assert 'database "nowhere" does not exist' in await failure(SqlAuditStore(url).page(EVERYTHING))


@pytest.mark.server
async def test_reader_reads_and_is_told_that_it_may_not_write(postgresql_database: CustomerDatabaseCase) -> None:
    """A user with SELECT alone is enough for queries, and for nothing else."""
    owner, reader = SqlAuditStore(postgresql_database.url), SqlAuditStore(postgresql_database.database.reader_url)
    assert "A right is missing" in await failure(reader.prepare())
    await owner.prepare()
    entries = cycle()
    await owner.append(entries)
    assert await reader.run(entries[0].run.id) == entries
    await reader.prepare()  # nothing is to be done
    assert "A right is missing" in await failure(reader.append(cycle("second")))
    await owner.close()
    await reader.close()


async def test_full_disk_is_told_and_stores_nothing_of_the_batch(sqlite_database: CustomerDatabaseCase) -> None:
    """All or nothing; with room again the same batch is stored."""
    store = SqlAuditStore(sqlite_database.url)
    await store.prepare()
    first, second = cycle("first"), cycle("second", customers=900)
    await store.append(first)

    def no_more(connection: Connection) -> None:
        pages = connection.exec_driver_sql("PRAGMA page_count").scalar_one()
        connection.exec_driver_sql(f"PRAGMA max_page_count = {pages + 8}")

    await store._writing().run(no_more)
    assert "The disk is full: make room there" in await failure(store.append(second))
    assert await store.run(second[0].run.id) == []
    await store.append(second)  # on a connection of its own, without that limit
    assert await store.run(second[0].run.id) == second
    await store.close()


def damage(path: Path) -> None:
    """All of a file but its first page."""
    with path.open("r+b") as file:
        file.seek(4096)
        file.write(b"\xff" * (path.stat().st_size - 4096))


async def test_damaged_file_is_told(sqlite_database: CustomerDatabaseCase) -> None:
    """Whatever it is that reads it."""
    store = SqlAuditStore(sqlite_database.url)
    await store.prepare()
    await store.append(cycle(customers=900))
    await store.close()
    damage(Path(str(make_url(sqlite_database.url).database)))
    assert "Its data are damaged: restore it from a backup" in await failure(store.page(EVERYTHING))
    await store.close()


async def test_lock_of_somebody_else_is_told_in_time(trail: TrailCase) -> None:
    """A session that holds everything locked; once it is gone, all goes on."""
    lock = {"sqlite": "BEGIN EXCLUSIVE", "postgresql": "LOCK TABLE audit_events IN ACCESS EXCLUSIVE MODE"}[trail.kind]
    store = SqlAuditStore(trail.case.url, timeout_seconds=2)  # half of it for the lock: a busy machine needs the rest
    entries = cycle()
    with connected(trail.case.url, lock):
        begun = time.monotonic()
        assert "Something keeps it busy: look for long transactions" in await failure(store.append(entries))
        assert time.monotonic() - begun < 5
    await store.append(entries)
    assert await store.run(entries[0].run.id) == entries
    await store.close()


async def test_mistake_of_ours_is_not_told_as_one_of_the_database(trail: TrailCase) -> None:
    """What no driver raised comes as it is; what was written before it in the same call is not there."""

    def broken(connection: Connection) -> None:
        writing.append(connection, cycle())
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await trail.store._writing().run(broken)
    assert (await trail.store.page(EVERYTHING)).entries == ()
