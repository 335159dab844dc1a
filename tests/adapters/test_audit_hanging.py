"""What does not answer is given up in time: silent, frozen and killed databases, calls that take too long."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import contextmanager
from typing import Final

import pytest
from sqlalchemy import Connection

from navixy_operator.adapters.audit import SqlAuditStore
from navixy_operator.core.audit import Entry
from navixy_operator.errors import AuditUnavailable
from navixy_operator.ports import AuditQuery
from navixy_operator.sandbox.databases import Database, DatabaseServer, PostgreSQL
from navixy_operator.sandbox.progress import progress_for
from support.audit_database import ENCODED, TrailCase, connected, cycle, failure

EVERYTHING: Final = AuditQuery("default", limit=1000)
FOREVER: Final = {
    "sqlite": "WITH RECURSIVE s(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM s) SELECT COUNT(*) FROM s",
    "postgresql": "SELECT pg_sleep(120)",
}


def threads() -> int:
    """How many calls to the audit trail's database run."""
    return sum(thread.name == "audit-database" for thread in threading.enumerate())


async def until(condition: Callable[[], bool], *, seconds: float = 10) -> None:
    """Wait for a condition."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it did not come true"
        await asyncio.sleep(0.02)


@pytest.fixture
def silent_port() -> Iterator[int]:
    """A server that accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


@pytest.mark.server  # the driver waits two seconds at least
async def test_silent_server_is_given_up(silent_port: int) -> None:
    """By every call, in its time; a thread that hangs is one, not one for each call."""
    store = SqlAuditStore(f"postgresql://u:{ENCODED}@127.0.0.1:{silent_port}/x", timeout_seconds=0.2)
    for _ in range(3):
        begun = time.monotonic()
        assert "did not answer within 0.2 s: check that it runs" in await failure(store.append(cycle()))
        assert time.monotonic() - begun < 1
        assert threads() == 1
    await store.close()
    await until(lambda: threads() == 0)


async def test_server_that_is_not_there_is_told() -> None:
    """At once."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    store = SqlAuditStore(f"postgresql://u:{ENCODED}@127.0.0.1:{port}/x")
    told = await failure(store.append(cycle()))
    assert "refused" in told
    assert "Check that it runs and can be reached" in told


async def test_call_that_takes_too_long_is_ended_here_and_there(trail: TrailCase) -> None:
    """At the deadline; neither our thread nor the server goes on with it."""
    store = SqlAuditStore(trail.case.url, timeout_seconds=0.3)
    lane = store._reading()
    told = await failure(lane.run(lambda connection: connection.exec_driver_sql(FOREVER[trail.kind]).all()))
    assert "did not answer within 0.3 s" in told or "keeps it busy" in told
    await until(lambda: threads() == 0)
    if trail.kind == "postgresql":
        running = "SELECT COUNT(*) FROM pg_stat_activity WHERE query = 'SELECT pg_sleep(120)' AND state = 'active'"
        await until(lambda: trail.execute(running) == [(0,)])
    assert (await store.page(EVERYTHING)).entries == ()
    await store.close()


@pytest.fixture
async def endless(trail: TrailCase) -> AsyncIterator[tuple[TrailCase, asyncio.Task[object]]]:
    """A call without end, which has begun."""
    begun = threading.Event()

    def work(connection: Connection) -> object:
        begun.set()
        return connection.exec_driver_sql(FOREVER[trail.kind]).all()

    call = asyncio.create_task(trail.store._reading().run(work))
    await until(begun.is_set)
    yield trail, call
    call.cancel()
    await until(lambda: threads() == 0)


async def test_cancelled_call_ends_its_thread(endless: tuple[TrailCase, asyncio.Task[object]]) -> None:
    """Whoever waited is free at once, and the next call works."""
    trail, call = endless
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    await until(lambda: threads() == 0)
    assert (await trail.store.page(EVERYTHING)).entries == ()


async def test_closing_ends_a_running_call(endless: tuple[TrailCase, asyncio.Task[object]]) -> None:
    """And whoever waits for it is told."""
    trail, call = endless
    begun = time.monotonic()
    await trail.store.close()
    assert time.monotonic() - begun < 1
    await failure(call)


@pytest.fixture(scope="module")
def own_server() -> Iterator[DatabaseServer]:
    """A PostgreSQL of this module's own, to be frozen, killed and started again."""
    with PostgreSQL(progress=progress_for()) as server:
        yield server


