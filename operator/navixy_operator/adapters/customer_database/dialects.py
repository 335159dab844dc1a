"""What each database calls a read-only snapshot, a stream and a time limit."""

import contextlib
import math
import sqlite3
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, Engine, create_engine
from sqlalchemy.engine import URL, ExceptionContext
from sqlalchemy.exc import ArgumentError, DBAPIError, NoSuchModuleError
from sqlalchemy.pool import NullPool

from navixy_operator.adapters.customer_database.source import EXAMPLE
from navixy_operator.adapters.sql.symptoms import MYSQL
from navixy_operator.adapters.sql.url import Source
from navixy_operator.errors import DatabaseUrlInvalid

CONNECT_SECONDS: Final = 10.0
BUSY_SECONDS: Final = 5.0
# libpq takes one second for a mistake
LEAST_CONNECT_SECONDS: Final = 2


def engine_for(source: Source, seconds: float) -> Engine:
    """An engine without a pool: a cycle a day is no reason to hold a connection of somebody else's database.

    Raises:
        DatabaseUrlInvalid: unknown dialect, driver not installed, a driver for asyncio, options that do not fit.
    """
    message = ""
    try:
        engine = create_engine(
            source.url, poolclass=NullPool, hide_parameters=True, connect_args=_connect_args(source.url, seconds)
        )
        if not engine.dialect.is_async:
            return engine
        message = f"The database driver {source.url.drivername} is one for asyncio; name a synchronous one"
    except NoSuchModuleError:
        message = f"SQLAlchemy knows no database {source.url.drivername!r}; the URL must look like {EXAMPLE}"
    except ImportError:
        message = f"The driver for {source.url.drivername!r} is not installed; PostgreSQL's and MariaDB's are"
    except (ArgumentError, TypeError, ValueError, LookupError):
        message = f"The options in the database URL do not fit {source.url.drivername}"
    raise DatabaseUrlInvalid(message)


def _connect_args(url: URL, seconds: float) -> dict[str, Any]:
    """Time limits for the driver; what the URL itself says of them holds."""
    limit = min(seconds, CONNECT_SECONDS)
    arguments: dict[str, Any] = {}
    if url.drivername in {"postgresql", "postgresql+psycopg", "postgresql+psycopg2"}:
        # without the encoding, text of an SQL_ASCII database would come as bytes
        whole_seconds = max(LEAST_CONNECT_SECONDS, math.ceil(limit))
        arguments = {"connect_timeout": whole_seconds, "client_encoding": "utf8", "application_name": "navixy-operator"}
    elif url.drivername in {"mysql+pymysql", "mariadb+pymysql"}:
        arguments = {"connect_timeout": limit, "read_timeout": seconds, "write_timeout": seconds}
    elif url.get_backend_name() == "sqlite":
        arguments = {"timeout": min(seconds, BUSY_SECONDS)}
    return {name: value for name, value in arguments.items() if name not in url.query}


def begin(connection: Connection, seconds: float) -> Connection:
    """Begin one read-only transaction with one snapshot, its statements limited to ``seconds``, where that exists."""
    name = connection.dialect.name
    if name == "postgresql":
        connection = connection.execution_options(isolation_level="REPEATABLE READ", postgresql_readonly=True)
        connection.exec_driver_sql(f"SET LOCAL statement_timeout = {math.ceil(seconds * 1000)}")
    elif name in MYSQL:
        connection = connection.execution_options(isolation_level="REPEATABLE READ")
        _limit_statements(connection, seconds)
        # for the session too: a procedure could end this transaction and begin one of its own
        connection.exec_driver_sql("SET SESSION TRANSACTION READ ONLY")
        connection.exec_driver_sql("START TRANSACTION WITH CONSISTENT SNAPSHOT, READ ONLY")
    elif name == "sqlite":
        connection.exec_driver_sql("PRAGMA query_only = ON")
        connection.exec_driver_sql("BEGIN")
    else:
        connection.begin()
    return connection


def _limit_statements(connection: Connection, seconds: float) -> None:
    """MariaDB counts seconds, MySQL milliseconds; servers older than either do without."""
    mariadb = bool(getattr(connection.dialect, "is_mariadb", False))
    limit = f"max_statement_time = {seconds:f}" if mariadb else f"max_execution_time = {math.ceil(seconds * 1000)}"
    with contextlib.suppress(DBAPIError):
        connection.exec_driver_sql(f"SET SESSION {limit}")


def abandon(connection: Connection, result: CursorResult[Any]) -> None:
    """Let go of a result whose rows were not all read, and of its connection, without reading the rest."""
    _forget_the_rest(result.cursor)
    if connection.dialect.name != "sqlite":
        connection.invalidate()
    result.close()


def close_cursor(context: ExceptionContext) -> None:
    """SQLAlchemy's ``handle_error``: close the cursor of a lost connection, which SQLAlchemy itself leaves open."""
    # not `context.cursor`, which SQLAlchemy 2.1 never sets
    cursor = getattr(context.execution_context, "cursor", None)
    if context.is_disconnect and cursor is not None:
        _forget_the_rest(cursor)
        with contextlib.suppress(Exception):  # what matters is the error on its way
            cursor.close()


def _forget_the_rest(cursor: object) -> None:
    """PyMySQL would read on to the last row, even from a socket that is closed, unless it believes to be done."""
    answer: Any = getattr(cursor, "_result", None)
    if hasattr(answer, "unbuffered_active"):
        answer.unbuffered_active = False


def prepare(driver_connection: object) -> None:
    """Settle a new connection of a driver: SQLite text that is not UTF-8 stays bytes, so that its row can be judged."""
    if isinstance(driver_connection, sqlite3.Connection):
        driver_connection.text_factory = _text_or_bytes


def _text_or_bytes(value: bytes) -> str | bytes:
    try:
        return value.decode()
    except UnicodeDecodeError:
        return value
