"""The tables of the audit trail (design section 5).

An entry is a row of ``audit_events``. What repeats is told once and numbered: the run it is of (``audit_runs``), the
NavixySync of that (``audit_scopes``), and its series (``audit_series``): every combination of scope, event, discrepancy
and origin that ever occurred, some dozens for a NavixySync. In one series entries lie in the order of time, so that one
index serves every question by event, discrepancy and origin, and all of them together: the answer is the merge of some
series, and of none at once where the combination never occurred. ``audit_purged`` keeps the place in the chain of
entries that are no longer kept. The view ``audit_trail`` shows entries as one wide table, for people and dashboards.
"""

import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from sqlalchemy import (
    BigInteger,
    Column,
    DateTime,
    Dialect,
    ForeignKey,
    Index,
    Integer,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.types import TypeEngine

EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND: Final = timedelta(microseconds=1)
ESCAPE: Final = "\x1a"
_UNSTORABLE: Final = re.compile("[\x00\x1a\ud800-\udfff]")
"""What PostgreSQL (NUL) or UTF-8 (half of a surrogate pair) cannot hold, and the escape itself."""
_ESCAPED: Final = re.compile(f"{ESCAPE}([0-9a-f]{{4}})")
NO_DISCREPANCY: Final = ""
VERSION_TABLE: Final = "audit_schema_version"
"""Alembic's; not its default name, as the database may be another application's, too."""


class Moment(TypeDecorator[datetime]):
    """A moment to the microsecond, in UTC: ``timestamptz``; in SQLite an integer, microseconds since 1970."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """SQLite has no type for it; the shortest that sorts is a number."""
        return BigInteger() if dialect.name == "sqlite" else DateTime(timezone=True)

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> object:
        """To the database."""
        if value is None or dialect.name != "sqlite":
            return value
        return (value - EPOCH) // MICROSECOND

    def process_result_value(self, value: object, dialect: Dialect) -> datetime | None:  # noqa: ARG002 - its signature
        """From the database; a server may answer in the time zone of its session."""
        if isinstance(value, int):
            return EPOCH + value * MICROSECOND
        return value.astimezone(UTC) if isinstance(value, datetime) else None


class Exact(TypeDecorator[str]):
    """Any text of Python, exactly as it was: what a database cannot hold is escaped on the way."""

    impl = Text
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        """PostgreSQL's order of bytes: its cheapest, and the same on every server."""
        return Text(collation="C") if dialect.name == "postgresql" else Text()

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - its signature
        """To the database."""
        return None if value is None else escaped(value)

    def process_result_value(self, value: str | None, dialect: Dialect) -> str | None:  # noqa: ARG002 - as above
        """From the database."""
        if value is None or ESCAPE not in value:
            return value
        return _ESCAPED.sub(lambda found: chr(int(found[1], 16)), value)


def escaped(text: str) -> str:
    """A text that every database can hold."""
    return _UNSTORABLE.sub(lambda found: f"{ESCAPE}{ord(found[0]):04x}", text)


METADATA: Final = MetaData(
    naming_convention={
        "pk": "pk_%(table_name)s",
        "fk": "fk_%(table_name)s_%(column_0_name)s",
        "uq": "uq_%(table_name)s_%(column_0_name)s",
    }
)

SCOPES: Final = Table(
    "audit_scopes",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("namespace", Text, nullable=False),
    Column("sync", Text, nullable=False),
    UniqueConstraint("namespace", "sync"),
)

RUNS: Final = Table(
    "audit_runs",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("run_id", String(32), nullable=False),
    Column("scope_id", ForeignKey(SCOPES.c.id), nullable=False),
    Column("kind", Text, nullable=False),
    Column("name", Text, nullable=False),
    # when its first entry was told: only to choose runs by
    Column("began", Moment, nullable=False),
    UniqueConstraint("run_id"),
    Index("ix_audit_runs_name", "scope_id", "name", "id"),
)

SERIES: Final = Table(
    "audit_series",
    METADATA,
    Column("id", Integer, primary_key=True),
    Column("scope_id", ForeignKey(SCOPES.c.id), nullable=False),
    Column("event", Text, nullable=False),
    # NO_DISCREPANCY rather than NULL: of NULLs a unique constraint lets several through
    Column("discrepancy", Text, nullable=False),
    Column("origin", Text, nullable=False),
    UniqueConstraint("scope_id", "event", "discrepancy", "origin"),
)

EVENTS: Final = Table(
    "audit_events",
    METADATA,
    Column("at", Moment, nullable=False),
    Column("run", ForeignKey(RUNS.c.id), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("series", ForeignKey(SERIES.c.id), nullable=False),
    Column("status", Text, nullable=False),
    Column("customer", Exact),
    # of a reference that is too long for an index all of it; `customer` has its beginning and a digest then
    Column("customer_whole", Exact),
    Column("details", Exact, nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("run", "seq"),
    Index("ix_audit_events_series", "series", "at", "run", "seq"),
    sqlite_with_rowid=False,
)
Index(
    "ix_audit_events_customer",
    EVENTS.c.customer,
    EVENTS.c.series,
    EVENTS.c.at,
    EVENTS.c.run,
    EVENTS.c.seq,
    postgresql_where=EVENTS.c.customer.is_not(None),
    sqlite_where=EVENTS.c.customer.is_not(None),
)

PURGED: Final = Table(
    "audit_purged",
    METADATA,
    Column("at", Moment, nullable=False),
    Column("run", ForeignKey(RUNS.c.id), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("event", Text, nullable=False),
    Column("content", String(64), nullable=False),
    Column("digest", String(64), nullable=False),
    PrimaryKeyConstraint("run", "seq"),
    sqlite_with_rowid=False,
)
