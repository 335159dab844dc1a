"""The database servers of the sandbox: they start, keep strangers out, and leave nothing behind."""

from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import create_engine
from sqlalchemy.exc import DBAPIError
from sqlalchemy.pool import NullPool

from navixy_operator.sandbox.databases import Database, DatabaseServer, MariaDB, PostgreSQL, Sqlite, postgresql
from navixy_operator.sandbox.errors import ProcessError, ProvisioningError
from navixy_operator.sandbox.process import Process
from support.control_plane import unavailable


def run(url: str, statement: str) -> None:
    """Run and commit a statement."""
    engine = create_engine(url, poolclass=NullPool)
    try:
        with engine.begin() as connection:
            connection.exec_driver_sql(statement)
    finally:
        engine.dispose()


def started(server: DatabaseServer) -> DatabaseServer:
    """Start, or say that it cannot be had."""
    try:
        return server.start()
    except ProvisioningError as error:
        unavailable(server.name, error)


@pytest.mark.server
@pytest.mark.parametrize("kind", [PostgreSQL, MariaDB])
def test_server_leaves_nothing_behind(kind: Callable[[], DatabaseServer]) -> None:
    """A stopped server has neither process nor directory; stopping twice is harmless."""
    server = started(kind())
    try:
        directory, pid = server.directory, server.process.pid
        assert Path(f"/proc/{pid}").exists()
        run(server.create_database().url, "CREATE TABLE x (y INTEGER)")
    finally:
        server.stop()
    server.stop()
    assert not directory.exists()
    assert not Path(f"/proc/{pid}").exists()
    with pytest.raises(ProvisioningError, match="was not started"):
        _ = server.directory


@pytest.mark.server
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_strangers_are_kept_out(request: pytest.FixtureRequest, kind: str) -> None:
    """Wrong and missing passwords are refused, also for the users that a server is born with."""
    server: DatabaseServer = request.getfixturevalue(kind)
    server.create_database()
    database = "customers_1"
    strangers = [(server.admin, "wrong"), (server.admin, ""), ("root", ""), ("postgres", ""), ("", "")]
    for user, password in strangers:
        with pytest.raises(DBAPIError):
            run(server.url(user=user or "anonymous", password=password, database=database), "SELECT 1")


@pytest.mark.server
@pytest.mark.parametrize("kind", ["postgresql", "mariadb"])
def test_reader_may_read_and_not_write(request: pytest.FixtureRequest, kind: str) -> None:
    """The reader reads tables that are made after it, also in an emptied database, and writes nothing."""
    server: DatabaseServer = request.getfixturevalue(kind)
    database = server.create_database()
    for _ in range(2):
        run(database.url, "CREATE TABLE x (y INTEGER)")
        run(database.reader_url, "SELECT y FROM x")
        for statement in ("INSERT INTO x VALUES (1)", "DROP TABLE x", "CREATE TABLE z (y INTEGER)"):
            with pytest.raises(DBAPIError):
                run(database.reader_url, statement)
        server.empty_database(database)


@pytest.mark.server
def test_passwords_are_not_on_show(postgresql: DatabaseServer, mariadb: DatabaseServer) -> None:
    """Neither a representation nor the servers' command lines hold a password."""
    for server in (postgresql, mariadb):
        shown = repr(server) + repr(server.create_database()) + repr(server.process.program)
        shown += Path(f"/proc/{server.process.pid}/cmdline").read_text()
        assert server.password not in shown
        assert server.reader_password not in shown


@pytest.mark.server
def test_postgresql_from_unpacked_packages(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Where PostgreSQL is not installed, Debian's packages serve, unpacked."""
    # where a version is installed, it would not be downloaded as a dependency: name it
    installed = [f"postgresql-{path.name}" for path in postgresql.INSTALLED.glob("*")]
    monkeypatch.setattr(postgresql, "PACKAGES", ("postgresql", *installed))
    monkeypatch.setattr(postgresql, "INSTALLED", tmp_path / "nowhere")
    monkeypatch.setenv("PATH", "/usr/bin:/bin:/usr/sbin:/sbin")
    server = started(PostgreSQL())
    try:
        program = Path(f"/proc/{server.process.pid}/exe").resolve()
        assert not program.is_relative_to("/usr")
        run(server.create_database().url, "CREATE TABLE x (y INTEGER)")
    finally:
        server.stop()


def test_server_that_cannot_start_leaves_no_directory(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A failed start removes what it made, and says what failed."""
    made: list[Path] = []

    def broken(self: PostgreSQL) -> Path:
        made.append(self.directory)
        raise ProvisioningError

    monkeypatch.setattr(PostgreSQL, "_programs", broken)
    monkeypatch.setattr(Process, "start", lambda _: pytest.fail("must not be reached"))
    with pytest.raises((ProvisioningError, ProcessError)):
        PostgreSQL().start()
    assert made
    assert not made[0].exists()
    assert not list(tmp_path.iterdir())


def test_sqlite_databases_are_apart(tmp_path: Path) -> None:
    """Each database is a file of its own, and readers do not block its writer."""
    files = Sqlite(tmp_path)
    first, second = files.create_database(), files.create_database()
    run(first.url, "CREATE TABLE x (y INTEGER)")
    run(second.url, "CREATE TABLE x (y INTEGER)")
    assert isinstance(first, Database)
    assert len({first.url, second.url}) == 2
