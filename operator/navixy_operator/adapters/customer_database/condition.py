"""The condition that narrows any query to some customers, in SQL; it may let others through, never leave one out.

A reference is compared as the core reads it: as text, without spaces around. Where SQL cannot say the same, the
condition is wider than that, and who does not belong is dropped afterwards.
"""

from collections.abc import Mapping, Sequence
from typing import Final

from sqlalchemy import TextClause, bindparam, text

# what Python's str.strip() takes for space; SQL's own TRIM knows the plain one alone
BLANKS: Final = (
    "\t\n\v\f\r\x1c\x1d\x1e\x1f \x85\xa0\u1680\u2000\u2001\u2002\u2003\u2004\u2005\u2006\u2007\u2008\u2009\u200a"
    "\u2028\u2029\u202f\u205f\u3000"
)
# MySQL trims one word, not a set of characters; and its ZEROFILL numbers are text with zeros in front
_MYSQL_TEXT: Final = "TRIM(CAST(customer_ref AS CHAR))"
_MYSQL: Final = (
    f"TRIM(LEADING '0' FROM {_MYSQL_TEXT}) IN :bare_refs"
    f" OR LEFT({_MYSQL_TEXT}, 1) IN :odd_blanks OR RIGHT({_MYSQL_TEXT}, 1) IN :odd_blanks"
)
CONDITIONS: Final[Mapping[str, str]] = {
    "postgresql": "BTRIM(CAST(customer_ref AS TEXT), :blanks) IN :refs",
    # its floating numbers read otherwise as text than Python's
    "sqlite": "TRIM(CAST(customer_ref AS TEXT), :blanks) IN :refs OR TYPEOF(customer_ref) = 'real'",
    "mysql": _MYSQL,
    "mariadb": _MYSQL,
}
# type codes of the drivers: integers, fixed-point numbers, text, on MySQL also bytes; PostgreSQL's UUIDs
_MYSQL_COMPARED: Final = frozenset({0, 1, 2, 3, 8, 9, 15, 246, 247, 249, 250, 251, 252, 253, 254})
COMPARED: Final[Mapping[str, frozenset[int]]] = {
    "postgresql": frozenset({20, 21, 23, 25, 1042, 1043, 1700, 2950}),
    "mysql": _MYSQL_COMPARED,
    "mariadb": _MYSQL_COMPARED,
}


def narrowed(query: str, backend: str, refs: Sequence[str]) -> TextClause:
    """The query as a derived table, with the condition of this database and its values bound."""
    condition = CONDITIONS[backend]
    # the new line ends a comment that the query may end with
    statement = f"SELECT * FROM (\n{_escaped(query)}\n) AS navixy_wanted WHERE {condition}"  # noqa: S608 - the owner's query
    values: dict[str, str | Sequence[str]] = {
        "refs": refs,
        "bare_refs": list({ref.lstrip("0") for ref in refs}),
        "blanks": BLANKS,
        "odd_blanks": list(BLANKS.replace(" ", "")),
    }
    used = {name: value for name, value in values.items() if f":{name}" in condition}
    return text(statement).bindparams(
        *(bindparam(name, value, expanding=not isinstance(value, str)) for name, value in used.items())
    )


def compared(backend: str, type_code: object) -> bool:
    """Whether columns of this type are the same text in SQL as in Python; SQLite has no types of columns."""
    return backend not in COMPARED or type_code in COMPARED[backend]


def _escaped(query: str) -> str:
    """So that a colon is no parameter; the percent signs are SQLAlchemy's own care."""
    return query.rstrip("; \t\r\n\v\f").replace(":", r"\:")
