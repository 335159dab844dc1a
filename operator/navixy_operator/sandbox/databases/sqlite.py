"""SQLite files."""

import itertools
from pathlib import Path

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.pool import NullPool

from navixy_operator.sandbox.databases.server import Database


class Sqlite:
    """SQLite files in a directory: no server, the same ``create_database``."""

    name = "sqlite"

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self._numbers = itertools.count(1)

    def create_database(self) -> Database:
        """Make a new empty file whose readers do not hold up its writer (WAL)."""
        path = self._directory / f"customers_{next(self._numbers)}.db"
        url = URL.create("sqlite", database=str(path.absolute())).render_as_string()
        engine = create_engine(url, poolclass=NullPool)
        try:
            with engine.connect() as connection:
                connection.exec_driver_sql("PRAGMA journal_mode = WAL")
        finally:
            engine.dispose()
        return Database(url, url)
