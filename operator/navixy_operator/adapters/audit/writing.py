"""What is written, each in one transaction: entries, and what is left of those that are purged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

from sqlalchemy import Connection, Insert, Row, Table, bindparam, delete, select, tuple_
from sqlalchemy.dialects import postgresql, sqlite

from navixy_operator.adapters.audit.reading import entries_of
from navixy_operator.adapters.audit.rows import event_row, purged_row, run_row, series_of, series_row
from navixy_operator.adapters.audit.schema import EVENTS, PURGED, RUNS, SCOPES, SERIES
from navixy_operator.core.audit import PERISHABLE, Entry
from navixy_operator.core.fact import Run

AT_ONCE: Final = 1_000
"""Rows of a statement."""

Key = tuple[Any, ...]
Values = Mapping[str, object]


def append(connection: Connection, entries: Sequence[Entry]) -> None:
    """Store entries; those that are there already stay as they are."""
    for start in range(0, len(entries), AT_ONCE):
        _append(connection, entries[start : start + AT_ONCE])


def purge(connection: Connection, before: datetime, limit: int) -> int:
    """Delete perishable entries from before that moment, oldest first; their places in the chains stay."""
    count = 0
    for series in connection.scalars(select(SERIES.c.id).where(SERIES.c.event.in_(sorted(PERISHABLE)))).all():
        oldest = select(EVENTS).where(EVENTS.c.series == series, EVENTS.c.at < before).order_by(EVENTS.c.at)
        while rows := connection.execute(oldest.limit(min(AT_ONCE, limit - count))).all():
            _purge(connection, rows)
            count += len(rows)
    return count


def _append(connection: Connection, entries: Sequence[Entry]) -> None:
    scopes = _numbers(
        connection,
        SCOPES,
        {(run.namespace, run.sync): {"namespace": run.namespace, "sync": run.sync} for run in (e.run for e in entries)},
    )
    began: dict[Run, datetime] = {}
    for entry in entries:  # runs are numbered in the order in which they come
        began.setdefault(entry.run, entry.at)
    run_rows = (run_row(run, scopes[run.namespace, run.sync], at) for run, at in began.items())
    runs = _numbers(connection, RUNS, {(row["run_id"],): row for row in run_rows})
    keys = {(e.run.namespace, e.run.sync, series_of(e)) for e in entries}
    rows = {key: series_row(key[2], scopes[key[:2]]) for key in keys}
    series = _numbers(connection, SERIES, {tuple(row.values()): row for row in rows.values()})
    numbers = {key: series[tuple(row.values())] for key, row in rows.items()}
    events = [
        event_row(entry, runs[entry.run.id,], numbers[entry.run.namespace, entry.run.sync, series_of(entry)])
        for entry in entries
    ]
    connection.execute(_insert(connection, EVENTS), events)


def _purge(connection: Connection, rows: Sequence[Row[Any]]) -> None:
    found = entries_of(connection, rows)
    left = [purged_row(entry, row.run) for entry, row in zip(found, rows, strict=True)]
    connection.execute(_insert(connection, PURGED), left)
    # one by one: for a list of places SQLite would look at all entries
    one = delete(EVENTS).where(EVENTS.c.run == bindparam("of_run"), EVENTS.c.seq == bindparam("of_seq"))
    connection.execute(one, [{"of_run": row.run, "of_seq": row.seq} for row in rows])


def _numbers(connection: Connection, table: Table, wanted: Mapping[Key, Values]) -> dict[Key, int]:
    """The numbers of rows by the columns that make them what they are; those that are not there yet are made.

    Another process may make them at the same moment: whoever comes second waits for the first, and finds them.
    """
    found = _known(connection, table, wanted)
    if missing := [row for key, row in wanted.items() if key not in found]:
        connection.execute(_insert(connection, table), missing)
        found = _known(connection, table, wanted)
    return found


def _known(connection: Connection, table: Table, wanted: Mapping[Key, Values]) -> dict[Key, int]:
    width = len(next(iter(wanted)))
    names = list(next(iter(wanted.values())))[:width]
    columns = [table.c[name] for name in names]
    rows = connection.execute(select(*columns, table.c.id).where(tuple_(*columns).in_(list(wanted))))
    return {tuple(row[:width]): row.id for row in rows}


def _insert(connection: Connection, table: Table) -> Insert:
    """An insert that leaves alone what is there already."""
    if connection.dialect.name == "postgresql":
        return postgresql.insert(table).on_conflict_do_nothing()
    return sqlite.insert(table).on_conflict_do_nothing()