@pytest.fixture(scope="module")
def own_database(own_server: DatabaseServer) -> Database:
    """The one database of it."""
    return own_server.create_database()


@pytest.fixture
async def served(own_database: Database) -> AsyncIterator[SqlAuditStore]:
    """A store on that server, its connections open."""
    store = SqlAuditStore(own_database.url)
    await store.prepare()
    await store.append(cycle("before"))
    await store.page(EVERYTHING)
    yield store
    await store.close()


def backends(database: Database) -> list[int]:
    """Process IDs of the server's processes that serve us."""
    with connected(database.url) as connection:
        query = "SELECT pid FROM pg_stat_activity WHERE application_name = 'navixy-operator'"
        return [row[0] for row in connection.exec_driver_sql(query)]


@contextmanager
def frozen(server: DatabaseServer, database: Database) -> Iterator[None]:
    """The whole server stopped by SIGSTOP: it accepts, as the kernel does, and answers nothing."""
    pids = backends(database)
    assert pids
    server.process.send(signal.SIGSTOP)
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGCONT)
        server.process.send(signal.SIGCONT)


@pytest.mark.server
async def test_frozen_server_is_given_up_within_ten_seconds(
    served: SqlAuditStore, own_server: DatabaseServer, own_database: Database
) -> None:
    """On the connection that is open, then on a new one; when it goes on, so do we, and nothing is there twice."""
    entries = cycle("frozen", customers=50)
    with frozen(own_server, own_database):
        begun = time.monotonic()
        told = await asyncio.gather(failure(served.append(entries)), failure(served.page(EVERYTHING)))
        assert all("did not answer within 10 s" in one for one in told)
        assert time.monotonic() - begun < 11
        await failure(served.append(entries))
        assert time.monotonic() - begun < 21
    await until(lambda: threads() == 0)
    await served.append(entries)
    assert await served.run(entries[0].run.id) == entries


@pytest.mark.server
async def test_server_that_was_started_again_is_used_at_once(served: SqlAuditStore, own_server: DatabaseServer) -> None:
    """The connections from before are gone, which nobody has to hear of."""
    before = await served.page(EVERYTHING)
    own_server.process.stop()
    told = await failure(served.append(cycle("after")))
    assert "Check that it runs and can be reached" in told
    await failure(served.page(EVERYTHING))
    start_again(own_server)
    await served.append(cycle("after"))
    assert len((await served.page(EVERYTHING)).entries) == len(before.entries) + 6
    own_server.process.stop()
    start_again(own_server)
    await served.append(cycle("later"))  # on a connection that it still held
    assert len((await served.page(EVERYTHING)).entries) == len(before.entries) + 12


@pytest.mark.server
async def test_connection_lost_in_the_middle_of_a_batch_stores_all_or_nothing(
    served: SqlAuditStore, own_database: Database
) -> None:
    """Whether it was stored is not known; repeated, it is there once."""
    batch = cycle("midst", customers=900)
    for pause in (0.0, 0.005, 0.02, 0.05):
        appending = asyncio.create_task(tried(served, batch))
        await asyncio.sleep(pause)
        for pid in await asyncio.to_thread(backends, own_database):
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        await appending
        assert await served.run(batch[0].run.id) in ([], batch)
    await served.append(batch)
    assert await served.run(batch[0].run.id) == batch


async def tried(store: SqlAuditStore, batch: list[Entry]) -> None:
    """Append, whatever comes of it."""
    with contextlib.suppress(AuditUnavailable):
        await store.append(batch)


def start_again(server: DatabaseServer) -> None:
    """The same data, the same port."""
    server.process.start()
    server.process.wait_ready(server._lets_us_in, timeout=30)


async def test_call_for_which_there_is_no_thread_is_no_hindrance(
    trail: TrailCase, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It fails at once, and the next one does not wait for it."""

    def refuse(_thread: threading.Thread) -> None:
        message = "can't start new thread"
        raise RuntimeError(message)

    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        with pytest.raises(RuntimeError, match="new thread"):
            await trail.store.scopes()
    assert await trail.store.scopes() == []
