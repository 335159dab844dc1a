"""A read of just some customers: by a condition where the database takes one, else of all, and sorted out here."""

import contextlib
from collections.abc import Callable, Collection, Iterator
from contextlib import closing
from dataclasses import replace
from typing import Final

from sqlalchemy import Connection

from navixy_operator.adapters.customer_database import condition
from navixy_operator.adapters.customer_database.reading import STREAMED, Read
from navixy_operator.adapters.customer_database.sql import DEFAULT_QUERY
from navixy_operator.adapters.sql.url import Source
from navixy_operator.core.model import CustomerRow
from navixy_operator.core.reading import read_text
from navixy_operator.errors import DatabaseQueryFailed

REFERENCES_AT_ONCE: Final = 500
# each query may cost the database as much as everything does (all gateways are counted): more are dearer than one
MOST_REFERENCES: Final = 4 * REFERENCES_AT_ONCE


class LookUp(Read):
    """One read of the rows of ``wanted``, references as the core reads them. They are handed over at its end."""

    def __init__(
        self,
        source: Source,
        *,
        query: str | None,
        seconds: float,
        take: Callable[[CustomerRow], None],
        wanted: Collection[str],
    ) -> None:
        super().__init__(source, query=query, seconds=seconds, take=take)
        self._wanted = frozenset(wanted)

    def _hand_over(self) -> None:
        # not before: what a narrowed query gave before it failed would come again
        for number, row in enumerate(self._found(), start=1):
            self._take(replace(row, number=number))

    def _found(self) -> list[CustomerRow]:
        if self._source.backend in condition.CONDITIONS and len(self._wanted) <= MOST_REFERENCES:
            with contextlib.suppress(DatabaseQueryFailed):
                return self._all_rows(self._narrowed)
        return self._all_rows(self._picked)

    def _all_rows(self, ask: Callable[[Connection], Iterator[CustomerRow]]) -> list[CustomerRow]:
        with closing(self._rows(ask)) as rows:
            return list(rows)

    def _picked(self, connection: Connection) -> Iterator[CustomerRow]:
        return _only(self._wanted, self._whole(connection))

    def _narrowed(self, connection: Connection) -> Iterator[CustomerRow]:
        wanted = sorted(self._wanted)
        for start in range(0, len(wanted), REFERENCES_AT_ONCE):
            refs = wanted[start : start + REFERENCES_AT_ONCE]
            statement = condition.narrowed(self._query or DEFAULT_QUERY, self._source.backend, refs)
            result = connection.execute(statement, execution_options=STREAMED)
            # just these: the condition may let a row through for several parts, which would make it several rows
            yield from _only(frozenset(refs), self._stream(connection, result, self._check_type))

    def _check_type(self, type_code: object) -> None:
        if not condition.compared(self._source.backend, type_code):
            message = "customer_ref has a type whose text in SQL may be another one than here"
            raise DatabaseQueryFailed(message)


def _only(refs: Collection[str], rows: Iterator[CustomerRow]) -> Iterator[CustomerRow]:
    return (row for row in rows if read_text(row.customer_ref) in refs)
