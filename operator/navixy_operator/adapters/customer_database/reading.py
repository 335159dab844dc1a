"""One read of the whole answer in a thread: streamed, checked for its columns, and stoppable from outside."""

import concurrent.futures
import threading
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from sqlalchemy import Connection, CursorResult, event

from navixy_operator.adapters.customer_database import dialects
from navixy_operator.adapters.customer_database.faults import Phase, explain
from navixy_operator.adapters.customer_database.sql import DEFAULT_QUERY, OPTIONAL_COLUMNS, REQUIRED_COLUMNS
from navixy_operator.adapters.sql.breaking import interrupt
from navixy_operator.adapters.sql.url import Source
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import DatabaseQueryFailed, DatabaseUnavailable, OperatorError

BATCH_ROWS: Final = 1_000
SHOWN_COLUMNS: Final = 30
STREAMED: Final[Mapping[str, Any]] = {"stream_results": True, "yield_per": BATCH_ROWS}


class Read:
    """One read. ``run`` is for a thread of its own; ``stop`` makes it end from any other one, and never waits."""

    def __init__(
        self, source: Source, *, query: str | None, seconds: float, take: Callable[[CustomerRow], None]
    ) -> None:
        self._source = source
        self._query = query
        self._seconds = seconds
        self._take = take
        self._lock = threading.Lock()
        self._driver: object | None = None
        self._stopped = False
        # what it ended with; a value rather than an exception, so that nobody must fetch it
        self.ended: concurrent.futures.Future[BaseException | None] = concurrent.futures.Future()
        self.ended.set_running_or_notify_cancel()  # from here on nobody who waits for it can cancel it

    @property
    def place(self) -> str:
        """What is read, as a person is told."""
        return self._source.place

    def start(self) -> None:
        """Begin in a daemon thread: an executor's threads are waited for at exit, and a driver may hang for ever."""
        threading.Thread(target=self.run, name="customer-database", daemon=True).start()

    def run(self) -> None:
        """Read everything; the outcome is in ``ended``."""
        outcome: BaseException | None = None
        try:
            self._hand_over()
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
            outcome = error
        self.ended.set_result(outcome)

    def stop(self) -> None:
        """End the read as soon as can be; nothing if it has ended."""
        with self._lock:
            self._stopped = True
            if self._driver is not None:
                interrupt(self._driver)

    def _hand_over(self) -> None:
        with closing(self._rows(self._whole)) as rows:
            for row in rows:
                self._take(row)

    def _rows(self, ask: Callable[[Connection], Iterator[CustomerRow]]) -> Generator[CustomerRow, None, None]:
        """The rows of one transaction, in which ``ask`` puts its questions."""
        engine = dialects.engine_for(self._source, self._seconds)
        event.listen(engine, "connect", self._attach, insert=True)
        event.listen(engine, "close", self._detach)
        event.listen(engine, "handle_error", dialects.close_cursor)
        phase = Phase.CONNECTING
        failure: OperatorError | None = None
        try:
            with engine.connect() as plain:
                connection = dialects.begin(plain, self._seconds)
                phase = Phase.READING
                yield from ask(connection)
                connection.rollback()
        except OperatorError as error:
            failure = error
        except Exception as error:  # noqa: BLE001 - drivers raise what they like
            failure = explain(error, self._source, phase, own_query=self._query is not None)
        finally:
            engine.dispose()
        # out here the driver's error, whose text may hold secrets, is no longer attached
        if failure is not None:
            raise failure

    def _whole(self, connection: Connection) -> Iterator[CustomerRow]:
        # raw: a colon or a percent sign in somebody's query is no parameter
        options = {"no_parameters": True, **STREAMED}
        result = connection.exec_driver_sql(self._query or DEFAULT_QUERY, execution_options=options)
        return self._stream(connection, result)

    def _stream(
        self, connection: Connection, result: CursorResult[Any], check: Callable[[object], None] | None = None
    ) -> Iterator[CustomerRow]:
        """The rows of an answer; ``check`` is told the driver's type of customer_ref before them, and may raise."""
        try:
            given = list(result.keys()) if result.returns_rows else []
            places = column_places(given, self._source.safe)
            if check is not None:
                check(_type_code(result, places[0]))
            number = 0
            for batch in result.partitions(BATCH_ROWS):
                self._check_stopped()
                for cells in batch:
                    number += 1
                    yield _row(number, cells, places)
        except BaseException:
            dialects.abandon(connection, result)
            raise

    def _check_stopped(self) -> None:
        if self._stopped:
            message = f"The read of the customer database {self._source.place} was stopped"
            raise DatabaseUnavailable(message)

    def _attach(self, driver_connection: object, _record: object) -> None:
        dialects.prepare(driver_connection)
        with self._lock:
            if not self._stopped:
                self._driver = driver_connection
                return
        self._check_stopped()  # raises, upon which the pool closes it

    def _detach(self, _driver_connection: object, _record: object) -> None:
        # before it closes: its file descriptor may be somebody else's afterwards
        with self._lock:
            self._driver = None


def column_places(given: Sequence[str], safe: Callable[[str], str]) -> tuple[int | None, ...]:
    """Where each wanted column stands in an answer, in the order of ``CustomerRow``; None: an optional one is absent.

    Raises:
        DatabaseQueryFailed: a column is missing, or its name is there twice.
    """
    if not given:
        message = "The query in spec.database.query gives no rows: it is not a SELECT"
        raise DatabaseQueryFailed(message)
    names = [name.lower() for name in given]
    shown = ", ".join(safe(name) for name in given[:SHOWN_COLUMNS])
    missing = [name for name in REQUIRED_COLUMNS if name not in names]
    if missing:
        message = f"The query does not give the columns {', '.join(missing)}; it gives {shown}"
        raise DatabaseQueryFailed(message)
    wanted = (*REQUIRED_COLUMNS, *OPTIONAL_COLUMNS)
    twice = [name for name in wanted if names.count(name) > 1]
    if twice:
        message = f"The query gives more than one column of the name {', '.join(twice)}; it gives {shown}"
        raise DatabaseQueryFailed(message)
    return tuple(names.index(name) if name in names else None for name in wanted)


def _row(number: int, cells: Sequence[Any], places: tuple[int | None, ...]) -> CustomerRow:
    ref, provider, state, navixy_hash, gateways, name = (None if place is None else cells[place] for place in places)
    return CustomerRow(number, ref, provider, state, navixy_hash, gateways, name)


def _type_code(result: CursorResult[Any], place: int | None) -> object:
    description = getattr(result.cursor, "description", None)
    return None if description is None or place is None else description[place][1]
