"""The URL of the audit trail's database, read: SQLite or PostgreSQL, and what of it must never be shown."""

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from sqlalchemy.engine import URL

from navixy_operator.adapters.sql.url import MEMORY, has_bare_at_sign, parsed, place_of, secrets_of
from navixy_operator.adapters.sql.url import Source as UsableUrl
from navixy_operator.errors import AuditUrlInvalid

POSTGRESQL: Final = "postgresql+psycopg"
SQLITE: Final = "sqlite"
# a URL without a driver asks for SQLAlchemy's default one, which for PostgreSQL has changed over time
DRIVERS: Final = {"postgresql": POSTGRESQL, POSTGRESQL: POSTGRESQL, "sqlite": SQLITE, "sqlite+pysqlite": SQLITE}
ALLOWED: Final = "sqlite:////absolute/path/to/audit.db or postgresql+psycopg://USER:PASSWORD@HOST:5432/DATABASE"


@dataclass(frozen=True, slots=True)
class Source(UsableUrl):
    """A usable URL. ``file``: SQLite's; None for PostgreSQL."""

    file: Path | None = None


def parse(raw: str) -> Source:
    """Read the URL.

    Raises:
        AuditUrlInvalid: empty, not a URL, of another database, no file, a password that is not percent-encoded.
    """
    raw = raw.strip()
    url = parsed(raw) if raw else None
    if url is None or url.drivername not in DRIVERS:
        # what cannot be read is not quoted: it may be a password in the wrong place
        which = "is empty" if not raw else "cannot be read" if url is None else f"names a {url.drivername!r}"
        message = f"The audit database's URL {which}; it must look like {ALLOWED}"
        raise AuditUrlInvalid(message)
    url = url.set(drivername=DRIVERS[url.drivername])
    if url.drivername == SQLITE:
        return _file(url)
    if has_bare_at_sign(raw, url):
        message = "The audit database's URL has more than one '@': percent-encode user name and password (@ is %40)"
        raise AuditUrlInvalid(message)
    return Source(url, secrets_of(raw, url), f"database {place_of(url)}")


def secrets_in(raw: str) -> tuple[str, ...]:
    """What must never be shown of a URL, be it usable or not; nothing of what is no URL at all. Raises nothing."""
    url = parsed(raw.strip())
    return () if url is None else secrets_of(raw.strip(), url)


def _file(url: URL) -> Source:
    """An existing file, opened by its absolute path: a reader never makes one that is missing."""
    if url.database is None or url.database in MEMORY or url.database.startswith("file:"):
        message = f"The audit database's URL names no file; it must look like {ALLOWED.partition(' or ')[0]}"
        raise AuditUrlInvalid(message)
    path = Path(url.database).expanduser().absolute()
    opened = url.set(database=path.as_uri()).update_query_dict({"mode": "rw", "uri": "true"})
    return Source(opened, (), f"file {path}", path)
