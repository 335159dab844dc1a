"""A driver's error as a symptom: by SQLSTATE, error number or SQLite's error name, never by its text.

The text of a database is shown only for codes whose text speaks of tables, rights and connections; where it could
quote a value (a failed cast, a constraint, a procedure's own words), only the code is.
"""

import re
import sqlite3
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from sqlalchemy.exc import DBAPIError, InterfaceError, OperationalError

Safe = Callable[[str], str]
"""Makes a text fit to be shown; see :func:`navixy_operator.adapters.sql.url.safe`."""

MYSQL: Final = frozenset({"mysql", "mariadb"})
# SQLSTATE classes and codes: connection, login, rollback by the server, resources, operator, system, lock timeout
POSTGRESQL_AWAY: Final = re.compile(r"08|28|40|53|57|58|55P03|25P03|72000")
POSTGRESQL_TALKS: Final = re.compile(r"08|0A|25|28|3D|3F|40|42|53|55|57|58")
POSTGRESQL_LOGIN: Final = re.compile(r"28")
# connections, logins, network, locks, interrupted, out of time; 2000 and up: the client's own
MYSQL_AWAY: Final = frozenset({
    1040, 1042, 1043, 1044, 1045, 1049, 1053, 1077, 1079, 1080, 1129, 1130, 1152, 1153, 1154, 1155, 1156, 1157, 1158,
    1159, 1160, 1161, 1184, 1203, 1205, 1213, 1226, 1317, 1698, 1927, 1969, 3024, 4031,
})  # fmt: skip
MYSQL_CLIENT: Final = range(2000, 3000)
# no such table, column, function or database; not allowed; syntax; ambiguous; a broken view; read-only
MYSQL_TALKS: Final = MYSQL_AWAY | {
    1046, 1051, 1052, 1054, 1064, 1065, 1066, 1109, 1142, 1143, 1146, 1227, 1290, 1305, 1356, 1370, 1792, 1836,
}  # fmt: skip
MYSQL_LOGIN: Final = frozenset({1044, 1045, 1698})
SQLITE_AWAY: Final = re.compile(r"SQLITE_(CANTOPEN|BUSY|LOCKED|IOERR|INTERRUPT|NOMEM|FULL|PROTOCOL|PERM)")
SQLITE_NO_DATABASE: Final = "SQLITE_NOTADB"
QUOTED: Final = re.compile(r"""['"].*['"]""", re.DOTALL)
SHORT_CODE: Final = re.compile(r"[0-9A-Z]{5}")


@dataclass(frozen=True, slots=True)
class Symptom:
    """What a driver's error tells: a code to show, a text to show, what it means."""

    code: str
    text: str = ""
    away: bool = False
    login: bool = False
    not_a_database: bool = False

    @property
    def shown(self) -> str:
        """The text and the code, as the end of a sentence."""
        return f"{self.text} ({self.code})" if self.text else self.code


def refuses_options(error: Exception) -> bool:
    """Whether a driver found an option of the URL wrong before it talked to anyone."""
    cause = _cause(error)
    if isinstance(cause, TypeError | ValueError | LookupError):
        return True
    # psycopg's word for an option that libpq does not know; a server's own errors have a SQLSTATE
    return _is_psycopg(cause) and type(cause).__name__ == "ProgrammingError" and _sqlstate(cause) is None


def _cause(error: Exception) -> BaseException:
    return error.orig if isinstance(error, DBAPIError) and error.orig is not None else error


def symptom(error: Exception, *, backend: str, safe: Safe) -> Symptom:
    """What a driver's error tells. ``backend``: the dialect's name."""
    cause = _cause(error)
    if isinstance(cause, sqlite3.Error | sqlite3.Warning):
        return _of_sqlite(cause, safe)
    number = cause.args[0] if cause.args else None
    if backend in MYSQL and isinstance(number, int) and not isinstance(cause, OSError):
        return _of_mysql(number, cause, safe)
    if (state := _sqlstate(cause)) is not None:
        return _of_sqlstate(state, cause, safe)
    if _is_psycopg(cause):
        return _of_psycopg(cause, error, safe)
    return _of_unknown(cause, error, safe)


def _of_sqlite(cause: BaseException, safe: Safe) -> Symptom:
    name = str(getattr(cause, "sqlite_errorname", None) or type(cause).__name__)
    return Symptom(
        code=name,
        # its functions quote the values that they cannot take, under the same code as a table that does not exist
        text=safe(QUOTED.sub("…", str(cause))),
        away=SQLITE_AWAY.match(name) is not None,
        not_a_database=name == SQLITE_NO_DATABASE,
    )


def _is_psycopg(cause: BaseException) -> bool:
    return type(cause).__module__.partition(".")[0] == "psycopg"


def _sqlstate(cause: BaseException) -> str | None:
    """The code that a PostgreSQL server gave (psycopg; psycopg2 calls it ``pgcode``)."""
    state = getattr(cause, "sqlstate", None) or getattr(cause, "pgcode", None)
    return state if isinstance(state, str) else None


def _of_sqlstate(state: str, cause: BaseException, safe: Safe) -> Symptom:
    primary = getattr(getattr(cause, "diag", None), "message_primary", None) or ""
    return Symptom(
        code=f"SQLSTATE {state}",
        text=safe(primary) if POSTGRESQL_TALKS.match(state) else "",
        away=POSTGRESQL_AWAY.match(state) is not None,
        login=POSTGRESQL_LOGIN.match(state) is not None,
    )


def _of_psycopg(cause: BaseException, error: Exception, safe: Safe) -> Symptom:
    """An error without SQLSTATE: libpq's own, or one at login, for which libpq hands out no code.

    At login it tells whether a password was asked for, which nobody does who would let the user in without.
    """
    login = getattr(cause, "pgconn", None)
    refused = bool(getattr(login, "used_password", False) or getattr(login, "needs_password", False))
    # the first line only: the next ones tell of further tries, with advice; and of it what follows the address
    line = (str(cause).splitlines() or [""])[0].rpartition(" failed: ")[2].rpartition("FATAL:")[2]
    away = isinstance(error, OperationalError | InterfaceError)
    # anything but a lost connection is about a value that could not be read, and may quote it
    return Symptom(
        code=type(cause).__name__,
        text=safe(line) if away else "",
        away=away,
        login=refused and _never_connected(cause),
    )


def _never_connected(cause: BaseException) -> bool:
    """Whether psycopg gave up on the connection while it was made: the remains carry no transaction."""
    return type(getattr(cause, "pgconn", None)).__name__ == "FinishedPGconn"


def _of_mysql(number: int, cause: BaseException, safe: Safe) -> Symptom:
    text = str(cause.args[1]) if len(cause.args) > 1 else ""
    talks = number in MYSQL_TALKS or number in MYSQL_CLIENT
    return Symptom(
        code=f"error {number}",
        text=safe(text) if talks else "",
        away=number in MYSQL_AWAY or number in MYSQL_CLIENT,
        login=number in MYSQL_LOGIN,
    )


def _of_unknown(cause: BaseException, error: Exception, safe: Safe) -> Symptom:
    """A database or failure that we have no table of codes for: its kind decides, and its text is not trusted."""
    if isinstance(cause, OSError):
        return Symptom(code=type(cause).__name__, text=safe(cause.strerror or ""), away=True)
    first = cause.args[0] if cause.args else ""
    code = getattr(first, "full_code", first)  # oracledb
    told = f" {code}" if isinstance(code, str) and SHORT_CODE.fullmatch(code) else ""
    away = isinstance(error, OperationalError | InterfaceError)
    return Symptom(code=f"{type(cause).__name__}{told}", away=away)
