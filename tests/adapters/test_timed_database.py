"""A customer database whose queries are timed: what is told of a success, an error, and a query that is given up."""

import asyncio
from collections.abc import Callable

import pytest

from navixy_operator.adapters.timed_database import TimedDatabase
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import DatabaseQueryFailed
from support.builders import row
from support.fakes import FakeDatabase


class Slow(FakeDatabase):
    """Never answers."""

    async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
        """Wait for ever."""
        del take
        await asyncio.Event().wait()


class Broken(FakeDatabase):
    """Breaks by a fault of ours."""

    async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
        """Break."""
        del take
        raise ZeroDivisionError


async def test_a_query_is_timed_by_what_it_was_and_how_it_ended() -> None:
    """The rows come through; ``succeeded``, or the error's reason, which goes on as it is."""
    heard: list[tuple[str, str]] = []
    behind = FakeDatabase([], [row("acme"), row("beta", number=2)])
    database = TimedDatabase(behind, lambda *timing: heard.append(timing[:2]))
    found: list[CustomerRow] = []
    await database.snapshot(found.append)
    await database.rows_of(["beta"], found.append)
    assert [one.customer_ref for one in found] == ["acme", "beta", "beta"]
    behind.error = DatabaseQueryFailed("no such table")
    with pytest.raises(DatabaseQueryFailed):
        await database.rows_of(["beta"], found.append)
    ends = [("snapshot", "succeeded"), ("rows_of", "succeeded"), ("rows_of", "DatabaseQueryFailed")]
    assert heard == ends


async def test_the_seconds_are_those_of_the_query() -> None:
    """Measured by the clock that only goes forward."""
    seconds: list[float] = []

    class Waits(FakeDatabase):
        async def snapshot(self, take: Callable[[CustomerRow], None]) -> None:
            del take
            await asyncio.sleep(0.02)

    await TimedDatabase(Waits([]), lambda *timing: seconds.append(timing[2])).snapshot(lambda _: None)
    assert 0.02 <= seconds[0] < 1.0


async def test_a_query_that_is_given_up_has_no_result() -> None:
    """Cancelled: nothing is told; a fault of ours is an internal error."""
    heard: list[str] = []
    asking = asyncio.create_task(
        TimedDatabase(Slow([]), lambda *timing: heard.append(timing[1])).snapshot(lambda _: None)
    )
    await asyncio.sleep(0)
    asking.cancel()
    await asyncio.gather(asking, return_exceptions=True)
    assert heard == []
    with pytest.raises(ZeroDivisionError):
        await TimedDatabase(Broken([]), lambda *timing: heard.append(timing[1])).snapshot(lambda _: None)
    assert heard == ["InternalError"]
