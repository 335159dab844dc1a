"""Between cycles, end to end: drift passes keep the connections right, cheaply, and know what is not theirs to do."""

import asyncio
import signal
from typing import Any

import pytest

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.sample_data import sample_hash
from support.operator import Site
from support.telling import condition, customer, fleets, ready, told, until, until_open, until_ready

pytestmark = [pytest.mark.server, pytest.mark.e2e]
QUICK = {"intervalSeconds": 5}


async def lose(site: Site, ref: str, state: str = "disconnected") -> str:
    """Let F1.1 lose, or fail, a customer's connection by itself; its id."""
    (held,) = (await site.open_connections())[ref]
    error = {"code": "upstream", "message": "gone", "permanent": False} if state == "failed" else None
    await site.f11.alter(held["id"], state=state, error=error)
    return str(held["id"])


async def deployed(site: Site, count: int = 3, **spec: Any) -> None:
    """A few fleets, connected, with drift passes every five seconds."""
    site.fill(fleets(count))
    await site.deploy(drift=QUICK, **spec)
    await site.cycle("first")


async def passes(site: Site, count: int = 1) -> None:
    """Wait until so many more drift passes have looked at F1.1."""
    before = await site.f11.count("GET /v1/connections")

    async def looked() -> bool:
        return await site.f11.count("GET /v1/connections") >= before + count

    await until(site, looked)


async def test_lost_connections_come_back_without_a_cycle(site: Site) -> None:
    """A connection that drops by itself is established again, with the hash looked up for just that customer."""
    await deployed(site)
    old = await lose(site, "fleet-2")
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")
    (made,) = (await site.open_connections())["fleet-2"]
    assert made["id"] != old
    item = await until_ready(site, "fleet-2", "True", "Connected")
    assert item["status"]["connection"]["id"] == made["id"]
    assert item["status"]["lastCycle"] == "first", "no cycle changed it"
    assert len(await site.kubectl.list("synccycles")) == 1
    assert told(site.log(), "DriftRepaired", established=1, closed=0, failed=0)


async def test_an_unchanged_pass_asks_once_and_writes_nothing(site: Site) -> None:
    """One request of F1.1, answered 304; nothing is written to the API server, no list of customers is asked for."""
    await deployed(site)
    await passes(site, 2)
    await site.f11.requests(reset=True)
    before = await site.plane.request_counts()
    await passes(site, 2)
    spent = await site.plane.request_counts() - before
    requests = await site.f11.requests()
    assert set(requests) == {"GET /v1/connections"}
    assert set(requests["GET /v1/connections"]) == {"304"}
    writes = {request for request in spent if request.is_write and request.group == "dataforwarding.io"}
    assert writes == set()
    assert [request for request in spent if (request.resource, request.verb) == ("navixycustomers", "LIST")] == []


async def test_a_suspended_customer_who_is_open_again_is_closed_at_once(site: Site) -> None:
    """Suspended, closed by a cycle, and opened again behind our back by an automatic client: closed by a drift pass."""
    site.fill([*fleets(2), customer(3, "paused", state="suspended")])
    await site.deploy(drift=QUICK)
    await site.cycle("first")
    await site.f11.seed({"customer_ref": "paused"})
    await until_open(site, "fleet-1", "fleet-2")
    sync = await site.kubectl.get("navixysync", "main") or {}
    assert [entry["count"] for entry in sync["status"]["recentCloses"]] == [1], "counted for the guard over a day"
    assert told(site.log(), "ConnectionClosed", customer="paused", reason="Suspended", origin="automatic")


async def test_failed_ones_are_left_to_the_next_cycle(site: Site) -> None:
    """A connection that failed is shown as failed and not touched by drift passes; the next cycle mends it."""
    await deployed(site)
    await lose(site, "fleet-2", state="failed")
    await until_ready(site, "fleet-2", "False", "EstablishFailed")
    await passes(site, 3)
    assert await site.f11.count("POST /v1/connections") == 3
    assert ready((await site.customers())["fleet-2"]) == ("False", "EstablishFailed")
    assert (await site.cycle("second"))["counts"]["established"] == 1
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")


async def test_backoff_tries_failed_ones_sooner(site: Site) -> None:
    """retry.failed: Backoff. Tried again by a drift pass after its interval, and less and less often after that."""
    failure = {"code": "navixy-unreachable", "message": "no answer", "permanent": False, "times": 1}
    await site.f11.settings(failures={"fleet-2": failure})
    site.fill(fleets(2))
    await site.deploy(drift=QUICK, retry={"failed": "Backoff"})
    first = await site.cycle("first")
    assert first["counts"]["establishFailed"] == 1
    await until_open(site, "fleet-1", "fleet-2", seconds=90)
    assert len(await site.kubectl.list("synccycles")) == 1


