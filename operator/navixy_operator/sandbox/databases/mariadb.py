"""MariaDB in a temporary directory."""

import os
import signal
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from navixy_operator.sandbox import debian
from navixy_operator.sandbox.databases.server import READER, Database, DatabaseServer
from navixy_operator.sandbox.loopback import LOOPBACK
from navixy_operator.sandbox.process import Program

INSTALLED: Final = Path("/usr")
PRIVATE: Final = 0o700


class MariaDB(DatabaseServer):
    """MariaDB with password logins: installed here, or unpacked from Debian's packages (no service is started)."""

    name = "mariadb"
    drivername = "mariadb+pymysql"
    admin = "navixy_admin"

    def empty_database(self, database: Database) -> None:
        """Drop everything in a database; rights stay with its name."""
        name = make_url(database.url).database
        self.execute(f"DROP DATABASE {name}", f"CREATE DATABASE {name}")

    def _prepare(self) -> Program:
        prefix, environment = self._programs()
        data, log, first = self.directory / "data", self.directory / "server.log", self.directory / "first.sql"
        common = [
            f"--datadir={data}",
            *(["--user=root"] if os.geteuid() == 0 else []),
            # a throw-away database need not survive a crash of the machine
            "--innodb-flush-method=nosync",
            "--innodb-flush-log-at-trx-commit=0",
            "--innodb-log-file-size=16M",
            "--innodb-buffer-pool-size=64M",
        ]
        data.mkdir(PRIVATE)
        made = [str(prefix / "bin/mariadb-install-db"), "--no-defaults", f"--basedir={prefix}", *common]
        made += ["--auth-root-authentication-method=normal", "--skip-test-db", "--skip-name-resolve"]
        self._set_up(Program(name="mariadb-install-db", argv=made, log=log, env=environment, cwd=self.directory))
        first.touch(mode=0o600)
        first.write_text(self._first_statements())
        run = [str(prefix / "sbin/mariadbd"), "--no-defaults", f"--basedir={prefix}", *common]
        run += [
            f"--port={self.port}",
            f"--bind-address={LOOPBACK}",
            f"--socket={self.directory / 'socket'}",
            f"--pid-file={self.directory / 'pid'}",
            f"--init-file={first}",
            f"--plugin-dir={prefix / 'lib/mysql/plugin'}",
            "--skip-name-resolve",
            "--character-set-server=utf8mb4",
        ]
        return Program(
            name=self.name,
            argv=run,
            log=log,
            env=environment,
            cwd=self.directory,
            stop_signal=signal.SIGKILL,  # its data are thrown away: nothing to flush
        )

    def _programs(self) -> tuple[Path, dict[str, str]]:
        """The prefix (as /usr) below which the server lies, and the environment it needs."""
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"}
        if (INSTALLED / "sbin/mariadbd").exists() and (INSTALLED / "bin/mariadb-install-db").exists():
            return INSTALLED, environment
        prefix = debian.unpack(["mariadb-server"], progress=self._progress)
        return prefix / "usr", environment | {"LD_LIBRARY_PATH": debian.library_path(prefix)}

    def _first_statements(self) -> str:
        """What the server runs when it starts, before anyone can connect: no user without a password is left."""
        admin = f"'{self.admin}'@'{LOOPBACK}'"
        statements = (
            f"CREATE OR REPLACE USER {admin} IDENTIFIED BY '{self.password}'",
            f"GRANT ALL PRIVILEGES ON *.* TO {admin} WITH GRANT OPTION",
            "DROP USER IF EXISTS 'root'@'localhost', 'root'@'127.0.0.1', 'root'@'::1', ''@'localhost'",
        )
        return "".join(f"{statement};\n" for statement in statements)

    def _create_reader(self) -> None:
        self.execute(f"CREATE USER '{READER}'@'{LOOPBACK}' IDENTIFIED BY '{self.reader_password}'")

    def _create_database(self, name: str) -> None:
        self.execute(f"CREATE DATABASE {name}", f"GRANT SELECT ON {name}.* TO '{READER}'@'{LOOPBACK}'")
