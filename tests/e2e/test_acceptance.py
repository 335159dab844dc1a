"""The acceptance criteria of the specification, end to end: real API server, real HTTP, the operator as a process."""

import asyncio
import json

import pytest

from navixy_operator.core.model import fingerprint
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.sample_data import sample_hash
from support.operator import Site
from support.telling import condition, customer, events

pytestmark = [pytest.mark.server, pytest.mark.e2e]


MIXED = [
    customer(1, "fleet-1"),
    customer(2, "fleet-2"),
    customer(3, "no-gateway", gateways=0),
    customer(4, "no-hash", navixy_hash=None),
    customer(5, "bad-hash", navixy_hash="f" * 31),
    customer(6, "paused", state="suspended"),
    customer(7, "left", state="removed"),
    customer(8, "elsewhere", provider="Wialon"),
]


async def test_ac01_a_cycle_queries_the_database_and_goes_on_to_validation(site: Site) -> None:
    """AC1: customers with Navixy are identified, their states and hashes extracted, and validation follows."""
    site.fill(MIXED)
    await site.deploy()
    status = await site.cycle("first")
    assert status["phase"] == "completed"
    assert (status["counts"]["rows"], status["counts"]["customers"]) == (8, 7)
    found = await site.customers()
    assert set(found) == {"fleet-1", "fleet-2", "no-gateway", "no-hash", "bad-hash", "paused"}
    assert found["paused"]["spec"]["state"] == "suspended"
    assert found["fleet-1"]["spec"]["hashFingerprint"] == fingerprint(sample_hash(1))
    names = [line["event"] for line in events(site.log(), "first")]
    assert names.index("CustomerDatabaseQueried") < names.index("EligibleCustomersIdentified")


async def test_ac01_the_schedule_starts_a_cycle_that_was_missed(site: Site) -> None:
    """AC1: a daily run that was due while the operator was down starts when it comes back, once."""
    site.fill(MIXED)
    await site.operator.stop()
    await site.deploy(schedule="0 3 * * *", timeZone="Europe/Berlin")
    path = f"/apis/dataforwarding.io/v1alpha1/namespaces/{site.namespace}/navixysyncs/main"
    sync = site.plane.request("GET", path)
    sync["status"] = {"lastScheduleTime": "2026-01-01T02:00:00Z"}
    site.plane.request("PUT", f"{path}/status", sync)
    await site.operator.start()
    async with site.waiting():
        while not (cycles := await site.kubectl.list("synccycles")):
            await site.pause()
    ended = await site.kubectl.ended(cycles[0]["metadata"]["name"])
    assert ended["status"]["phase"] == "completed"
    assert ended["spec"]["scheduledTime"].endswith(("T01:00:00Z", "T02:00:00Z")), "three o'clock in Berlin"
    assert len(await site.kubectl.list("synccycles")) == 1
    after = await site.kubectl.get("navixysync", "main")
    assert after is not None
    assert after["status"]["lastScheduleTime"] == ended["spec"]["scheduledTime"]
    assert after["status"]["nextScheduleTime"] > after["status"]["lastScheduleTime"]


async def test_ac02_requirements_are_validated_and_skips_logged(site: Site) -> None:
    """AC2: gateways and a valid hash make eligible; who misses one is skipped, listed and logged with the reason."""
    site.fill(MIXED)
    await site.deploy()
    status = await site.cycle("first")
    assert status["counts"]["eligible"] == 2
    skips = {entry["customerRef"]: entry["reason"] for entry in status["skips"]}
    assert skips == {"no-gateway": "NoGateways", "no-hash": "MissingHash", "bad-hash": "InvalidHash"}
    assert status["skipCounts"] == {"NoGateways": 1, "MissingHash": 1, "InvalidHash": 1}
    logged = {e["customer"]: e["reason"] for e in events(site.log(), "first") if e["event"] == "CustomerSkipped"}
    assert logged == skips
    found = await site.customers()
    assert {ref: condition(found[ref], "Eligible")["reason"] for ref in skips} == skips
    assert found["fleet-1"]["metadata"]["labels"]["dataforwarding.io/eligible"] == "true"
    assert found["no-hash"]["metadata"]["labels"]["dataforwarding.io/eligible"] == "false"
    assert set(await site.open_connections()) == {"fleet-1", "fleet-2"}


async def test_ac03_all_connections_are_read_page_by_page(site: Site) -> None:
    """AC3: F1.1 is asked for every connection, over pages, and they are counted."""
    seeds = [{"customer_ref": f"old-{n}", "state": "disconnected"} for n in range(1500)]
    await site.f11.seed(*seeds, {"customer_ref": "fleet-1", "hash_fingerprint": fingerprint(sample_hash(1))})
    site.fill([customer(1, "fleet-1")])
    await site.deploy()
    status = await site.cycle("first")
    assert (status["counts"]["actualBefore"], status["counts"]["actual"]) == (1, 1)
    assert status["counts"]["discrepancies"] == 0
    assert await site.f11.count("GET /v1/connections") == 4, "two pages before and two after the actions"


