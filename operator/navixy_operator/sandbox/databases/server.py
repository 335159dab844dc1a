"""What the database servers have in common: a temporary directory, a process, an administrator and a reader."""

import itertools
import secrets
import shutil
import tempfile
from abc import abstractmethod
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final, Self

from sqlalchemy import create_engine
from sqlalchemy.engine import URL
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.lifespan import Lifespan
from navixy_operator.sandbox.loopback import LOOPBACK, free_ports
from navixy_operator.sandbox.process import Process, Program
from navixy_operator.sandbox.progress import Progress

READER: Final = "navixy_reader"
SETUP_SECONDS: Final = 120.0
READY_SECONDS: Final = 60.0


@dataclass(frozen=True, slots=True)
class Database:
    """One database of a server: the URL of its owner, and that of a user who may only read it."""

    url: str = field(repr=False)
    reader_url: str = field(repr=False)


class DatabaseServer(Lifespan):
    """A server that lives as long as the context; start and stop block, the asynchronous context uses a thread."""

    name: str
    drivername: str
    admin: str

    def __init__(self, *, progress: Progress | None = None) -> None:
        self._progress = progress
        self._directory: Path | None = None
        self._process: Process | None = None
        self._numbers = itertools.count(1)
        # of a throw-away server; with characters that a URL must encode
        self.password = secrets.token_urlsafe(12) + "@/:%"
        self.reader_password = secrets.token_urlsafe(12) + "#?&+"
        self.port = 0

    @property
    def directory(self) -> Path:
        """Where its data lie; removed when it stops."""
        if self._directory is None:
            message = f"{self.name} was not started"
            raise ProvisioningError(message)
        return self._directory

    @property
    def process(self) -> Process:
        """The running server, for tests which freeze or kill it."""
        if self._process is None:
            message = f"{self.name} was not started"
            raise ProvisioningError(message)
        return self._process

    def url(self, *, user: str | None = None, password: str | None = None, database: str | None = None) -> str:
        """A URL for SQLAlchemy; by default that of the administrator. It holds the password: show it to nobody."""
        secret = password if password is not None else (self.password if user is None else None)
        where = {"host": LOOPBACK, "port": self.port, "database": database}
        made = URL.create(self.drivername, username=user or self.admin, password=secret, **where)  # type: ignore[arg-type]
        return made.render_as_string(hide_password=False)

    def start(self) -> Self:
        """Make the data directory, start the server and wait until it lets us in.

        Raises:
            ProvisioningError: the server's programs cannot be had here.
            ProcessError: it does not start.
        """
        self._directory = Path(tempfile.mkdtemp(prefix=f"navixy-{self.name}-"))
        try:
            self.port = free_ports(1)[0]
            self._process = Process(self._prepare()).start()
            self._process.wait_ready(self._lets_us_in, timeout=READY_SECONDS)
            self._create_reader()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop the server and remove its data."""
        if self._process is not None:
            self._process.stop()
            self._process = None
        if self._directory is not None:
            shutil.rmtree(self._directory, ignore_errors=True)
            self._directory = None

    def create_database(self) -> Database:
        """Make a new empty database, whose tables, also those to come, the reader may read."""
        name = f"customers_{next(self._numbers)}"
        self._create_database(name)
        reader = self.url(user=READER, password=self.reader_password, database=name)
        return Database(self.url(database=name), reader)

    @abstractmethod
    def empty_database(self, database: Database) -> None:
        """Drop everything in a database, which costs less than another one."""

    def execute(self, *statements: str, database: str | None = None) -> None:
        """Run statements as the administrator, each in a transaction of its own."""
        engine = create_engine(self.url(database=database or self._first_database), poolclass=NullPool)
        try:
            with engine.connect().execution_options(isolation_level="AUTOCOMMIT", no_parameters=True) as connection:
                for statement in statements:
                    connection.exec_driver_sql(statement)
        finally:
            engine.dispose()

    @property
    def _first_database(self) -> str | None:
        """What the administrator connects to before there is a database."""
        return None

    @abstractmethod
    def _prepare(self) -> Program:
        """Make the data directory and say how to start the server."""

    @abstractmethod
    def _create_reader(self) -> None:
        """Make the user who may only read."""

    @abstractmethod
    def _create_database(self, name: str) -> None:
        """Make a database that the reader may read."""

    def _lets_us_in(self) -> bool:
        try:
            self.execute("SELECT 1")
        except OperationalError:
            return False
        return True

    def _set_up(self, program: Program) -> None:
        """Run a program that makes the data directory, to its end."""
        with Process(program) as process:
            if process.wait(SETUP_SECONDS) != 0:
                message = f"{program.name} failed:\n{process.log_tail()}"
                raise ProvisioningError(message)
