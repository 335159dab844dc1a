"""A page of what a query finds, without ever reading much more than the page.

| asked for                      | how it is found                                                                   |
|--------------------------------|-----------------------------------------------------------------------------------|
| event, discrepancy, origin     | the series that fit, each read in the order of time, and merged; none fits: none  |
| a customer, alone or with these | the same series, read in the index of customers                                  |
| a cycle, alone or with these   | its runs one after the other, each in the order of its chain                      |
| since, until, after a page     | where the reading of a series or run begins and ends                              |
"""

from collections.abc import Sequence
from datetime import datetime
from operator import attrgetter
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    CompoundSelect,
    Connection,
    Integer,
    Row,
    Select,
    asc,
    desc,
    literal,
    select,
    tuple_,
    union_all,
)

from navixy_operator.adapters.audit import cursor
from navixy_operator.adapters.audit.cursor import Position
from navixy_operator.adapters.audit.reading import entries_of
from navixy_operator.adapters.audit.rows import key_of
from navixy_operator.adapters.audit.schema import EVENTS, RUNS, SCOPES, SERIES, Moment
from navixy_operator.ports import AuditPage, AuditQuery

SERIES_AT_ONCE: Final = 100
"""Series that one statement merges; SQLite takes 500 at most."""
_ORDER: Final = ("at", "run", "seq")
_position: Final = attrgetter(*_ORDER)

Condition = ColumnElement[bool]


def page(connection: Connection, query: AuditQuery, after: Position | None) -> AuditPage:
    """The entries, and the cursor of what comes after them."""
    rows = _of_all(connection, query, after) if query.cycle is None else _of_cycle(connection, query, after)
    shown = rows[: query.limit]
    entries = tuple(entries_of(connection, shown))
    if len(rows) <= query.limit:
        return AuditPage(entries, None)
    return AuditPage(entries, cursor.write(Position(*_position(shown[-1]))))


def series_wanted(query: AuditQuery) -> Select[int]:
    """The numbers of the series that a query is about."""
    return select(SERIES.c.id).join(SCOPES).where(*_scope(query), *_labels(query)).order_by(SERIES.c.id)


def runs_wanted(query: AuditQuery, after: Position | None) -> Select[int]:
    """The numbers of the runs of a cycle, in the order in which they are shown."""
    wanted = select(RUNS.c.id).join(SCOPES).where(*_scope(query), RUNS.c.name == query.cycle)
    if query.oldest_first:
        return wanted.where(RUNS.c.id >= (0 if after is None else after.run)).order_by(RUNS.c.id)
    return (wanted if after is None else wanted.where(RUNS.c.id <= after.run)).order_by(RUNS.c.id.desc())


def merged(
    query: AuditQuery, after: Position | None, series: Sequence[int], dialect: str
) -> Select[Any] | CompoundSelect[Any]:
    """One row more than the page, out of some series: each is read by an index in the order of time.

    Both databases merge the parts while they read them, so that none is read further than the page goes. PostgreSQL
    does so only where each part has an order and a limit of its own, which SQLite in its turn does not take.
    """
    common = (*_customer(query), *_within(query, after))
    direction = asc if query.oldest_first else desc
    order: list[ColumnElement[Any]] = [direction(name) for name in _ORDER]
    parts = [select(EVENTS).where(EVENTS.c.series == number, *common) for number in series]
    if len(parts) == 1:
        return parts[0].order_by(*order).limit(query.limit + 1)
    if dialect == "postgresql":
        parts = [part.order_by(*order).limit(query.limit + 1) for part in parts]
    return union_all(*parts).order_by(*order).limit(query.limit + 1)


def of_run(query: AuditQuery, after: Position | None, run: int, series: Sequence[int] | None) -> Select[Any]:
    """One row more than the page, out of one run in the order of its chain. ``series`` None: of all."""
    wanted = select(EVENTS).where(EVENTS.c.run == run, *_customer(query))
    seq = EVENTS.c.seq
    if series is not None:
        wanted = wanted.where((EVENTS.c.series + 0).in_(series))  # not by the index of series: it may be a large one
    if query.since is not None:
        wanted = wanted.where(EVENTS.c.at >= query.since)
    if query.until is not None:
        wanted = wanted.where(EVENTS.c.at < query.until)
    if after is not None and after.run == run:
        wanted = wanted.where(seq > after.seq if query.oldest_first else seq < after.seq)
    return wanted.order_by(seq if query.oldest_first else seq.desc()).limit(query.limit + 1)


def _of_all(connection: Connection, query: AuditQuery, after: Position | None) -> Sequence[Row[Any]]:
    series = connection.scalars(series_wanted(query)).all()
    found: list[Row[Any]] = []
    for start in range(0, len(series), SERIES_AT_ONCE):
        part = series[start : start + SERIES_AT_ONCE]
        found += connection.execute(merged(query, after, part, connection.dialect.name))
        found.sort(key=_position, reverse=not query.oldest_first)
        del found[query.limit + 1 :]  # each time, so that never much more than two pages are in memory
    return found


def _of_cycle(connection: Connection, query: AuditQuery, after: Position | None) -> Sequence[Row[Any]]:
    series = connection.scalars(series_wanted(query)).all() if _labels(query) else None
    found: list[Row[Any]] = []
    if series is None or series:
        for run in connection.scalars(runs_wanted(query, after)).all():
            found += connection.execute(of_run(query, after, run, series))
            if len(found) > query.limit:
                break
    return found[: query.limit + 1]


def _scope(query: AuditQuery) -> list[Condition]:
    whole: list[Condition] = [SCOPES.c.namespace == query.namespace]
    return whole if query.sync is None else [*whole, SCOPES.c.sync == query.sync]


def _labels(query: AuditQuery) -> list[Condition]:
    asked = {SERIES.c.event: query.event, SERIES.c.discrepancy: query.discrepancy, SERIES.c.origin: query.origin}
    return [column == value for column, value in asked.items() if value is not None]


def _customer(query: AuditQuery) -> list[Condition]:
    if query.customer is None:
        return []
    key = key_of(query.customer)
    one: list[Condition] = [EVENTS.c.customer == key]
    return one if key == query.customer else [*one, EVENTS.c.customer_whole == query.customer]


def _within(query: AuditQuery, after: Position | None) -> list[Condition]:
    """From where to where a series is read: one bound at each end, so that the index has no choice."""
    since, until = query.since, query.until
    if after is None:
        return _bounds(since, until)
    place = tuple_(EVENTS.c.at, EVENTS.c.run, EVENTS.c.seq)
    reached = tuple_(literal(after.at, Moment()), literal(after.run, Integer()), literal(after.seq, Integer()))
    if query.oldest_first:
        ahead = since is None or since <= after.at
        return [place > reached, *_bounds(None, until)] if ahead else _bounds(since, until)
    ahead = until is None or until > after.at
    return [place < reached, *_bounds(since, None)] if ahead else _bounds(since, until)


def _bounds(since: datetime | None, until: datetime | None) -> list[Condition]:
    lower: list[Condition] = [] if since is None else [EVENTS.c.at >= since]
    return lower if until is None else [*lower, EVENTS.c.at < until]
