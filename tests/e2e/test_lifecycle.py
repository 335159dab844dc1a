"""The operator's own life, end to end: schedule, order, restart, dry run, sharing, history, stopping, probes."""

import asyncio
import json
import signal
import sys
import time
from itertools import pairwise
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from navixy_operator.sandbox.deployment import Operator, navixy_sync, sync_cycle
from navixy_operator.sandbox.sample_data import eligible_customers
from support.operator import Site
from support.telling import in_mid_cycle

pytestmark = [pytest.mark.server, pytest.mark.e2e]
KOPFS_PATIENCE_SECONDS = 5.0
"""For which it waits, at its end, for what it does not know."""
SLOW_START = """
import asyncio, kopf, sys
from navixy_operator import cli, service

def slow(*of, registry_for=service.registry_for):
    registry = registry_for(*of)

    @kopf.on.startup(registry=registry)
    async def wait(**_):
        print("KopfStarts", flush=True)
        await asyncio.sleep(1)

    return registry

service.registry_for = slow
sys.exit(cli.main(["run"]))
"""


async def status_of(site: Site, kind: str, name: str) -> dict[str, Any]:
    """A resource's status; empty while there is none."""
    return dict((await site.kubectl.get(kind, name) or {}).get("status", {}))


async def until(site: Site, kind: str, name: str, **fields: str) -> dict[str, Any]:
    """Wait until the status has these values."""
    async with site.waiting():
        while not fields.items() <= (status := await status_of(site, kind, name)).items():
            await site.pause()
        return status


@pytest.mark.parametrize("lease_seconds", [4])
async def test_a_killed_operator_leaves_an_interrupted_cycle_and_the_next_one_finishes(site: Site) -> None:
    """SIGKILL in mid-cycle: the cycle is marked Interrupted at the next start; the next cycle puts all right."""
    await in_mid_cycle(site)
    site.operator.process.send(signal.SIGKILL)
    await asyncio.to_thread(site.operator.process.wait, 10)
    await site.f11.settings(latency_seconds=0)
    await site.operator.start()
    cut = await until(site, "synccycle", "cut", phase="failed", reason="Interrupted")
    assert "stopped" in cut["message"]
    status = await site.cycle("after")
    assert status["counts"]["actual"] == 40
    assert all(len(found) == 1 for found in (await site.open_connections()).values())
    history = [change["customer_ref"] for change in await site.f11.history() if change["after"] == "pending"]
    assert len(history) == len(set(history)) == 40, "no customer was opened twice"


async def test_a_stopped_operator_says_so_on_the_cycle_under_way(site: Site) -> None:
    """SIGTERM in mid-cycle: the cycle is marked at once, the process ends in time with code 0."""
    await in_mid_cycle(site)
    site.operator.process.send(signal.SIGTERM)
    assert await asyncio.to_thread(site.operator.process.wait, 20) == 0
    status = await status_of(site, "synccycle", "cut")
    assert (status["phase"], status["reason"]) == ("failed", "Interrupted")


async def test_who_scrapes_does_not_delay_the_end(site: Site) -> None:
    """Prometheus keeps its connection open; the lease is free for the other replica at once all the same."""
    timeout = aiohttp.ClientTimeout(total=10)
    async with aiohttp.ClientSession(f"http://127.0.0.1:{site.operator.port}", timeout=timeout) as session:
        async with session.get("/metrics") as answer:
            assert "navixy_leader 1.0" in await answer.text()
        began = time.monotonic()
        await site.operator.stop()
        took = time.monotonic() - began
    assert '"LeadershipReleased"' in site.log()
    assert took < KOPFS_PATIENCE_SECONDS, site.log()


async def test_an_end_in_the_middle_of_the_start_is_as_quick(site: Site, tmp_path: Path) -> None:
    """kopf, told to stop while it starts, runs no cleanup and waits for a waiter of its own: it is told later."""
    await site.operator.stop()
    directory = tmp_path / "slow"
    directory.mkdir()
    command = [sys.executable, "-c", SLOW_START]
    operator = Operator(site.plane, directory, site.namespace, command=command)
    async with operator, site.waiting():
        while "KopfStarts" not in operator.log.read_text():
            await site.pause()
        began = time.monotonic()
        await operator.stop()
        took = time.monotonic() - began
    log = operator.log.read_text()
    assert '"LeadershipReleased"' in log
    assert took < KOPFS_PATIENCE_SECONDS, log


async def test_cycles_run_one_at_a_time_in_the_order_of_their_making(site: Site) -> None:
    """A second request waits until the first has ended."""
    site.fill(list(eligible_customers(10)))
    await site.f11.settings(settle_seconds=1.0)
    await site.deploy()
    names = ["one", "two", "three"]
    for name in names:
        await site.kubectl.apply(sync_cycle(site.namespace, name, sync="main"))
    ended = [(await site.kubectl.ended(name))["status"] for name in names]
    log = [json.loads(line) for line in site.log().splitlines() if line.startswith("{")]
    story = [(e["event"], e["cycle"]) for e in log if e["event"].startswith("Synchronization")]
    assert story == [(event, n) for n in names for event in ("SynchronizationStarted", "SynchronizationCompleted")]
    assert all(one["completionTime"] <= two["startTime"] for one, two in pairwise(ended))


