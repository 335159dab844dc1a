"""What is asked of the audit trail, each in one transaction: whole runs and their chains, scopes, rows to entries."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Final

from sqlalchemy import Connection, Row, Select, select

from navixy_operator.adapters.audit.rows import Series, entry_of, purged_of, run_of
from navixy_operator.adapters.audit.schema import EVENTS, NO_DISCREPANCY, PURGED, RUNS, SCOPES, SERIES
from navixy_operator.core.audit import Entry, Link
from navixy_operator.core.fact import Run
from navixy_operator.ports import AuditQuery, Stretch

AT_ONCE: Final = 1_000
"""Entries, or runs, that are fetched at once."""
_RUNS: Final[Select[Any]] = select(RUNS, SCOPES.c.namespace, SCOPES.c.sync).join(SCOPES)


@dataclass(frozen=True, slots=True)
class Numbered:
    """A run with its number."""

    number: int
    run: Run


def scopes(connection: Connection) -> list[tuple[str, str]]:
    """Namespace and NavixySync of everything, in order."""
    rows = connection.execute(select(SCOPES.c.namespace, SCOPES.c.sync))
    return sorted((row.namespace, row.sync) for row in rows)


def find_run(connection: Connection, run_id: str) -> Numbered | None:
    """The run with this ID."""
    row = connection.execute(_RUNS.where(RUNS.c.run_id == run_id)).one_or_none()
    return None if row is None else Numbered(row.id, run_of(row))


def runs_after(connection: Connection, query: AuditQuery, last: int) -> list[Numbered]:
    """The next runs behind the one with the number ``last``, of those that a query is about."""
    wanted = _RUNS.where(RUNS.c.id > last, SCOPES.c.namespace == query.namespace)
    if query.sync is not None:
        wanted = wanted.where(SCOPES.c.sync == query.sync)
    if query.cycle is not None:
        wanted = wanted.where(RUNS.c.name == query.cycle)
    if query.since is not None:
        wanted = wanted.where(RUNS.c.began >= query.since)
    if query.until is not None:
        wanted = wanted.where(RUNS.c.began < query.until)
    rows = connection.execute(wanted.order_by(RUNS.c.id).limit(AT_ONCE))
    return [Numbered(row.id, run_of(row)) for row in rows]


def entries_after(connection: Connection, run: Numbered, seq: int) -> list[Entry]:
    """The next entries of a run behind the place ``seq``."""
    return entries_of(connection, _events_after(connection, run, seq))


def stretches_after(connection: Connection, runs: Sequence[Numbered], seq: int) -> list[Stretch]:
    """The next stretches of some runs, of the first of them behind the place ``seq``: one of each, as far as it fits.

    The last one may not end its run, and the runs behind it have none yet.
    """
    found: list[Stretch] = []
    room = AT_ONCE
    for run in runs:
        stretch = _stretch(connection, run, seq)
        found.append(stretch)
        room, seq = room - len(stretch.links), -1
        if not stretch.ends or room <= 0:
            break
    return found


def entries_of(connection: Connection, rows: Sequence[Row[Any]]) -> list[Entry]:
    """The entries of rows of ``audit_events``, in their order."""
    if not rows:
        return []
    runs = connection.execute(_RUNS.where(RUNS.c.id.in_({row.run for row in rows})))
    runs_of = {row.id: run_of(row) for row in runs}
    series = connection.execute(select(SERIES).where(SERIES.c.id.in_({row.series for row in rows})))
    series_of = {
        row.id: Series(row.event, None if row.discrepancy == NO_DISCREPANCY else row.discrepancy, row.origin)
        for row in series
    }
    return [entry_of(row, runs_of[row.run], series_of[row.series]) for row in rows]


def _events_after(connection: Connection, run: Numbered, seq: int) -> Sequence[Row[Any]]:
    where = (EVENTS.c.run == run.number, EVENTS.c.seq > seq)
    return connection.execute(select(EVENTS).where(*where).order_by(EVENTS.c.seq).limit(AT_ONCE)).all()


def _stretch(connection: Connection, run: Numbered, seq: int) -> Stretch:
    rows = _events_after(connection, run, seq)
    left = select(PURGED).where(PURGED.c.run == run.number, PURGED.c.seq > seq)
    if ends := len(rows) < AT_ONCE:
        purged = connection.execute(left).all()
    else:
        purged = connection.execute(left.where(PURGED.c.seq <= rows[-1].seq)).all()
    links: list[Link] = [*entries_of(connection, rows), *(purged_of(row, run.run) for row in purged)]
    return Stretch(run.run, tuple(sorted(links, key=lambda one: one.seq)), ends)
