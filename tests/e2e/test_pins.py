"""Pins, end to end: what a person annotates acts within seconds, goes before everything, and ends when it should."""

import asyncio
import time
from datetime import UTC, datetime, timedelta

import pytest

from navixy_operator.core.model import fingerprint
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.sample_data import sample_hash
from support.operator import Site
from support.telling import annotate, condition, customer, fleets, ready, told, until, until_open, until_ready

pytestmark = [pytest.mark.server, pytest.mark.e2e]


async def deployed(site: Site, count: int = 3) -> None:
    """A few fleets, connected."""
    site.fill(fleets(count))
    await site.deploy()
    await site.cycle("first")


async def test_a_pin_acts_within_two_seconds(site: Site) -> None:
    """Disconnect closes at once; taking the pin away brings the connection back; both are said where people look."""
    await deployed(site)
    began = time.monotonic()
    await annotate(site, "fleet-2", pin="disconnect", pin_by="anna", pin_reason="moves house")
    await until_open(site, "fleet-1", "fleet-3")
    assert time.monotonic() - began < 5, "two seconds are the aim; kubectl and busy machines take their part"
    item = await until_ready(site, "fleet-2", "True", "Pinned")
    assert item["status"]["pin"] == {
        "mode": "disconnect",
        "by": "anna",
        "reason": "moves house",
        "insteadOf": {"desired": "Connected", "reason": "Eligible"},
    }
    pinned = condition(item, "Pinned")
    assert (pinned["status"], pinned["reason"]) == ("True", "Pinned")
    assert pinned["message"] == "disconnect, by anna: moves house; without it: Connected (Eligible)"
    table = await site.plane.kubectl("get", "navixycustomers", "-n", site.namespace)
    header, *rows = table.splitlines()
    columns = [*("NAME", "REF", "STATE", "GATEWAYS", "DESIRED"), *("CONNECTION", "READY", "REASON", "PIN", "AGE")]
    assert header.split() == columns
    (row,) = [line.split() for line in rows if line.startswith("fleet-2")]
    assert row[4:9] == ["Disconnected", "disconnected", "True", "Pinned", "disconnect"]
    (closed,) = told(site.log(), "ConnectionClosed", customer="fleet-2")
    assert (closed["origin"], closed["reason"]) == ("manual", "Pinned")
    assert [line["origin"] for line in told(site.log(), "PinApplied", customer="fleet-2")] == ["manual"]

    await annotate(site, "fleet-2", pin=None, pin_by=None, pin_reason=None)
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")
    item = await until_ready(site, "fleet-2", "True", "Connected")
    assert "pin" not in item["status"]
    assert condition(item, "Pinned") == {}
    assert len(told(site.log(), "PinRemoved", customer="fleet-2")) == 1


async def test_a_pinned_off_customer_is_no_missing_connection(site: Site) -> None:
    """Counts and validation take pins into account, and a cycle leaves the pinned alone."""
    await deployed(site)
    await annotate(site, "fleet-2", pin="disconnect")
    await until_open(site, "fleet-1", "fleet-3")
    status = await site.cycle("second")
    assert (status["counts"]["expected"], status["counts"]["actual"], status["counts"]["missing"]) == (2, 2, 0)
    assert (status["counts"]["pinned"], status["counts"]["discrepancies"]) == (1, 0)
    assert status["validation"]["passed"] is True


async def test_a_connect_pin_overrules_a_suspension(site: Site) -> None:
    """Connect forces the connection with the hash that the database has, and keeps it through cycles."""
    site.fill([*fleets(2), customer(3, "paused", state="suspended")])
    await site.deploy()
    await site.cycle("first")
    await annotate(site, "paused", pin="connect", pin_reason="demo")
    await until_open(site, "fleet-1", "fleet-2", "paused")
    (made,) = (await site.open_connections())["paused"]
    assert made["hash_fingerprint"] == fingerprint(sample_hash(3))
    assert made["origin"] == "automatic", "F1.1 must not take it for F1.3's: the pin can be taken away again"
    status = await site.cycle("second")
    assert status["counts"]["closed"] == 0
    assert status["validation"] == {"passed": True, "expected": 3, "actual": 3}
    item = (await site.customers())["paused"]
    assert item["status"]["pin"]["insteadOf"] == {"desired": "Disconnected", "reason": "Suspended"}
    await annotate(site, "paused", pin=None)
    await until_open(site, "fleet-1", "fleet-2")


