"""A driver's error as one of ours: what it means is told by its code (``adapters.sql.symptoms``), never by its text."""

from enum import Enum, auto

from navixy_operator.adapters.sql.symptoms import Symptom, refuses_options, symptom
from navixy_operator.adapters.sql.url import Source
from navixy_operator.errors import DatabaseQueryFailed, DatabaseUnavailable, DatabaseUrlInvalid, OperatorError


class Phase(Enum):
    """How far a read had come."""

    CONNECTING = auto()
    READING = auto()


def explain(error: Exception, source: Source, phase: Phase, *, own_query: bool) -> OperatorError:
    """The error to raise for ``error``, its text free of secrets. Raise it outside of the handler of ``error``."""
    found = symptom(error, backend=source.backend, safe=source.safe)
    if found.not_a_database:
        return DatabaseUrlInvalid(f"The database URL names no SQLite database: {source.place} ({found.code})")
    if phase is Phase.CONNECTING and refuses_options(error):
        options = ", ".join(sorted(source.url.query)) or "none"
        told = f"({found.code}); the options in it are: {options}"
        return DatabaseUrlInvalid(f"The driver {source.url.drivername} cannot use the database URL {told}")
    if found.login:
        return DatabaseUnavailable(
            f"The customer database {source.place} refused to log in {source.user}: {found.shown}. "
            "Check user, password and rights in the Secret of the database URL"
        )
    if phase is Phase.CONNECTING:
        return DatabaseUnavailable(f"The customer database {source.place} cannot be reached: {found.shown}")
    if found.away:
        return DatabaseUnavailable(f"The customer database {source.place} broke off the query: {found.shown}")
    return DatabaseQueryFailed(_query_message(found, source, own_query=own_query))


def _query_message(found: Symptom, source: Source, *, own_query: bool) -> str:
    which = "The query in spec.database.query" if own_query else "The default query"
    remedy = (
        "It must be one SELECT; try it by hand as the same user"
        if own_query
        else "It needs the tables customers, customer_providers and gateways: set spec.database.query to fit your own"
    )
    return f"{which} failed on the customer database {source.place}: {found.shown}. {remedy}"
