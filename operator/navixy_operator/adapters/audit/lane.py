"""A connection that is kept for one call after another: each in a thread, bounded in time, ended from outside.

A daemon thread for each call, not an executor's: those are waited for when the process ends, and a driver may hang.
"""

import asyncio
import concurrent.futures
import contextlib
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Final, TypeVar, cast

from sqlalchemy import Connection, event
from sqlalchemy.exc import DBAPIError

from navixy_operator.adapters.audit import engines
from navixy_operator.adapters.audit.faults import explain, silent
from navixy_operator.adapters.audit.source import Source
from navixy_operator.adapters.sql.breaking import interrupt
from navixy_operator.errors import AuditUnavailable, OperatorError

GRACE_SECONDS: Final = 2.0
"""How long closing waits for the end of a call that it has broken off."""
STEPS_BETWEEN_LOOKS: Final = 10_000
"""SQLite's, some 0.2 ms."""

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class _Outcome:
    """What a call gave, or the error; ``lost``: that was a connection which broke."""

    value: object = None
    error: BaseException | None = None
    lost: bool = False


@dataclass(slots=True, eq=False)
class _Call:
    """One transaction on its way; ``ended`` has a value, never an exception, so that nobody must fetch it."""

    work: Callable[[Connection], object]
    stopped: bool = False
    ended: "concurrent.futures.Future[_Outcome]" = field(default_factory=concurrent.futures.Future)

    def __post_init__(self) -> None:
        self.ended.set_running_or_notify_cancel()  # from here on nobody who waits for it can cancel it


class Lane:
    """One connection to the database. Calls wait for one another; two lanes run beside each other.

    ``seconds``: for a call, from waiting for its turn to the commit. ``lock_seconds``: of these, for others' locks.
    """

    def __init__(self, source: Source, *, writing: bool, seconds: float, lock_seconds: float) -> None:
        self._source = source
        self._seconds = seconds
        self._writing = writing
        self._lock_seconds = lock_seconds
        self._engine = engines.engine_for(source, writing=writing, seconds=seconds, lock_seconds=lock_seconds)
        event.listen(self._engine, "connect", self._attach, insert=True)
        event.listen(self._engine, "close", self._detach)
        self._turn = asyncio.Lock()
        self._call: _Call | None = None
        self._kept: Connection | None = None
        self._lock = threading.Lock()
        self._driver: object | None = None

    async def run(self, work: Callable[[Connection], T]) -> T:
        """Do ``work`` in a transaction of its own, committed when it returns. It may be begun twice.

        Raises AuditUnavailable, AuditUrlInvalid; and what ``work`` itself raises, if it is not a driver's error.
        """
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                await self._end_of_last_call()
                outcome = await self._outcome(_Call(work))
        except TimeoutError:
            outcome = _Outcome(error=silent(self._source, self._seconds))
        # out here the driver's error, whose text may hold secrets, is no longer attached
        if outcome.error is not None:
            raise outcome.error
        return cast("T", outcome.value)

    async def close(self) -> None:
        """Break off what still runs, and let go of the connection; waits a moment at most."""
        if self._call is not None:
            self._break_off(self._call)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(GRACE_SECONDS), self._turn:
                await self._end_of_last_call()
                await asyncio.to_thread(self._drop)

    async def _end_of_last_call(self) -> None:
        """Wait for a call that was broken off, so that a driver that hangs never costs more than one thread."""
        if self._call is not None:
            await asyncio.wrap_future(self._call.ended)
            self._call = None

    async def _outcome(self, call: _Call) -> _Outcome:
        self._call = call
        try:
            threading.Thread(target=self._carry_out, args=(call,), name="audit-database", daemon=True).start()
        except RuntimeError as error:  # no thread is to be had: nobody else ends the call, for which the next one waits
            call.ended.set_result(_Outcome(error=error))
            raise
        try:
            return await asyncio.wrap_future(call.ended)
        finally:
            self._break_off(call)

    def _break_off(self, call: _Call) -> None:
        """End a call as soon as can be; nothing if it has ended."""
        with self._lock:
            call.stopped = True
            if self._driver is not None and not call.ended.done():
                interrupt(self._driver)

    def _carry_out(self, call: _Call) -> None:
        """In the thread: try, and once more where it was the connection kept from before that broke."""
        kept = self._kept is not None
        outcome = self._try(call)
        if kept and outcome.lost and not call.stopped:
            outcome = self._try(call)
        call.ended.set_result(outcome)

    def _try(self, call: _Call) -> _Outcome:
        connecting = True
        try:
            connection = self._kept = self._kept or self._engine.connect()
            engines.begin(connection, writing=self._writing, seconds=self._seconds, lock_seconds=self._lock_seconds)
            connecting = False
            value = call.work(connection)
            connection.commit()
        except BaseException as error:  # noqa: BLE001 - handed to the caller, whatever it is
            self._drop()
            if isinstance(error, DBAPIError):
                told = explain(error, self._source, connecting=connecting)
                return _Outcome(error=told, lost=error.connection_invalidated)
            if connecting and isinstance(error, Exception) and not isinstance(error, OperatorError):
                return _Outcome(error=explain(error, self._source, connecting=True))  # drivers raise what they like
            return _Outcome(error=error)
        return _Outcome(value)

    def _drop(self) -> None:
        """Let go of the connection: after an error nobody knows what state it is in."""
        connection, self._kept = self._kept, None
        if connection is not None:
            with contextlib.suppress(Exception):  # it may be broken in any way
                connection.close()

    def _attach(self, driver_connection: object, _record: object) -> None:
        if isinstance(driver_connection, sqlite3.Connection):
            # an interruption ends the statement that runs, not one that begins right after it
            driver_connection.set_progress_handler(self._is_stopped, STEPS_BETWEEN_LOOKS)
        with self._lock:
            if self._call is None or not self._call.stopped:
                self._driver = driver_connection
                return
        message = f"The call of the audit trail's {self._source.place} was broken off"
        raise AuditUnavailable(message)  # upon which the pool closes it

    def _is_stopped(self) -> bool:
        return self._call is not None and self._call.stopped

    def _detach(self, _driver_connection: object, _record: object) -> None:
        # before it closes: its file descriptor may be somebody else's afterwards
        with self._lock:
            self._driver = None
