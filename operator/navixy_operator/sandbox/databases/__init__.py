"""Real databases for the demo and the tests: on the loopback address, in temporary directories, never installed."""

from navixy_operator.sandbox.databases.mariadb import MariaDB
from navixy_operator.sandbox.databases.postgresql import PostgreSQL
from navixy_operator.sandbox.databases.server import READER, Database, DatabaseServer
from navixy_operator.sandbox.databases.sqlite import Sqlite

__all__ = ["READER", "Database", "DatabaseServer", "MariaDB", "PostgreSQL", "Sqlite"]
