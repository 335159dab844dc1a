"""The database URL, read: what to connect to, how to name it to a person, and what must never be shown."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError

from navixy_operator.errors import DatabaseUrlInvalid

MAX_TEXT: Final = 300
EXAMPLE: Final = "postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE"
# `mysql://` alone would ask for a driver that needs a compiler; this one comes with the operator
DEFAULT_DRIVERS: Final = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}
MEMORY: Final = frozenset({None, "", ":memory:"})
SECRET_NAME: Final = re.compile(r"pass|pwd|secret|token|odbc_connect", re.IGNORECASE)
HASH_LIKE: Final = re.compile(r"[0-9a-fA-F]{32,}")


@dataclass(frozen=True, slots=True)
class Source:
    """A database URL that parses. Its representation holds no password."""

    url: URL = field(repr=False)
    secrets: tuple[str, ...] = field(repr=False)
    place: str

    @property
    def backend(self) -> str:
        """The dialect's name: ``postgresql``, ``mysql``, ``mariadb``, ``sqlite`` or another one."""
        return self.url.get_backend_name()

    @property
    def user(self) -> str:
        """Whom the URL logs in, as a person is told."""
        return f"user {self.url.username!r}" if self.url.username else "the default user"

    def safe(self, text: str) -> str:
        """One line of ``text`` without anything like a hash, cut to 300 characters; nothing if it holds a password."""
        if any(secret in text for secret in self.secrets):
            return ""
        line = " ".join(text.split())
        return HASH_LIKE.sub("…", line)[:MAX_TEXT]


def parse(raw: str) -> Source:
    """Read a database URL.

    Raises:
        DatabaseUrlInvalid: empty, not a URL, a password whose special characters are not percent-encoded.
    """
    raw = raw.strip()
    if not raw:
        message = f"The database URL is empty; it must look like {EXAMPLE}"
        raise DatabaseUrlInvalid(message)
    url = _parsed(raw)
    if url is None:
        message = f"The database URL cannot be read; it must look like {EXAMPLE}, with a number as the port"
        raise DatabaseUrlInvalid(message)
    if url.get_backend_name() == "sqlite":
        return Source(_read_only_file(url), (), f"file {url.database}")
    if _has_bare_at_sign(raw, url):
        # parts of such a password would count as the host, and be shown
        message = "The database URL has more than one '@': percent-encode the user name and password (@ is %40)"
        raise DatabaseUrlInvalid(message)
    url = url.set(drivername=DEFAULT_DRIVERS.get(url.drivername, url.drivername))
    return Source(url, _secrets(raw, url), _place(url))


def _parsed(raw: str) -> URL | None:
    try:
        return make_url(raw)
    except (ArgumentError, ValueError):  # the texts of these quote the URL
        return None


def _has_bare_at_sign(raw: str, url: URL) -> bool:
    before_options = raw.partition("://")[2].partition("?")[0]
    return before_options.count("@") > 1 or "@" in (url.host or "")


def _secrets(raw: str, url: URL) -> tuple[str, ...]:
    found = {str(url.password or "")}
    # the same password as it is written in the URL, where it may be percent-encoded
    found.add(raw.partition("://")[2].rpartition("@")[0].partition(":")[2])
    for name, value in url.query.items():
        if SECRET_NAME.search(name):
            found.update((value,) if isinstance(value, str) else value)
    return tuple(sorted(found - {""}))


def _place(url: URL) -> str:
    query_host = url.query.get("host", "")
    host = url.host or (query_host if isinstance(query_host, str) else ",".join(query_host)) or "localhost"
    port = f":{url.port}" if url.port else ""
    return f"{url.database!r} at {host}{port}" if url.database else f"at {host}{port}"


def _read_only_file(url: URL) -> URL:
    """The same SQLite file opened read-only, so that a file that is missing is not made."""
    database = url.database
    if database in MEMORY or database is None:
        message = "The database URL names no SQLite file; it must look like sqlite:////absolute/path/to/customers.db"
        raise DatabaseUrlInvalid(message)
    if not database.startswith("file:"):
        database = Path(database).absolute().as_uri()
    # a URI's own options (cache, immutable) stay; the mode does not
    return url.set(database=database).update_query_dict({"mode": "ro", "uri": "true"})
