"""The audit trail's database, SQLite or PostgreSQL through SQLAlchemy, and the spool of what cannot be stored for now.

``schema`` has the tables and says how they are meant, ``migrations`` the steps that make them; ``preparing`` takes
them under a lock. ``source`` reads the URL, ``engines`` knows each database's settings, ``faults`` puts a driver's
errors into words, ``lane`` bounds a call in time. ``rows`` turns entries into rows and back; ``writing``, ``reading``
and ``paging`` (with ``cursor``) are what is done in a transaction, and ``store`` is the port. ``spool``, with its
``lines`` and ``files``, is a port of its own.
"""

from navixy_operator.adapters.audit.store import SqlAuditStore

__all__ = ["SqlAuditStore"]
