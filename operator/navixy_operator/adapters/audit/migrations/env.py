"""What Alembic runs: the steps, on the connection and in the transaction of ``preparing``."""

from alembic import context

from navixy_operator.adapters.audit.schema import METADATA, VERSION_TABLE

context.configure(
    connection=context.config.attributes["connection"], target_metadata=METADATA, version_table=VERSION_TABLE
)
context.run_migrations()
