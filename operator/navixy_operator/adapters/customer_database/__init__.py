"""The customer database through SQLAlchemy, read only.

``sql`` holds the default query and the schema it fits, ``source`` reads the URL, ``dialects`` knows what each database
calls a read-only snapshot, ``faults`` turns a driver's errors into ours, ``reading`` streams the rows in a thread,
``lookup`` those of some customers by a ``condition``, and ``adapter`` bounds all that in time.
"""

from navixy_operator.adapters.customer_database.adapter import SqlCustomerDatabase
from navixy_operator.adapters.customer_database.sql import (
    DEFAULT_QUERY,
    OPTIONAL_COLUMNS,
    REQUIRED_COLUMNS,
    SAMPLE_SCHEMA,
)

__all__ = ["DEFAULT_QUERY", "OPTIONAL_COLUMNS", "REQUIRED_COLUMNS", "SAMPLE_SCHEMA", "SqlCustomerDatabase"]
