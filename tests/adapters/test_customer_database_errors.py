"""What a person is told when the customer database cannot be read, on real servers; and what nobody is told."""

from pathlib import Path

import pytest
from sqlalchemy.engine import make_url

from navixy_operator.adapters.customer_database import SqlCustomerDatabase
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import DatabaseQueryFailed, DatabaseUnavailable, DatabaseUrlInvalid
from navixy_operator.sandbox.databases import READER, DatabaseServer
from navixy_operator.sandbox.loopback import free_ports
from navixy_operator.sandbox.sample_data import eligible_customers, sample_hash
from support.databases import CustomerDatabaseCase, failure

PASSWORD = "pa55:w/rd%é&?"
HASH = sample_hash(1)
OTHERS = "1 AS provider, 2 AS state, 3 AS navixy_hash"
SERVERS = [pytest.param(kind, marks=pytest.mark.server) for kind in ("postgresql", "mariadb")]


@pytest.fixture(params=SERVERS)
def server(request: pytest.FixtureRequest) -> DatabaseServer:
    """Each server in turn."""
    found: DatabaseServer = request.getfixturevalue(request.param)
    return found


def adapter(url: str, query: str | None = None, *, seconds: float = 10) -> SqlCustomerDatabase:
    """An adapter on a URL."""
    return SqlCustomerDatabase(url, query=query, timeout_seconds=seconds)


def quoted(url: str) -> str:
    """The password as the URL has it."""
    return url.partition("://")[2].rpartition("@")[0].partition(":")[2]


async def test_wrong_password_names_user_and_place(server: DatabaseServer) -> None:
    """A wrong password: who was refused, where, and where to mend it; not the password."""
    database = server.create_database()
    name = make_url(database.url).database
    url = server.url(user=READER, password=PASSWORD, database=name)
    error = await failure(adapter(url), DatabaseUnavailable, PASSWORD, quoted(url))
    assert f"{name!r} at 127.0.0.1:{server.port} refused to log in user '{READER}'" in str(error)
    assert "Secret" in str(error)


@pytest.mark.parametrize("user", ["nobody_here", READER], ids=["unknown user", "no password"])
async def test_login_without_password_or_user_is_refused(server: DatabaseServer, user: str) -> None:
    """An unknown user, and a URL without the password that the server asks for, are refused logins too."""
    database = make_url(server.create_database().url).database
    url = server.url(user=user, database=database)
    assert f"refused to log in user '{user}'" in str(await failure(adapter(url), DatabaseUnavailable))


async def test_unknown_database_is_named(server: DatabaseServer) -> None:
    """A database that does not exist."""
    url = server.url(database="no_such_database")
    error = await failure(adapter(url), DatabaseUnavailable, server.password, quoted(url))
    assert "'no_such_database' at 127.0.0.1" in str(error)


@pytest.mark.parametrize("driver", ["postgresql", "mariadb", "mysql"])
async def test_refused_connection_is_unavailable(driver: str) -> None:
    """Nobody listens at the port."""
    url = f"{driver}://u:{HASH}@127.0.0.1:{free_ports(1)[0]}/customers"
    error = await failure(adapter(url), DatabaseUnavailable, HASH)
    assert "cannot be reached" in str(error)
    assert "refused" in str(error)


@pytest.mark.parametrize("driver", ["postgresql", "mariadb"])
async def test_unknown_host_is_unavailable(driver: str) -> None:
    """A host that no name service knows (.invalid is reserved for that)."""
    error = await failure(adapter(f"{driver}://u:{HASH}@nowhere.invalid/x"), DatabaseUnavailable, HASH)
    assert "'x' at nowhere.invalid cannot be reached" in str(error)


@pytest.mark.server
async def test_missing_right_is_told_on_postgresql(postgresql_database: CustomerDatabaseCase) -> None:
    """A user who may not read a table (42501)."""
    postgresql_database.fill([])
    postgresql_database.execute(f"REVOKE ALL ON gateways FROM {READER}")
    error = await failure(adapter(postgresql_database.database.reader_url), DatabaseQueryFailed)
    assert "permission denied for table gateways (SQLSTATE 42501)" in str(error)


@pytest.mark.server
async def test_missing_right_is_told_on_mariadb(mariadb_database: CustomerDatabaseCase) -> None:
    """A user who may not read a table (1142)."""
    mariadb_database.fill([])
    query = "SELECT User AS customer_ref FROM mysql.global_priv"
    error = await failure(adapter(mariadb_database.database.reader_url, query), DatabaseQueryFailed)
    assert "(error 1142)" in str(error)
    assert READER in str(error)