async def test_ac04_every_kind_of_discrepancy_is_found(site: Site) -> None:
    """AC4: missing and extra connections, suspended and removed customers with one, changed hashes, duplicates."""
    await site.f11.seed(
        {"customer_ref": "ghost"},
        {"customer_ref": None},
        {"customer_ref": "paused"},
        {"customer_ref": "left"},
        {"customer_ref": "no-gateway"},
        {"customer_ref": "fleet-2", "hash_fingerprint": "0" * 16},
    )
    site.fill(MIXED)
    await site.deploy()
    status = await site.cycle("look", dry_run=True)
    found = {(entry.get("customerRef"), entry["type"]) for entry in status["discrepancies"]}
    assert found == {
        ("fleet-1", "MissingConnection"),
        ("fleet-2", "HashChanged"),
        ("ghost", "ExtraConnection"),
        (None, "ExtraConnection"),
        ("paused", "SuspendedConnected"),
        ("left", "RemovedConnected"),
        ("no-gateway", "IneligibleConnected"),
    }
    assert status["counts"]["discrepancies"] == len(found)
    assert status["discrepancyCounts"]["ExtraConnection"] == 2
    assert len(await site.open_connections()) == 6, "a dry run closes nothing"
    assert await site.customers() == {}, "a dry run writes no customer"


async def test_ac05_missing_connections_are_established_with_the_hash(site: Site) -> None:
    """AC5: F1.1 is asked with the customer's hash, the end is watched, and success is logged."""
    await site.f11.settings(settle_seconds=1.0)
    site.fill(MIXED)
    await site.deploy()
    status = await site.cycle("first")
    assert status["counts"]["established"] == 2
    opened = await site.open_connections()
    for number, ref in ((1, "fleet-1"), (2, "fleet-2")):
        assert [c["state"] for c in opened[ref]] == ["connected"]
        assert opened[ref][0]["hash_fingerprint"] == fingerprint(sample_hash(number))
        assert opened[ref][0]["origin"] == "automatic"
    logged = {e["customer"] for e in events(site.log(), "first") if e["event"] == "ConnectionEstablished"}
    assert logged == {"fleet-1", "fleet-2"}
    resource = (await site.customers())["fleet-1"]
    assert resource["status"]["connection"]["state"] == "connected"
    assert condition(resource, "Ready")["status"] == "True"


async def test_ac06_invalid_connections_are_closed_and_verified(site: Site) -> None:
    """AC6: extras, and connections of suspended and removed customers, are closed, verified and logged."""
    await site.f11.settings(close_seconds=0.5)
    await site.f11.seed(
        {"customer_ref": "ghost"}, {"customer_ref": None}, {"customer_ref": "paused"}, {"customer_ref": "left"}
    )
    site.fill(MIXED)
    await site.deploy()
    status = await site.cycle("first")
    assert status["counts"]["closed"] == 4
    assert set(await site.open_connections()) == {"fleet-1", "fleet-2"}
    closed = [e for e in events(site.log(), "first") if e["event"] == "ConnectionClosed"]
    reasons = {e.get("customer"): e["reason"] for e in closed}
    assert reasons.pop("ghost") == "NotInDatabase"
    assert reasons.pop("paused") == "Suspended"
    assert reasons.pop("left") == "Removed"
    assert list(reasons.values()) == ["NotInDatabase"]
    messages = await site.plane.kubectl("get", "events", "-n", site.namespace, "-o", "json")
    assert sum(e["reason"] == "ConnectionClosed" for e in json.loads(messages)["items"]) == 4


async def test_ac06_a_customer_who_leaves_is_closed_before_its_resource_goes(site: Site) -> None:
    """AC6: suspended keeps its resource; removed, and gone from the database, lose it with the connection."""
    site.fill([customer(n, f"fleet-{n}") for n in range(1, 5)])
    await site.deploy(guards={"maxShrinkPercent": 25})
    await site.cycle("first")
    sample_data.suspend(site.database_url, "fleet-1")
    sample_data.remove(site.database_url, "fleet-2")
    sample_data.delete(site.database_url, "fleet-3")
    status = await site.cycle("second")
    assert status["counts"]["closed"] == 3
    assert set(await site.open_connections()) == {"fleet-4"}
    found = await site.customers()
    assert set(found) == {"fleet-1", "fleet-4"}
    assert condition(found["fleet-1"], "Ready")["reason"] == "Suspended"


