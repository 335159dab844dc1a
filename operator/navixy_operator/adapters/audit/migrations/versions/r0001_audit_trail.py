"""The audit trail: scopes, runs, series, events, what is left of purged ones, and the view for people."""

from typing import Final

import sqlalchemy as sa
from alembic import op

revision: Final = "0001"
down_revision: Final = None

MOMENT: Final = sa.DateTime(timezone=True).with_variant(sa.BigInteger(), "sqlite")
EXACT: Final = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
VIEW: Final = """\
CREATE VIEW audit_trail AS
SELECT {at} AS at, s.event, e.status, e.customer, NULLIF(s.discrepancy, '') AS discrepancy, s.origin,
       c.namespace, c.sync, r.name AS cycle, r.kind, r.run_id, e.seq, e.details, e.digest
FROM audit_events e
JOIN audit_series s ON s.id = e.series
JOIN audit_runs r ON r.id = e.run
JOIN audit_scopes c ON c.id = r.scope_id
"""
AT: Final = {
    "postgresql": "e.at",
    "sqlite": "strftime('%Y-%m-%dT%H:%M:%S', e.at / 1000000, 'unixepoch') || printf('.%06dZ', e.at % 1000000)",
}


def upgrade() -> None:
    """Make everything. There is no way back: it would end in the loss of what is kept for ever."""
    _names()
    op.create_table(
        "audit_events",
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("audit_runs.id", name="fk_audit_events_run"), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column(
            "series", sa.Integer, sa.ForeignKey("audit_series.id", name="fk_audit_events_series"), nullable=False
        ),
        sa.Column("status", sa.Text, nullable=False),
        sa.Column("customer", EXACT),
        sa.Column("customer_whole", EXACT),
        sa.Column("details", EXACT, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_audit_events"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_audit_events_series", "audit_events", ["series", "at", "run", "seq"])
    op.create_index(
        "ix_audit_events_customer",
        "audit_events",
        ["customer", "series", "at", "run", "seq"],
        postgresql_where=sa.text("customer IS NOT NULL"),
        sqlite_where=sa.text("customer IS NOT NULL"),
    )
    op.create_table(
        "audit_purged",
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("run", sa.Integer, sa.ForeignKey("audit_runs.id", name="fk_audit_purged_run"), nullable=False),
        sa.Column("seq", sa.Integer, nullable=False),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("content", sa.String(64), nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.PrimaryKeyConstraint("run", "seq", name="pk_audit_purged"),
        sqlite_with_rowid=False,
    )
    op.execute(VIEW.format(at=AT[op.get_bind().dialect.name]))


def _names() -> None:
    """What repeats."""
    op.create_table(
        "audit_scopes",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("namespace", sa.Text, nullable=False),
        sa.Column("sync", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_scopes"),
        sa.UniqueConstraint("namespace", "sync", name="uq_audit_scopes_namespace"),
    )
    op.create_table(
        "audit_runs",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column("run_id", sa.String(32), nullable=False),
        sa.Column(
            "scope_id", sa.Integer, sa.ForeignKey("audit_scopes.id", name="fk_audit_runs_scope_id"), nullable=False
        ),
        sa.Column("kind", sa.Text, nullable=False),
        sa.Column("name", sa.Text, nullable=False),
        sa.Column("began", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_runs"),
        sa.UniqueConstraint("run_id", name="uq_audit_runs_run_id"),
    )
    op.create_index("ix_audit_runs_name", "audit_runs", ["scope_id", "name", "id"])
    op.create_table(
        "audit_series",
        sa.Column("id", sa.Integer, nullable=False),
        sa.Column(
            "scope_id", sa.Integer, sa.ForeignKey("audit_scopes.id", name="fk_audit_series_scope_id"), nullable=False
        ),
        sa.Column("event", sa.Text, nullable=False),
        sa.Column("discrepancy", sa.Text, nullable=False),
        sa.Column("origin", sa.Text, nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_audit_series"),
        sa.UniqueConstraint("scope_id", "event", "discrepancy", "origin", name="uq_audit_series_scope_id"),
    )