async def test_a_dry_run_plans_and_touches_nothing(site: Site) -> None:
    """dryRun: the whole report, no customer, no request that changes F1.1, the NavixySync's counts as they were."""
    site.fill(list(eligible_customers(5)))
    await site.f11.seed({"customer_ref": "ghost"})
    await site.deploy()
    status = await site.cycle("plan", dry_run=True)
    assert status["phase"] == "completed"
    assert status["counts"]["missing"] == 5
    assert status["counts"]["extra"] == 1
    assert {entry["outcome"] for entry in status["actions"]} == {"Held"}
    assert {entry["reason"] for entry in status["actions"]} == {"DryRun"}
    assert "heldCloses" not in status
    requests = await site.f11.requests()
    assert set(requests) == {"GET /v1/connections"}
    assert await site.customers() == {}
    assert "lastCycle" not in await status_of(site, "navixysync", "main")


async def test_the_younger_of_two_that_share_an_f11_does_nothing(site: Site) -> None:
    """Two NavixySyncs of one F1.1: the older works, the younger says ForwardingShared, and its cycles wait."""
    site.fill(list(eligible_customers(3)))
    await site.deploy()
    await site.cycle("first")
    await site.kubectl.apply(navixy_sync(site.namespace, "rival", f11_url=site.f11.url + "/"))
    await site.kubectl.start_cycle("rivals", sync="rival")
    async with site.waiting():
        while not (conditions := (await status_of(site, "navixysync", "rival")).get("conditions")):
            await site.pause()
    ready = next(entry for entry in conditions if entry["type"] == "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "ForwardingShared")
    assert f"{site.namespace}/main" in ready["message"]
    waiting = await until(site, "synccycle", "rivals", phase="pending", reason="ForwardingShared")
    assert "older" in waiting["message"]
    assert (await site.cycle("second"))["counts"]["discrepancies"] == 0
    await site.plane.kubectl("delete", "navixysync", "main", "-n", site.namespace)
    assert (await site.kubectl.ended("rivals"))["status"]["phase"] == "completed"


async def test_a_cycle_without_its_sync_waits_and_says_so(site: Site) -> None:
    """A SyncCycle that names no NavixySync there is stays pending; it runs when there is one."""
    site.fill(list(eligible_customers(2)))
    await site.kubectl.start_cycle("early", sync="main")
    status = await until(site, "synccycle", "early", phase="pending", reason="SyncNotFound")
    assert '"main"' in status["message"]
    await site.deploy()
    assert (await site.kubectl.ended("early"))["status"]["counts"]["actual"] == 2


async def test_only_the_newest_cycles_are_kept(site: Site) -> None:
    """history.cycles bounds how many finished SyncCycles stay."""
    site.fill(list(eligible_customers(1)))
    await site.deploy(history={"cycles": 2})
    for name in ("a", "b", "c", "d"):
        await site.cycle(name)
    async with site.waiting():
        while (left := {item["metadata"]["name"] for item in await site.kubectl.list("synccycles")}) != {"c", "d"}:
            assert {"c", "d"} <= left
            await site.pause()


async def test_probes_answer_while_the_operator_works(site: Site) -> None:
    """/healthz and /readyz are 200 with a JSON body."""
    async with aiohttp.ClientSession() as session:
        for path in ("healthz", "readyz"):
            async with site.waiting():
                while True:
                    async with session.get(f"http://127.0.0.1:{site.operator.port}/{path}") as answer:
                        if answer.status == 200:
                            break
                    await site.pause()


async def test_a_hand_changed_customer_is_put_right_by_the_next_cycle(site: Site) -> None:
    """A Database customer is a projection: what a person changes or deletes comes back; its connection stays."""
    site.fill(list(eligible_customers(3)))
    await site.deploy()
    await site.cycle("first")
    before = await site.customers()
    first, second, _ = sorted(before)
    names = {ref: before[ref]["metadata"]["name"] for ref in before}
    await site.plane.kubectl("delete", "navixycustomer", names[first], "-n", site.namespace)
    async with site.waiting(20):
        while first not in await site.customers():
            await site.pause()
    patch = json.dumps({"spec": {"state": "suspended", "gateways": 99}})
    target = ["navixycustomer", names[second], "-n", site.namespace]
    await site.plane.kubectl("patch", *target, "--type=merge", "-p", patch)
    status = await site.cycle("second")
    assert (status["counts"]["created"], status["counts"]["updated"]) == (0, 1)
    after = await site.customers()
    assert {ref: item["spec"] for ref, item in after.items()} == {ref: item["spec"] for ref, item in before.items()}
    assert await site.f11.count("DELETE /v1/connections/{id}") == 0
    assert len(await site.f11.history()) == 6, "three connections, each pending and connected, once"
