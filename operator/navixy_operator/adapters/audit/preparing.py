"""Bringing the schema up to date, so that two processes which start at once do no harm."""

import threading
from pathlib import Path
from typing import Final

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Connection, func, select

from navixy_operator.adapters.audit import migrations
from navixy_operator.adapters.audit.schema import VERSION_TABLE
from navixy_operator.errors import AuditUnavailable

LOCK_SECONDS: Final = 40.0
"""How long one thread waits for another."""
LOCK: Final = 0x6E6176697879  # "navixy"
"""The key of PostgreSQL's advisory lock."""

# Alembic keeps what it works on in module variables
_one_at_once = threading.Lock()


def bring_up_to_date(connection: Connection) -> None:
    """Take the steps that are missing, in the transaction that has begun: all of them, or none.

    SQLite's transaction is the lock. Raises AuditUnavailable: the schema is of a newer version.
    """
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(Path(migrations.__file__).parent).replace("%", "%%"))
    script = ScriptDirectory.from_config(config)
    if _is_up_to_date(connection, script):
        return
    if connection.dialect.name == "postgresql":
        connection.execute(select(func.pg_advisory_xact_lock(LOCK)))
    if not _one_at_once.acquire(timeout=LOCK_SECONDS):
        message = "The audit trail's schema is being brought up to date by another thread, which does not end"
        raise AuditUnavailable(message)
    try:
        if not _is_up_to_date(connection, script):  # another process may have been first
            command.upgrade(config, "head")
    finally:
        _one_at_once.release()


def _is_up_to_date(connection: Connection, script: ScriptDirectory) -> bool:
    current = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE}).get_current_revision()
    if current is not None and current not in {step.revision for step in script.walk_revisions()}:
        message = f"The audit trail's schema (step {current}) is of a newer version of the operator: run that one"
        raise AuditUnavailable(message)
    return current == script.get_current_head()