@pytest.mark.server
@pytest.mark.parametrize(
    "query",
    [
        f"SELECT n AS customer_ref, {OTHERS}, CAST(navixy_hash AS INTEGER) AS gateway_count FROM x",
        f"SELECT n AS customer_ref, {OTHERS}, CAST(navixy_hash AS JSON) AS gateway_count FROM x",
        f"SELECT n AS customer_ref, {OTHERS}, blame(navixy_hash) AS gateway_count FROM x",
    ],
    ids=["cast", "json", "raise"],
)
async def test_values_in_postgresql_errors_are_not_shown(postgresql_database: CustomerDatabaseCase, query: str) -> None:
    """PostgreSQL quotes the value that it cannot read: only the code is told, whatever a hash may look like."""
    secret = "top-secret-api-key"
    postgresql_database.execute(
        f"CREATE TABLE x AS SELECT 1 AS n, '{secret}'::text AS navixy_hash",
        "CREATE FUNCTION blame(t text) RETURNS int LANGUAGE plpgsql AS $$ BEGIN RAISE 'no: %', t; END $$",
    )
    error = await failure(postgresql_database.adapter(query), DatabaseQueryFailed, secret)
    assert "SQLSTATE" in str(error)


@pytest.mark.server
async def test_values_in_mariadb_errors_are_not_shown(mariadb_database: CustomerDatabaseCase) -> None:
    """MariaDB quotes a value in an XPath error."""
    secret = "top-secret-api-key"
    query = f"SELECT 1 AS customer_ref, {OTHERS}, EXTRACTVALUE('<a/>', '#{secret}') AS gateway_count"
    error = await failure(mariadb_database.adapter(query), DatabaseQueryFailed, secret)
    assert "error 1105" in str(error)


async def test_values_in_sqlite_errors_are_not_shown(sqlite_database: CustomerDatabaseCase) -> None:
    """SQLite quotes a value in a JSON path error."""
    secret = "top-secret-'api'-key"
    sqlite_database.execute("CREATE TABLE x (h TEXT)", f"""INSERT INTO x VALUES ('{secret.replace("'", "''")}')""")
    query = f"SELECT 1 AS customer_ref, {OTHERS}, json_extract('{{}}', h) AS gateway_count FROM x"
    error = await failure(sqlite_database.adapter(query), DatabaseQueryFailed, secret, "secret", "api")
    assert "SQLITE_ERROR" in str(error)


@pytest.mark.server
@pytest.mark.parametrize("name", ["hash_in_a_name", HASH])
async def test_hash_in_a_query_is_not_shown(postgresql_database: CustomerDatabaseCase, name: str) -> None:
    """Names of the query are shown, unless they look like a hash."""
    error = await failure(postgresql_database.adapter(f'SELECT "{name}" FROM pg_class'), DatabaseQueryFailed, HASH)
    assert "does not exist (SQLSTATE 42703)" in str(error)
    assert (name in str(error)) is (name != HASH)


@pytest.mark.server
async def test_functions_of_postgresql_may_not_write(postgresql_database: CustomerDatabaseCase) -> None:
    """A write that hides in a function or in a WITH is refused, and nothing has changed."""
    postgresql_database.fill(eligible_customers(3))
    postgresql_database.execute(
        "CREATE FUNCTION wipe() RETURNS bigint LANGUAGE sql AS 'DELETE FROM gateways; SELECT 1::bigint'"
    )
    for query in (
        f"SELECT wipe() AS customer_ref, {OTHERS}, 1 AS gateway_count",
        f"WITH x AS (DELETE FROM gateways RETURNING id) SELECT id AS customer_ref, {OTHERS}, 1 AS gateway_count FROM x",
    ):
        await failure(postgresql_database.adapter(query), DatabaseQueryFailed)
    assert postgresql_database.execute("SELECT COUNT(*) FROM gateways") != [(0,)]


@pytest.mark.server
async def test_procedures_of_mariadb_may_not_write(mariadb_database: CustomerDatabaseCase) -> None:
    """A procedure that ends our transaction and begins its own finds the session read-only too."""
    mariadb_database.fill(eligible_customers(3))
    mariadb_database.execute(
        "CREATE PROCEDURE wipe() BEGIN COMMIT; START TRANSACTION; DELETE FROM gateways; COMMIT; SELECT 1; END"
    )
    assert "(error 1792)" in str(await failure(mariadb_database.adapter("CALL wipe()"), DatabaseQueryFailed))
    assert mariadb_database.execute("SELECT COUNT(*) FROM gateways") != [(0,)]


