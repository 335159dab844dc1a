"""PostgreSQL in a temporary directory."""

import os
import pwd
import shutil
import signal
from pathlib import Path
from typing import Final

from sqlalchemy.engine import make_url

from navixy_operator.sandbox import debian
from navixy_operator.sandbox.databases.server import READER, Database, DatabaseServer
from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.loopback import LOOPBACK
from navixy_operator.sandbox.process import Program

# PostgreSQL refuses to run as root; this user owns nothing else
UNPRIVILEGED: Final = "nobody"
INSTALLED: Final = Path("/usr/lib/postgresql")
# the newest one that Debian's release has comes with it
PACKAGES: Final = ("postgresql",)


class PostgreSQL(DatabaseServer):
    """PostgreSQL with password logins (scram-sha-256): installed here, or unpacked from Debian's packages."""

    name = "postgresql"
    drivername = "postgresql+psycopg"
    admin = "navixy_admin"

    def empty_database(self, database: Database) -> None:
        """Drop everything in a database; what the reader may read stays settled."""
        name = make_url(database.url).database
        self.execute(
            "DROP SCHEMA public CASCADE",
            "CREATE SCHEMA public",
            "GRANT USAGE ON SCHEMA public TO PUBLIC",
            database=name,
        )

    @property
    def _first_database(self) -> str:
        return "postgres"

    def _prepare(self) -> Program:
        programs = self._programs()
        data, log, secret = self.directory / "data", self.directory / "server.log", self.directory / "password"
        secret.touch(mode=0o600)
        secret.write_text(self.password)
        self._hand_over_directory()
        made = [str(programs / "initdb"), "-D", str(data), "-U", self.admin, f"--pwfile={secret}"]
        made += ["--auth=scram-sha-256", "--encoding=UTF8", "--no-locale", "--no-sync"]
        environment = {"PATH": os.defpath, "LC_ALL": "C", "TZ": "UTC"} | self._libraries
        self._set_up(Program(name="initdb", argv=made, log=log, env=environment, cwd=self.directory, user=UNPRIVILEGED))
        settings = {
            "listen_addresses": LOOPBACK,
            "port": str(self.port),
            "unix_socket_directories": "",
            # a throw-away database need not survive a crash of the machine
            "fsync": "off",
            "synchronous_commit": "off",
            "full_page_writes": "off",
            "max_connections": "40",
        }
        run = [str(programs / "postgres"), "-D", str(data)]
        run += [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return Program(
            name=self.name,
            argv=run,
            log=log,
            env=environment,
            cwd=self.directory,
            user=UNPRIVILEGED,
            stop_signal=signal.SIGQUIT,  # at once, without flushing, but its shared memory is given back
        )

    def _programs(self) -> Path:
        """The directory of initdb and postgres, readable for the user who runs them."""
        self._libraries: dict[str, str] = {}
        if found := _newest(INSTALLED):
            return found
        if on_path := shutil.which("initdb"):
            return Path(on_path).resolve().parent
        prefix = debian.unpack(PACKAGES, progress=self._progress)
        if os.geteuid() == 0:
            # the cache may lie in root's home, where the unprivileged user cannot look
            prefix = Path(shutil.copytree(prefix, self.directory / "programs", symlinks=True))
        if not (found := _newest(prefix / "usr/lib/postgresql")):
            message = f"Debian's packages {', '.join(PACKAGES)} hold no initdb"
            raise ProvisioningError(message)
        self._libraries = {"LD_LIBRARY_PATH": debian.library_path(prefix)}
        return found

    def _hand_over_directory(self) -> None:
        if os.geteuid() == 0:
            owner = pwd.getpwnam(UNPRIVILEGED)
            for path in (self.directory, self.directory / "password"):
                os.chown(path, owner.pw_uid, owner.pw_gid)

    def _create_reader(self) -> None:
        self.execute(f"CREATE ROLE {READER} LOGIN PASSWORD '{self.reader_password}'")

    def _create_database(self, name: str) -> None:
        self.execute(f"CREATE DATABASE {name}")
        self.execute(f"ALTER DEFAULT PRIVILEGES GRANT SELECT ON TABLES TO {READER}", database=name)


def _newest(versions: Path) -> Path | None:
    """The programs of the newest PostgreSQL below a directory that holds one directory a version."""
    found = [path.parent for path in versions.glob("*/bin/initdb")]
    return max(found, key=lambda path: float(path.parent.name), default=None)