async def test_extras_are_reported_and_closed_only_by_a_cycle(site: Site) -> None:
    """A connection of nobody known: a drift pass counts it and leaves it, a cycle closes it after its own look."""
    await deployed(site)
    await site.f11.seed({"customer_ref": "ghost"})

    async def counted() -> bool:
        sync = await site.kubectl.get("navixysync", "main") or {}
        return bool(sync["status"].get("discrepancies") == 1)

    await until(site, counted)
    await passes(site, 2)
    assert "ghost" in await site.open_connections()
    sync = await site.kubectl.get("navixysync", "main") or {}
    assert condition(sync, "InSync")["status"] == "False"
    assert (sync["status"]["expected"], sync["status"]["actual"]) == (3, 4)
    assert (await site.cycle("second"))["counts"]["closed"] == 1
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")


async def test_who_has_changed_in_the_database_is_left_to_the_next_cycle(site: Site) -> None:
    """Lost, and meanwhile suspended or with another hash: no drift pass opens what the database no longer wants."""
    await deployed(site, 4)
    sample_data.suspend(site.database_url, "fleet-1")
    sample_data.set_hash(site.database_url, "fleet-2", sample_hash(99))
    await lose(site, "fleet-1")
    await lose(site, "fleet-2")
    for ref in ("fleet-1", "fleet-2"):
        await until_ready(site, ref, "False", "DatabaseChanged")
    await site.cycle("second")
    await until_open(site, "fleet-2", "fleet-3", "fleet-4")


async def test_drift_passes_go_on_without_the_database(site: Site) -> None:
    """The database is away: what needs a hash waits and says so, nobody is blamed, the rest goes on; then all mends."""
    site.fill([*fleets(2), customer(3, "paused", state="suspended")])
    await site.deploy(drift=QUICK)
    await site.cycle("first")
    await site.redeploy(database={"urlSecretRef": {"name": "elsewhere", "key": "url"}})
    await lose(site, "fleet-2")
    await site.f11.seed({"customer_ref": "paused"})
    await until_open(site, "fleet-1")
    await until_ready(site, "fleet-2", "False", "SecretNotFound")
    sync = await site.kubectl.get("navixysync", "main") or {}
    assert condition(sync, "DatabaseAvailable")["reason"] == "SecretNotFound"
    await site.redeploy(database={"urlSecretRef": {"name": "customer-database", "key": "url"}})
    await until_open(site, "fleet-1", "fleet-2")

    async def answered() -> bool:
        found = await site.kubectl.get("navixysync", "main") or {}
        return bool(condition(found, "DatabaseAvailable")["status"] == "True")

    await until(site, answered)


async def test_f11_away_is_said_once_and_mends_by_itself(site: Site) -> None:
    """F1.1 does not answer: the condition says so, one Event; when it answers again, so does the condition."""
    await deployed(site)
    await site.f11.settings(error_rate=1.0)

    async def available(status: str) -> bool:
        sync = await site.kubectl.get("navixysync", "main") or {}
        return condition(sync, "ForwardingAvailable").get("status") == status

    await until(site, lambda: available("False"), seconds=60)
    await asyncio.sleep(6)
    await site.f11.settings(error_rate=0.0)
    await until(site, lambda: available("True"), seconds=60)
    assert len(told(site.log(), "DriftTrouble", reason="ForwardingUnavailable")) == 1
    assert len(await site.open_connections()) == 3


async def test_suspend_rests_what_runs_by_itself(site: Site) -> None:
    """spec.suspend: no drift pass; a pin and a SyncCycle made by hand still act."""
    await deployed(site, suspend=True)
    await lose(site, "fleet-2")
    before = await site.f11.count("GET /v1/connections")
    await asyncio.sleep(7)
    assert await site.f11.count("GET /v1/connections") == before
    await site.plane.kubectl(
        "annotate", "navixycustomer", "fleet-1", "-n", site.namespace, "dataforwarding.io/pin=disconnect"
    )
    await until_open(site, "fleet-3")
    assert (await site.cycle("second"))["counts"]["established"] == 1


@pytest.mark.parametrize("lease_seconds", [3])
async def test_what_an_interrupted_cycle_left_is_finished_by_a_drift_pass(site: Site) -> None:
    """Killed after the customers were published: the next drift pass establishes what is missing."""
    site.fill(fleets(40))
    await site.f11.settings(latency_seconds=0.3)
    await site.deploy(drift=QUICK, forwarding={"concurrency": 1})
    await site.kubectl.start_cycle("cut", sync="main")
    async with site.waiting(60):
        while len(await site.open_connections()) < 3:
            await site.pause()
    site.operator.process.send(signal.SIGKILL)
    await asyncio.to_thread(site.operator.process.wait, 10)
    await site.f11.settings(latency_seconds=0.0)
    await site.operator.start()
    await until_open(site, *(f"fleet-{n}" for n in range(1, 41)), seconds=90)
    cut = await site.kubectl.ended("cut")
    assert cut["status"]["reason"] == "Interrupted"
    history = [e["customer_ref"] for e in await site.f11.history() if e["after"] == "pending"]
    assert len(history) == len(set(history)) == 40, "no customer was opened twice"
