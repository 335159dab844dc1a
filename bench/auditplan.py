"""The plan that a database chose for a page, in a line."""

import re
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, Final

from sqlalchemy import Connection, Engine, event

Statement = tuple[str, Any]
_COLUMNS: Final = re.compile(r"\b(customer|series|at|run|seq)\b")
_ALIAS: Final = re.compile(r" audit_events_\d+")


@contextmanager
def recorded(engine: Engine) -> Iterator[list[Statement]]:
    """The statements that run meanwhile."""
    found: list[Statement] = []

    def hear(_connection: object, _cursor: object, statement: str, parameters: Any, *_: object) -> None:
        found.append((statement, parameters))

    event.listen(engine, "before_cursor_execute", hear)
    try:
        yield found
    finally:
        event.remove(engine, "before_cursor_execute", hear)


def plan_of(connection: Connection, statements: Sequence[Statement]) -> str:
    """The plans of those statements that read entries; in words where there are none."""
    told = [
        _sqlite(connection, *one) if connection.dialect.name == "sqlite" else _postgresql(connection, *one)
        for one in statements
        if "FROM audit_events" in one[0]
    ]
    return "; ".join(dict.fromkeys(told)) or "no series or run fits: no entry is looked at"


def _sqlite(connection: Connection, statement: str, parameters: Any) -> str:
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", parameters).all()
    lines = Counter(_ALIAS.sub("", row.detail) for row in rows if row.detail not in {"LEFT", "RIGHT", "COMPOUND QUERY"})
    return ", ".join(line if count == 1 else f"{count} x {line}" for line, count in lines.items())


def _postgresql(connection: Connection, statement: str, parameters: Any) -> str:
    plan = connection.exec_driver_sql(f"EXPLAIN (FORMAT JSON) {statement}", parameters).scalar_one()
    lines = Counter(_nodes(plan[0]["Plan"]))
    return ", ".join(line if count == 1 else f"{count} x {line}" for line, count in lines.items() if line != "Limit")


def _nodes(plan: Mapping[str, Any]) -> Iterator[str]:
    where = plan.get("Index Name") or plan.get("Relation Name")
    condition = f" {_condition(plan['Index Cond'])}" if "Index Cond" in plan else ""
    yield f"{plan['Node Type']}{f' {where}' if where else ''}{condition}"
    for inner in plan.get("Plans", ()):
        yield from _nodes(inner)


def _condition(told: str) -> str:
    """Which columns, not which values."""
    return f"({', '.join(dict.fromkeys(_COLUMNS.findall(told)))})"
