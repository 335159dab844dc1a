"""Codes of drivers to our errors: the rows that no real server gives on demand; and the settings a server tells."""

import psycopg
import pymysql  # type: ignore[import-untyped]
import pytest
from sqlalchemy.exc import DBAPIError

from navixy_operator.adapters.customer_database.faults import Phase, explain
from navixy_operator.adapters.customer_database.source import parse
from navixy_operator.errors import DatabaseQueryFailed, DatabaseUnavailable, DatabaseUrlInvalid, OperatorError
from support.databases import CustomerDatabaseCase

HASH = "0123456789abcdef" * 2
POSTGRESQL = f"postgresql://reader:{HASH}@db.example/customers"
MARIADB = f"mariadb://reader:{HASH}@db.example/customers"
ORACLE = f"oracle://reader:{HASH}@db.example/customers"


class DriverError(Exception):
    """The root of the errors of a driver that we know nothing of."""


class OperationalError(DriverError):
    """Its word for a database that is away; SQLAlchemy goes by the name."""


class ProgrammingError(DriverError):
    """Its word for a wrong query."""


def state(code: str) -> Exception:
    """A PostgreSQL error of this SQLSTATE."""
    return psycopg.errors.lookup(code)(f"the value {HASH}")


@pytest.mark.parametrize(
    ("url", "cause", "expected", "told"),
    [
        (POSTGRESQL, state("53300"), DatabaseUnavailable, "SQLSTATE 53300"),
        (POSTGRESQL, state("57P03"), DatabaseUnavailable, "SQLSTATE 57P03"),
        (POSTGRESQL, state("57014"), DatabaseUnavailable, "SQLSTATE 57014"),
        (POSTGRESQL, state("40001"), DatabaseUnavailable, "SQLSTATE 40001"),
        (POSTGRESQL, state("28P01"), DatabaseUnavailable, "refused to log in user 'reader'"),
        (POSTGRESQL, state("22P02"), DatabaseQueryFailed, "SQLSTATE 22P02"),
        (POSTGRESQL, psycopg.DataError(f"bad date {HASH}"), DatabaseQueryFailed, "DataError"),
        (POSTGRESQL, psycopg.OperationalError("the connection is lost"), DatabaseUnavailable, "broke off"),
        (MARIADB, pymysql.OperationalError(1040, "Too many connections"), DatabaseUnavailable, "Too many connections"),
        (MARIADB, pymysql.OperationalError(1213, "Deadlock found"), DatabaseUnavailable, "error 1213"),
        (MARIADB, pymysql.OperationalError(1969, "max_statement_time"), DatabaseUnavailable, "error 1969"),
        (MARIADB, pymysql.OperationalError(2013, "Lost connection"), DatabaseUnavailable, "Lost connection"),
        (
            MARIADB,
            pymysql.OperationalError(1045, "Access denied"),
            DatabaseUnavailable,
            "refused to log in user 'reader'",
        ),
        (MARIADB, pymysql.DataError(1366, f"Incorrect value {HASH}"), DatabaseQueryFailed, "error 1366"),
        (ORACLE, OperationalError(f"away {HASH}"), DatabaseUnavailable, "OperationalError"),
        (ORACLE, ProgrammingError("42S02", f"no table {HASH}"), DatabaseQueryFailed, "ProgrammingError 42S02"),
        (ORACLE, UnicodeDecodeError("utf8", HASH.encode(), 0, 1, "no"), DatabaseQueryFailed, "UnicodeDecodeError"),
        (ORACLE, ConnectionResetError(104, "Connection reset by peer"), DatabaseUnavailable, "reset by peer"),
    ],
    ids=lambda value: type(value).__name__ if isinstance(value, Exception) else "",
)
def test_code_decides(url: str, cause: Exception, expected: type[OperatorError], told: str) -> None:
    """While rows are read: the code alone decides, and no value is quoted."""
    error = explain(_wrapped(cause), parse(url), Phase.READING, own_query=True)
    assert type(error) is expected
    assert told in str(error)
    assert HASH not in str(error)


@pytest.mark.parametrize(
    "cause", [TypeError("colour"), ValueError(HASH), LookupError("charset"), psycopg.ProgrammingError()]
)
def test_driver_that_refuses_options_means_a_wrong_url(cause: Exception) -> None:
    """While connecting: what a driver refuses before it talks to anyone is in the URL."""
    error = explain(_wrapped(cause), parse(f"{POSTGRESQL}?colour={HASH}"), Phase.CONNECTING, own_query=False)
    assert type(error) is DatabaseUrlInvalid
    assert "options in it are: colour" in str(error)
    assert HASH not in str(error)


def test_password_in_a_drivers_text_silences_it() -> None:
    """A text that holds the password is not shown at all, in whichever spelling."""
    source = parse("mariadb://u:p%40ss%2Fword@h/x?ssl_password=other")
    for secret in ("p@ss/word", "p%40ss%2Fword", "other"):
        assert source.safe(f"no luck with {secret} today") == ""
    assert source.safe(f"no\n  luck with {HASH.upper()}!") == "no luck with …!"


@pytest.mark.server
async def test_postgresql_reads_in_one_read_only_snapshot_through_a_cursor(
    postgresql_database: CustomerDatabaseCase,
) -> None:
    """What PostgreSQL itself says of our transaction."""
    (row,) = await postgresql_database.rows(
        "SELECT current_setting('transaction_isolation') AS customer_ref, "
        "current_setting('transaction_read_only') AS provider, current_setting('statement_timeout') AS state, "
        "current_setting('application_name') AS navixy_hash, (SELECT COUNT(*) FROM pg_cursors) AS gateway_count"
    )
    told = (row.customer_ref, row.provider, row.state, row.navixy_hash, row.gateway_count)
    assert told == ("repeatable read", "on", "20s", "navixy-operator", 1)


@pytest.mark.server
async def test_mariadb_reads_in_one_read_only_snapshot(mariadb_database: CustomerDatabaseCase) -> None:
    """What MariaDB itself says of our session and transaction."""
    (row,) = await mariadb_database.rows(
        "SELECT @@tx_isolation AS customer_ref, @@tx_read_only AS provider, @@max_statement_time AS state, "
        "@@in_transaction AS navixy_hash, @@autocommit AS gateway_count"
    )
    told = (row.customer_ref, row.provider, row.state, row.navixy_hash, row.gateway_count)
    assert told == ("REPEATABLE-READ", 1, 20, 1, 0)


def _wrapped(cause: Exception) -> Exception:
    """As SQLAlchemy would raise it."""
    for base in (psycopg.Error, pymysql.Error, DriverError):
        if isinstance(cause, base):
            return DBAPIError.instance(None, None, cause, base)
    return cause
