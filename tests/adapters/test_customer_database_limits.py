"""Nothing waits for ever: silent servers, slow queries, cancelled reads, drivers that hang."""

import asyncio
import socket
import threading
import time
from collections.abc import Callable, Iterator

import pytest

from navixy_operator.adapters.customer_database import SqlCustomerDatabase
from navixy_operator.core.model import CustomerRow
from navixy_operator.errors import DatabaseUnavailable
from support.databases import CustomerDatabaseCase, failure, rows_of

COLUMNS = "1 AS customer_ref, 2 AS provider, 3 AS state, 4 AS navixy_hash"
SLOW = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s)"
    f" SELECT {COLUMNS}, COUNT(*) AS gateway_count FROM s",
    "postgresql": f"SELECT {COLUMNS}, pg_sleep(120) AS gateway_count",
    "mariadb": f"SELECT {COLUMNS}, SUM(a.seq * b.seq) AS gateway_count FROM seq_1_to_1000000 a, seq_1_to_1000000 b",
}
RUNNING = {
    "postgresql": "SELECT COUNT(*) FROM pg_stat_activity WHERE state = 'active' AND query LIKE '%pg_sleep(120)%'"
    " AND pid <> pg_backend_pid()",
    "mariadb": "SELECT COUNT(*) FROM information_schema.processlist WHERE info LIKE 'SELECT 1 AS%'",
}


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def readers() -> int:
    """How many threads read a customer database."""
    return sum(thread.name == "customer-database" for thread in threading.enumerate())


async def until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.02)


@pytest.mark.slow
@pytest.mark.parametrize("driver", ["postgresql", "mariadb"])
async def test_silent_server_is_given_up(silent_port: int, driver: str) -> None:
    """A server that accepts and never answers: unavailable at the deadline, and the thread ends soon after."""
    adapter = SqlCustomerDatabase(f"{driver}://u:p@127.0.0.1:{silent_port}/x", query=None, timeout_seconds=0.3)
    begun = time.monotonic()
    await failure(adapter, DatabaseUnavailable)
    assert time.monotonic() - begun < 1.5
    await until(lambda: readers() == 0)


@pytest.mark.slow
async def test_slow_query_ends_at_the_deadline_here_and_there(customer_database: CustomerDatabaseCase) -> None:
    """A query without end: unavailable at the deadline; neither our thread nor the server goes on with it."""
    adapter = customer_database.adapter(SLOW[customer_database.kind], timeout_seconds=1)
    begun = time.monotonic()
    await failure(adapter, DatabaseUnavailable)
    assert time.monotonic() - begun < 4
    await until(lambda: readers() == 0)
    if running := RUNNING.get(customer_database.kind):
        await until(lambda: customer_database.execute(running) == [(0,)])


async def test_cancelled_snapshot_ends_its_thread(customer_database: CustomerDatabaseCase) -> None:
    """A cancelled cycle leaves no thread behind."""
    task = asyncio.create_task(customer_database.adapter(SLOW[customer_database.kind]).snapshot(lambda _: None))
    await until(lambda: readers() == 1)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    await until(lambda: readers() == 0)


async def test_closing_ends_a_running_read(sqlite_database: CustomerDatabaseCase) -> None:
    """``close`` breaks a read off, and whoever waits for it is told."""
    adapter = sqlite_database.adapter(SLOW["sqlite"])
    task = asyncio.create_task(adapter.snapshot(lambda _: None))
    await until(lambda: readers() == 1)
    while not task.done():  # the thread may not have reached the database yet
        await adapter.close()
        await asyncio.sleep(0.02)
    with pytest.raises(DatabaseUnavailable):
        await task


async def test_hanging_driver_costs_one_thread(sqlite_database: CustomerDatabaseCase) -> None:
    """While a thread hangs where nothing can interrupt it, further snapshots fail in time and start no other."""
    sqlite_database.fill([])
    adapter = sqlite_database.adapter(f"SELECT {COLUMNS}, 5 AS gateway_count", timeout_seconds=0.2)
    release = threading.Event()

    def hang(_row: CustomerRow) -> None:
        release.wait(20)

    for _ in range(3):
        with pytest.raises(DatabaseUnavailable):
            await adapter.snapshot(hang)
        assert readers() == 1
    release.set()
    await until(lambda: readers() == 0)
    assert len(await rows_of(adapter)) == 1


async def test_rows_stop_coming_after_the_deadline(sqlite_database: CustomerDatabaseCase) -> None:
    """What ``take`` gets after the error is at most what was fetched already."""
    endless = "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s)"
    adapter = sqlite_database.adapter(f"{endless} SELECT {COLUMNS}, n AS gateway_count FROM s", timeout_seconds=0.3)
    numbers: list[int] = []
    with pytest.raises(DatabaseUnavailable):
        await adapter.snapshot(lambda row: numbers.append(row.number))
    await until(lambda: readers() == 0)
    assert numbers == list(range(1, len(numbers) + 1))


async def test_error_of_take_is_not_disguised(sqlite_database: CustomerDatabaseCase) -> None:
    """A mistake of ours in ``take`` is not told as one of the database."""

    def broken(_row: CustomerRow) -> None:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await sqlite_database.adapter(f"SELECT {COLUMNS}, 5 AS gateway_count").snapshot(broken)
