"""The database URL, read: what to connect to, how to name it to a person, and what must never be shown."""

from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from navixy_operator.adapters.sql.url import MEMORY, Source, has_bare_at_sign, parsed, place_of, secrets_of
from navixy_operator.errors import DatabaseUrlInvalid

EXAMPLE: Final = "postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE"
# `mysql://` alone would ask for a driver that needs a compiler; this one comes with the operator
DEFAULT_DRIVERS: Final = {"mysql": "mysql+pymysql", "mariadb": "mariadb+pymysql"}


def parse(raw: str) -> Source:
    """Read a database URL.

    Raises:
        DatabaseUrlInvalid: empty, not a URL, a password whose special characters are not percent-encoded.
    """
    raw = raw.strip()
    if not raw:
        message = f"The database URL is empty; it must look like {EXAMPLE}"
        raise DatabaseUrlInvalid(message)
    url = parsed(raw)
    if url is None:
        message = f"The database URL cannot be read; it must look like {EXAMPLE}, with a number as the port"
        raise DatabaseUrlInvalid(message)
    if url.get_backend_name() == "sqlite":
        return Source(_read_only_file(url), (), f"file {url.database}")
    if has_bare_at_sign(raw, url):
        message = "The database URL has more than one '@': percent-encode the user name and password (@ is %40)"
        raise DatabaseUrlInvalid(message)
    url = url.set(drivername=DEFAULT_DRIVERS.get(url.drivername, url.drivername))
    return Source(url, secrets_of(raw, url), place_of(url))


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
