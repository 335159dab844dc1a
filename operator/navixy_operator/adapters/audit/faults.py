"""What went wrong with the audit trail's database, and how to mend it; never with a URL or the value of a row."""

import re
from typing import Final

from navixy_operator.adapters.audit.source import Source
from navixy_operator.adapters.sql.symptoms import Symptom, refuses_options, symptom
from navixy_operator.errors import AuditUnavailable, AuditUrlInvalid, OperatorError

# the codes as `Symptom.code` has them: PostgreSQL's SQLSTATE, SQLite's names
REMEDIES: Final = (
    (r"SQLSTATE 53100|SQLITE_FULL", "the disk is full: make room there"),
    (r"SQLSTATE 53", "the server is at its limits: see max_connections and its memory"),
    (r"SQLSTATE 25006|SQLITE_READONLY", "it is read only: name the primary server, or a file that may be written"),
    (
        r"SQLSTATE (42P01|42703|3F000)|SQLITE_ERROR",
        "it has not the tables of this version: the operator makes them when it starts",
    ),
    (
        r"SQLSTATE 42501|SQLITE_(PERM|AUTH)",
        "a right is missing: the operator needs CREATE in the schema, a reader SELECT",
    ),
    (r"SQLSTATE (55P03|57014)|SQLITE_(BUSY|LOCKED)", "something keeps it busy: look for long transactions and locks"),
    (r"SQLSTATE 3D000", "there is no such database: create it"),
    (r"SQLITE_CANTOPEN", "the file cannot be opened: the operator makes it when it starts; check its path and rights"),
    (r"SQLITE_CORRUPT|SQLSTATE XX00[12]", "its data are damaged: restore it from a backup"),
)
CHECK: Final = "check that it runs and can be reached"


def explain(error: Exception, source: Source, *, connecting: bool) -> OperatorError:
    """The error to raise for a driver's. Raise it outside of the handler of ``error``, whose text may hold secrets."""
    found = symptom(error, backend=source.backend, safe=source.safe)
    if found.not_a_database:
        return AuditUrlInvalid(f"The audit database's URL names no SQLite database: {source.place} ({found.code})")
    if connecting and refuses_options(error):
        options = ", ".join(sorted(source.url.query)) or "none"
        told = f"({found.code}); the options in it are: {options}"
        return AuditUrlInvalid(f"The driver {source.url.drivername} cannot use the audit database's URL {told}")
    if found.login:
        return AuditUnavailable(
            f"The audit trail's {source.place} refused to log in {source.user}: {found.shown}. "
            "Check user, password and rights in AUDIT_DATABASE_URL"
        )
    return AuditUnavailable(f"The audit trail's {source.place} does not serve: {found.shown}. {_remedy(found)}")


def silent(source: Source, seconds: float) -> AuditUnavailable:
    """It did not answer in time."""
    return AuditUnavailable(f"The audit trail's {source.place} did not answer within {seconds:g} s: {CHECK}")


def _remedy(found: Symptom) -> str:
    remedy = next((words for pattern, words in REMEDIES if re.match(pattern, found.code)), CHECK)
    return f"{remedy[0].upper()}{remedy[1:]}"