@pytest.mark.parametrize("customer_database", SERVERS, indirect=True)
async def test_connection_lost_in_mid_stream_is_unavailable(customer_database: CustomerDatabaseCase) -> None:
    """The server ends our session while rows stream: unavailable."""
    rows, find, kill = {
        "postgresql": (
            "generate_series(1, 300000)",
            "SELECT pid FROM pg_stat_activity WHERE application_name = 'navixy-operator'",
            "SELECT pg_terminate_backend({})",
        ),
        "mariadb": (
            "seq_1_to_300000",
            "SELECT id FROM information_schema.processlist WHERE info LIKE 'SELECT REPEAT%'",
            "KILL {}",
        ),
    }[customer_database.kind]
    query = f"SELECT REPEAT('x', 200) AS customer_ref, {OTHERS}, 1 AS gateway_count FROM {rows} AS t"

    def take(row: CustomerRow) -> None:
        if row.number == 1:
            ((session,),) = customer_database.execute(find)
            customer_database.execute(kill.format(session))

    with pytest.raises(DatabaseUnavailable, match="broke off the query"):
        await customer_database.adapter(query).snapshot(take)


async def test_missing_sqlite_file_is_not_made(tmp_path: Path) -> None:
    """A path where nothing is: told, and still nothing is there."""
    path = tmp_path / "customers.db"
    error = await failure(adapter(f"sqlite:///{path}"), DatabaseUnavailable)
    assert str(path) in str(error)
    assert not path.exists()


async def test_file_that_is_no_database_is_a_wrong_url(tmp_path: Path) -> None:
    """A file of another kind: the URL names the wrong one."""
    path = tmp_path / "customers.csv"
    path.write_text("customer_ref,provider\n" * 100)
    assert str(path) in str(await failure(adapter(f"sqlite:///{path}"), DatabaseUrlInvalid))


async def test_sqlite_file_with_odd_name_opens(tmp_path: Path) -> None:
    """Characters that mean something in a URI are part of a file's name."""
    path = tmp_path / "50% of #1 & ö.db"
    path.touch()
    assert "no such table" in str(await failure(adapter(f"sqlite:///{path}"), DatabaseQueryFailed))


async def test_text_that_is_not_utf8_leaves_one_value_unreadable(sqlite_database: CustomerDatabaseCase) -> None:
    """A broken text stays bytes, for the rules to judge; the rows around it come."""
    one = f"AS customer_ref, {OTHERS}, 1 AS gateway_count"
    rows = await sqlite_database.rows(f"SELECT 'a' {one} UNION ALL SELECT CAST(x'ff61' AS TEXT) {one}")
    assert [row.customer_ref for row in rows] == ["a", b"\xffa"]


@pytest.mark.parametrize(
    ("url", "told"),
    [
        ("", "is empty"),
        (f"user:{HASH}@host", "cannot be read"),
        (f"postgresql://u:{HASH}@h:port/x", "cannot be read"),
        (f"postgresql://u:{HASH}@h@host/x", "percent-encode"),
        (f"postgresql://u:p@{HASH}/x@host/x", "percent-encode"),
        (f"postgres://u:{HASH}@h/x", "knows no database 'postgres'"),
        (f"mysql+mysqldb://u:{HASH}@h/x", "driver for 'mysql+mysqldb' is not installed"),
        (f"postgresql+psycopg_async://u:{HASH}@h/x", "is one for asyncio"),
        (f"postgresql://u:{HASH}@127.0.0.1:1/x?colour={HASH}", "options in it are: colour"),
        (f"mariadb://u:{HASH}@127.0.0.1:1/x?colour={HASH}", "options in it are: colour"),
        ("sqlite://", "names no SQLite file"),
        ("sqlite:///:memory:", "names no SQLite file"),
    ],
)
async def test_unusable_url_says_how_to_mend_it(url: str, told: str) -> None:
    """A URL that cannot be used, without a part of it that might be a password."""
    assert told in str(await failure(adapter(url), DatabaseUrlInvalid, HASH))


def test_representation_shows_where_but_no_password() -> None:
    """What a log may show of an adapter."""
    shown = repr(adapter(f"postgresql://u:{HASH}@db.example:5432/customers?password={HASH}"))
    assert shown == "SqlCustomerDatabase(postgresql 'customers' at db.example:5432)"
