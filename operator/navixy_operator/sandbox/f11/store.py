"""SQLite behind the truth: rows are committed in groups by one thread, and an answer waits for its group.

A killed process loses nothing that it has answered: what SQLite has committed is with the kernel.
"""

import asyncio
import sqlite3
from collections import defaultdict
from concurrent.futures import ThreadPoolExecutor
from typing import Any, Final

from navixy_operator.sandbox.f11.records import Change, Connection, Remembered, Table

SCHEMA: Final = """
CREATE TABLE IF NOT EXISTS connections (
  id TEXT PRIMARY KEY, seq INTEGER NOT NULL, provider TEXT NOT NULL, customer_ref TEXT, state TEXT NOT NULL,
  origin TEXT NOT NULL, fingerprint TEXT, error TEXT, created_at REAL NOT NULL, updated_at REAL NOT NULL,
  settles_at REAL, fails_with TEXT, closes_at REAL, closing_since REAL) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS keys (
  key TEXT PRIMARY KEY, at REAL NOT NULL, digest TEXT NOT NULL, status INTEGER NOT NULL, body BLOB NOT NULL)
  WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS history (
  number INTEGER PRIMARY KEY, at REAL NOT NULL, connection_id TEXT NOT NULL, customer_ref TEXT, before TEXT,
  after TEXT NOT NULL, by TEXT NOT NULL, origin_before TEXT, origin TEXT NOT NULL,
  fingerprint TEXT, asked_at REAL NOT NULL);
"""
# in this order within a group: an id that was forgotten never comes back
STATEMENTS: Final = {
    Table.CONNECTIONS: "INSERT OR REPLACE INTO connections VALUES (?,?,?,?,?,?,?,?,?,?,?,?,?,?)",
    Table.KEYS: "INSERT OR REPLACE INTO keys VALUES (?,?,?,?,?)",
    Table.HISTORY: "INSERT INTO history VALUES (?,?,?,?,?,?,?,?,?,?,?)",
    Table.FORGOTTEN: "DELETE FROM connections WHERE id = ?",
}
Rows = dict[Table, list[tuple[Any, ...]]]


class StoreError(Exception):
    """What was to be answered could not be written."""


class _Group:
    """Rows that are committed together."""

    def __init__(self) -> None:
        self.rows: Rows = defaultdict(list)
        self.done = asyncio.Event()
        self.failed = False


class Store:
    """One SQLite file, used by one thread. ``path`` may be ``:memory:``."""

    def __init__(self, path: str) -> None:
        self._path = path
        self._thread = ThreadPoolExecutor(max_workers=1, thread_name_prefix="f11-store")
        self._waiting = _Group()
        self._writing: _Group | None = None
        self._task: asyncio.Task[None] | None = None
        self._database: sqlite3.Connection | None = None

    async def open(self) -> tuple[list[Connection], dict[str, Remembered], list[Change]]:
        """Open or create the file and give what it holds. Raises sqlite3.Error."""
        return await asyncio.get_running_loop().run_in_executor(self._thread, self._open)

    def put(self, table: Table, row: tuple[Any, ...]) -> None:
        """Note a row for the next commit."""
        self._waiting.rows[table].append(row)
        if self._task is None:
            self._task = asyncio.create_task(self._drain())

    async def settled(self) -> None:
        """Return when everything noted so far is committed. Raises StoreError."""
        group = self._waiting if self._waiting.rows else self._writing
        if group is not None:
            await group.done.wait()
            if group.failed:
                message = "the simulator's database cannot be written"
                raise StoreError(message)

    async def clear(self) -> None:
        """Empty every table."""
        await self.settled()
        await asyncio.get_running_loop().run_in_executor(self._thread, self._clear)

    async def close(self) -> None:
        """Commit what is left and close the file."""
        if self._task is not None:
            await self._task
        await asyncio.get_running_loop().run_in_executor(self._thread, self._close)
        self._thread.shutdown()

    async def _drain(self) -> None:
        loop = asyncio.get_running_loop()
        while self._waiting.rows:
            group = self._writing = self._waiting
            self._waiting = _Group()
            try:
                await loop.run_in_executor(self._thread, self._commit, group.rows)
            except sqlite3.Error:
                group.failed = True
            finally:
                group.done.set()
        self._writing = self._task = None

    def _open(self) -> tuple[list[Connection], dict[str, Remembered], list[Change]]:
        self._database = database = sqlite3.connect(self._path, isolation_level=None)
        database.execute("PRAGMA journal_mode=WAL")
        database.execute("PRAGMA synchronous=NORMAL")
        database.executescript(SCHEMA)
        connections = [Connection.from_row(row) for row in database.execute("SELECT * FROM connections ORDER BY seq")]
        keys = {row[0]: Remembered(*row[1:]) for row in database.execute("SELECT * FROM keys ORDER BY at")}
        history = [Change(*row) for row in database.execute("SELECT * FROM history ORDER BY number")]
        return connections, keys, history

    def _commit(self, rows: Rows) -> None:
        database = self._connected()
        database.execute("BEGIN IMMEDIATE")
        try:
            for table, statement in STATEMENTS.items():
                if table in rows:
                    database.executemany(statement, rows[table])
            database.execute("COMMIT")
        except sqlite3.Error:
            database.execute("ROLLBACK")
            raise

    def _clear(self) -> None:
        database = self._connected()
        for table in ("connections", "keys", "history"):
            database.execute(f"DELETE FROM {table}")  # noqa: S608 - three names of our own

    def _close(self) -> None:
        self._connected().close()

    def _connected(self) -> sqlite3.Connection:
        if self._database is None:
            message = "the store is not open"
            raise RuntimeError(message)
        return self._database