async def test_hold_leaves_the_connection_as_it_is(site: Site) -> None:
    """Neither a suspension closes a held one, nor is a lost one of a held customer opened; an unknown mode holds."""
    await deployed(site)
    await annotate(site, "fleet-1", pin="hold")
    await annotate(site, "fleet-2", pin="freeze")
    await until_ready(site, "fleet-1", "True", "Pinned")
    odd = await until_ready(site, "fleet-2", "True", "Pinned")
    assert odd["status"]["pin"]["mode"] == "hold"
    assert "none of connect, disconnect, hold" in condition(odd, "Pinned")["message"]
    assert len(told(site.log(), "PinProblem", customer="fleet-2")) == 1
    sample_data.suspend(site.database_url, "fleet-1")
    sample_data.suspend(site.database_url, "fleet-3")
    (lost,) = (await site.open_connections())["fleet-2"]
    await site.f11.alter(lost["id"], state="disconnected")
    status = await site.cycle("second")
    assert set(await site.open_connections()) == {"fleet-1"}
    assert (status["counts"]["closed"], status["counts"]["established"]) == (1, 0)
    assert status["validation"] == {"passed": True, "expected": 1, "actual": 1}


async def test_an_expired_pin_no_longer_counts(site: Site) -> None:
    """At its end the customer is put right at once, an Event says so once, and the annotation stays for its owner."""
    await deployed(site)
    end = (datetime.now(UTC) + timedelta(seconds=4)).strftime("%Y-%m-%dT%H:%M:%SZ")
    await annotate(site, "fleet-2", pin="disconnect", pin_until=end)
    await until_open(site, "fleet-1", "fleet-3")
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")
    item = await until_ready(site, "fleet-2", "True", "Connected")
    assert datetime.now(UTC) >= datetime.fromisoformat(end)
    pinned = condition(item, "Pinned")
    assert (pinned["status"], pinned["reason"]) == ("False", "PinExpired")
    assert item["metadata"]["annotations"]["dataforwarding.io/pin"] == "disconnect"
    await site.cycle("second")
    assert len(told(site.log(), "PinExpired", customer="fleet-2")) == 1


async def test_a_pin_set_while_nobody_was_at_work_acts_at_the_start(site: Site) -> None:
    """Annotated while the operator was down: heeded when it comes back."""
    await deployed(site)
    await site.operator.stop()
    await annotate(site, "fleet-2", pin="disconnect")
    await site.operator.start()
    await until_open(site, "fleet-1", "fleet-3")


async def test_a_pin_acts_while_a_cycle_is_running(site: Site) -> None:
    """A long cycle neither delays a pin nor undoes it: who is pinned off while it runs is not connected by it."""
    site.fill(fleets(60))
    await site.f11.settings(latency_seconds=0.4)
    await site.deploy(forwarding={"concurrency": 1})
    await site.kubectl.start_cycle("long", sync="main")
    async with site.waiting(60):
        while "fleet-60" not in await site.customers() or not await site.open_connections():
            await site.pause()
    await annotate(site, "fleet-1", pin="disconnect")
    await annotate(site, "fleet-60", pin="disconnect")
    await until_ready(site, "fleet-60", "True", "Pinned")
    phase = (await site.kubectl.get("synccycle", "long") or {})["status"]["phase"]
    assert phase == "in_progress", "the cycle is still at it"
    await site.f11.settings(latency_seconds=0.0)
    await site.kubectl.ended("long")
    await until_open(site, *(f"fleet-{n}" for n in range(2, 60)))
    opened = [e for e in await site.f11.history() if e["customer_ref"] == "fleet-60" and e["after"] == "pending"]
    assert opened == [], "not even for a moment"
    for ref in ("fleet-1", "fleet-60"):
        assert ready(await until_ready(site, ref, "True", "Pinned")) == ("True", "Pinned")


async def test_a_connect_pin_without_a_hash_warns_and_falls_through(site: Site) -> None:
    """Nothing can be opened without a hash: the next rule decides, and the customer says so."""
    site.fill([*fleets(1), customer(2, "bare", navixy_hash=None)])
    await site.deploy()
    await site.cycle("first")
    await annotate(site, "bare", pin="connect")

    async def warned() -> bool:
        return bool(told(site.log(), "PinProblem", customer="bare"))

    await until(site, warned)
    item = (await site.customers())["bare"]
    assert "no hash is known" in condition(item, "Pinned")["message"]
    assert ready(item) == ("True", "MissingHash")
    assert set(await site.open_connections()) == {"fleet-1"}


async def test_policies_bind_pins(site: Site) -> None:
    """UpsertOnly never closes, and Observe never acts: not for a pin either; it is said on the customer."""
    await deployed(site)
    await site.redeploy(policy="UpsertOnly")
    await annotate(site, "fleet-2", pin="disconnect")
    await until_ready(site, "fleet-2", "False", "PolicyUpsertOnly")
    await asyncio.sleep(1)
    assert len(await site.open_connections()) == 3
    await site.redeploy(policy="Full")
    await site.cycle("second")
    assert len(await site.open_connections()) == 2
