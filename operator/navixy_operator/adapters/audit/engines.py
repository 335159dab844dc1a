"""Connections to the audit trail's database: their settings, and how a transaction begins."""

import contextlib
import math
import os
import sqlite3
import time
from functools import partial
from pathlib import Path
from typing import Any, Final

from sqlalchemy import ColumnElement, Connection, Engine, case, create_engine, event, func, select
from sqlalchemy.pool import NullPool

from navixy_operator.adapters.audit.source import Source
from navixy_operator.errors import AuditUnavailable

CONNECT_SECONDS: Final = 4
# libpq takes one second for a mistake
LEAST_CONNECT_SECONDS: Final = 2
LOCK_SECONDS: Final = 5.0
"""How long a statement waits for somebody else's lock."""
PAUSE_SECONDS: Final = 0.05
NETWORK: Final = {
    "application_name": "navixy-operator",
    "client_encoding": "utf8",
    # a network that swallows everything is noticed by the kernel, also between calls
    "keepalives_idle": 5,
    "keepalives_interval": 2,
    "keepalives_count": 3,
    "tcp_user_timeout": 8_000,  # milliseconds
}
PRIVATE_DIRECTORY: Final = 0o700
PRIVATE_FILE: Final = 0o600


def engine_for(source: Source, *, writing: bool, seconds: float, lock_seconds: float) -> Engine:
    """An engine without a pool: a lane keeps its connection itself. Nothing is connected yet."""
    arguments: dict[str, Any]
    if source.file is None:
        connecting = {"connect_timeout": min(CONNECT_SECONDS, max(LEAST_CONNECT_SECONDS, math.ceil(seconds)))}
        told = {**NETWORK, **connecting}
        arguments = {name: value for name, value in told.items() if name not in source.url.query}
        # a run is read by several statements, between which others purge
        level: dict[str, Any] = {} if writing else {"isolation_level": "REPEATABLE READ"}
        return create_engine(source.url, poolclass=NullPool, hide_parameters=True, connect_args=arguments, **level)
    # one thread at a time uses it, but not always the same one
    arguments = {"timeout": lock_seconds, "check_same_thread": False}
    engine = create_engine(source.url, poolclass=NullPool, hide_parameters=True, connect_args=arguments)
    event.listen(engine, "connect", partial(_settle_sqlite, writing=writing, seconds=lock_seconds))
    return engine


def _settle_sqlite(connection: sqlite3.Connection, _record: object, *, writing: bool, seconds: float) -> None:
    connection.isolation_level = None  # transactions are begun by us alone
    # what is told as stored must survive a loss of power, after which NORMAL may have rolled it back
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA foreign_keys = ON")
    if writing:
        _log_ahead(connection, time.monotonic() + seconds)


def _log_ahead(connection: sqlite3.Connection, deadline: float) -> None:
    """Readers do not hold up the writer (WAL). SQLite does not wait where another process does the same just now."""
    while True:
        try:
            connection.execute("PRAGMA journal_mode = WAL")
        except sqlite3.OperationalError as error:
            if error.sqlite_errorcode != sqlite3.SQLITE_BUSY or time.monotonic() > deadline:
                raise
            time.sleep(PAUSE_SECONDS)
        else:
            return


def begin(connection: Connection, *, writing: bool, seconds: float, lock_seconds: float) -> None:
    """Begin a transaction whose statements end within ``seconds``. SQLite's are ended from outside (``breaking``)."""
    connection.begin()
    if connection.dialect.name == "sqlite":
        # the lock for writing at once: one that is asked for later is refused without waiting
        connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
        return
    settings: dict[str, str | ColumnElement[str]] = {
        "statement_timeout": f"{math.ceil(seconds * 1000)}",
        "lock_timeout": f"{math.ceil(lock_seconds * 1000)}",
    }
    if writing:  # what is told as stored must survive a crash, also of a server that is in a hurry
        commit = func.current_setting("synchronous_commit")
        settings["synchronous_commit"] = case((commit == "off", "on"), else_=commit)
    else:
        settings["transaction_read_only"] = "on"
    # for this transaction alone, so that a pooler between us and the server does no harm
    connection.execute(select(*(func.set_config(name, value, True) for name, value in settings.items())))  # noqa: FBT003


def make_file(path: Path) -> None:
    """Make an empty SQLite file, and its directory, that only their owner can read; one that is there is left as it is.

    Raises AuditUnavailable.
    """
    problem = None
    try:
        path.parent.mkdir(PRIVATE_DIRECTORY, parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):
            # never opened if it is there: closing it would take away SQLite's own locks on it in this process
            os.close(os.open(path, os.O_CREAT | os.O_EXCL | os.O_WRONLY, PRIVATE_FILE))
    except OSError as error:
        problem = error.strerror
    if problem is not None:
        message = f"The audit trail's file {path} cannot be made: {problem}. Check the rights on its directory"
        raise AuditUnavailable(message)