async def test_ac07_results_are_validated_against_a_second_look(site: Site) -> None:
    """AC7: counts and members are compared after the actions; what is not right is said."""
    site.fill(MIXED)
    await site.deploy()
    assert (await site.cycle("good"))["validation"] == {"passed": True, "expected": 2, "actual": 2}
    await site.f11.settings(failures={"fleet-3": {"code": "upstream", "message": "no answer", "permanent": False}})
    site.fill([customer(9, "fleet-3")])
    status = await site.cycle("bad")
    assert status["validation"]["passed"] is False
    assert (status["validation"]["expected"], status["validation"]["actual"]) == (3, 2)
    assert any("fleet-3" in message for message in status["validation"]["messages"])
    sync = await site.kubectl.get("navixysync", "main")
    assert sync is not None
    assert condition(sync, "InSync")["status"] == "False"


async def test_ac08_results_are_logged_and_reported(site: Site) -> None:
    """AC8: when and how long, discrepancies, actions, skips with reasons, and a summary."""
    await site.f11.seed({"customer_ref": "ghost"})
    site.fill(MIXED)
    await site.deploy()
    status = await site.cycle("first")
    assert status["startTime"] <= status["completionTime"]
    assert status["durationSeconds"] > 0
    actions = {(entry.get("customerRef"), entry["action"], entry["outcome"]) for entry in status["actions"]}
    assert ("fleet-1", "Establish", "Succeeded") in actions
    assert ("ghost", "Close", "Succeeded") in actions
    assert status["message"].startswith("2 of 2 expected connections are connected; 2 established, 1 closed")
    (last,) = [e for e in events(site.log(), "first") if e["event"] == "SynchronizationCompleted"]
    assert last["duration_seconds"] > 0
    assert last["counts"]["established"] == 2
    table = await site.plane.kubectl("get", "navixysyncs", "-n", site.namespace)
    assert table.splitlines()[1].split()[:5] == ["main", "completed", "2", "2", "0"]
    code, trail, _ = await asyncio.to_thread(site.command, "audit", "--cycle", "first", "-o", "json", "--oldest-first")
    assert code == 0
    told = [e for e in map(json.loads, trail.splitlines()) if e["run_kind"] == "cycle"]
    logged = [e for e in events(site.log(), "first") if e["run_kind"] == "cycle"]
    assert [(e["event"], e["seq"]) for e in told] == [(e["event"], e["seq"]) for e in logged]
    assert {e["run"] for e in told} == {e["run"] for e in logged}


async def test_ac12_f11_is_used_with_the_right_customer_and_hash_and_verified(site: Site) -> None:
    """AC12: every operation carries the right customer and hash, its end is verified and logged, good or bad."""
    bad = sample_hash(2)
    await site.f11.settings(refusals={fingerprint(bad): "hash-rejected"})
    site.fill([customer(1, "fleet-1"), customer(2, "refused"), customer(3, "fleet-3")])
    await site.deploy()
    status = await site.cycle("first")
    assert (status["counts"]["established"], status["counts"]["establishFailed"]) == (2, 1)
    assert status["phase"] == "completed"
    assert status["reason"] == "PartiallySynchronized"
    refused = (await site.customers())["refused"]
    assert condition(refused, "Ready")["reason"] == "HashRejected"
    assert refused["status"]["connection"]["error"]["code"] == "hash-rejected"
    (failed,) = [e for e in events(site.log(), "first") if e["event"] == "ConnectionEstablishFailed"]
    assert failed["customer"] == "refused"
    asked = await site.f11.count("POST /v1/connections")
    await site.cycle("second")
    assert await site.f11.count("POST /v1/connections") == asked, "a refused hash is not tried again"
    sample_data.set_hash(site.database_url, "refused", sample_hash(99))
    assert (await site.cycle("third"))["counts"]["established"] == 1
    assert set(await site.open_connections()) == {"fleet-1", "refused", "fleet-3"}
    history = [e for e in await site.f11.history() if e["customer_ref"] == "fleet-1"]
    assert [e["after"] for e in history] == ["pending", "connected"], "one connection, opened once"


async def test_ac05_a_connection_that_failed_is_tried_again_by_the_next_cycle(site: Site) -> None:
    """AC5: a failure is marked on its customer and logged; the next cycle closes what is left of it and tries again."""
    failure = {"code": "navixy-unreachable", "message": "Navixy did not answer", "permanent": False, "times": 1}
    await site.f11.settings(failures={"fleet-2": failure})
    site.fill([customer(1, "fleet-1"), customer(2, "fleet-2")])
    await site.deploy()
    first = await site.cycle("first")
    assert (first["counts"]["established"], first["counts"]["establishFailed"]) == (1, 1)
    marked = (await site.customers())["fleet-2"]
    assert marked["status"]["failedCycles"] == 1
    assert marked["status"]["connection"]["error"]["code"] == "navixy-unreachable"
    assert condition(marked, "Ready")["reason"] == "EstablishFailed"
    second = await site.cycle("second")
    assert second["counts"]["established"] == 1
    mended = (await site.customers())["fleet-2"]
    assert mended["status"]["failedCycles"] == 0
    assert "error" not in mended["status"]["connection"]
    assert [len(found) for found in (await site.open_connections()).values()] == [1, 1]
