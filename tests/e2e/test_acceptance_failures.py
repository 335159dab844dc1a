"""The acceptance criteria on what goes wrong (AC9, AC10, AC11, AC13), end to end."""

import asyncio
import json
from typing import Any

import pytest

from navixy_operator.core.vocabulary import AlertName, Trigger
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.deployment import secret
from navixy_operator.sandbox.monitoring import Alertmanager, WebhookReceiver
from navixy_operator.sandbox.sample_data import sample_hash
from support.monitoring import came
from support.operator import Site
from support.telling import condition, customer, events, fleets, ready, told, until, until_open, until_ready

pytestmark = [pytest.mark.server, pytest.mark.e2e]
SELDOM = {"intervalSeconds": 86_400}
"""No drift pass within a test that looks at cycles."""
UNREACHABLE = {"code": "navixy-unreachable", "message": "Navixy did not answer", "permanent": False}


async def sync_of(site: Site) -> dict[str, Any]:
    """The NavixySync as it is."""
    return await site.kubectl.get("navixysync", "main") or {}


async def investigated(site: Site, trigger: Trigger, phase: str) -> bool:
    """Whether there is one investigation of that trigger, in that phase."""
    listed = await site.kubectl.list("investigations")
    return [item["status"]["phase"] for item in listed if item["spec"]["trigger"] == trigger] == [phase]


async def audited(site: Site, *options: str) -> list[dict[str, Any]]:
    """What ``navixy-operator audit`` finds, once all is delivered."""
    code, output, problem = await asyncio.to_thread(site.command, "audit", *options, "-o", "json", "--limit", "0")
    assert code == 0, problem
    return [json.loads(line) for line in output.splitlines()]


async def event_reasons(site: Site) -> list[str]:
    """The reasons of all Events, as ``kubectl get events`` shows them."""
    listed = await site.plane.kubectl("get", "events", "-n", site.namespace, "-o", "json")
    return [item["reason"] for item in json.loads(listed)["items"]]


async def test_ac09_a_cycle_without_the_database_is_skipped_and_all_goes_on(site: Site) -> None:
    """AC9: the cycle fails with its reason, nothing is opened or closed, the next is due, and it mends by itself."""
    site.fill(fleets(3))
    await site.f11.seed({"customer_ref": "ghost"})
    await site.deploy(drift={"intervalSeconds": 5}, schedule="0 3 * * *")
    bad = secret(site.namespace, "customer-database", url="postgresql+psycopg://reader:pw@127.0.0.1:1/customers")
    await site.kubectl.apply(bad)
    status = await site.cycle("skipped")
    assert (status["phase"], status["reason"]) == ("failed", "DatabaseUnavailable")
    assert set(await site.open_connections()) == {"ghost"}
    (line,) = [e for e in events(site.log(), "skipped") if e["event"] == "SynchronizationFailed"]
    assert (line["level"], line["reason"]) == ("warning", "DatabaseUnavailable")
    assert "pw" not in json.dumps(status)
    sync = await sync_of(site)
    assert sync["status"]["phase"] == "failed"
    assert condition(sync, "DatabaseAvailable")["status"] == "False"
    assert condition(sync, "Stalled") == {}, "time mends it"

    async def scheduled() -> bool:
        return "nextScheduleTime" in (await sync_of(site))["status"]

    await until(site, scheduled)
    await site.kubectl.apply(secret(site.namespace, "customer-database", url=site.database_url))
    assert (await site.cycle("next"))["counts"]["established"] == 3
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")
    assert condition(await sync_of(site), "DatabaseAvailable")["status"] == "True"


async def test_ac10_an_establish_that_fails_is_marked_and_retried_and_stops_nobody(site: Site) -> None:
    """AC10: 5xx for one customer, another's connection fails; the third is served, the next cycle retries."""
    site.fill(fleets(3))
    await site.f11.settings(failures={"fleet-2": {**UNREACHABLE, "times": 1}})
    await site.f11.fault("error", route="establish", subject="fleet-1", times=6)
    await site.deploy(drift=SELDOM)
    status = await site.cycle("first")
    assert (status["phase"], status["reason"]) == ("completed", "PartiallySynchronized")
    assert (status["counts"]["established"], status["counts"]["establishFailed"]) == (1, 2)
    failed = {e["customer"]: e for e in events(site.log(), "first") if e["event"] == "ConnectionEstablishFailed"}
    assert set(failed) == {"fleet-1", "fleet-2"}
    assert "navixy-unreachable" in failed["fleet-2"]["problem"]
    assert "http-503" in failed["fleet-1"]["problem"]
    found = await site.customers()
    for ref in failed:
        assert ready(found[ref]) == ("False", "EstablishFailed")
        assert found[ref]["status"]["connection"]["state"] == "failed"
        assert found[ref]["status"]["failedCycles"] == 1
    assert ready(found["fleet-3"]) == ("True", "Connected")
    assert (await site.cycle("second"))["counts"]["established"] == 2
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")


async def test_ac10_a_refused_token_stops_the_pass_and_blames_nobody(site: Site) -> None:
    """AC10's limit: 401 and 403 are about our token. The pass ends, no customer is marked; a new token mends it."""
    site.fill(fleets(3))
    await site.deploy(drift={"intervalSeconds": 5})
    await site.cycle("first")
    site.f11.write_token("another-token")
    await site.f11.reload_token()
    site.fill([customer(4, "fleet-4")])
    status = await site.cycle("refused")
    assert (status["phase"], status["reason"]) == ("failed", "ForwardingUnauthorized")
    found = await site.customers()
    assert {ref: ready(found[ref]) for ref in ("fleet-1", "fleet-2", "fleet-3")} == dict.fromkeys(
        ("fleet-1", "fleet-2", "fleet-3"), ("True", "Connected")
    )
    assert condition(await sync_of(site), "ForwardingAvailable")["reason"] == "ForwardingUnauthorized"
    assert condition(await sync_of(site), "Stalled")["reason"] == "ForwardingUnauthorized", "a person must renew it"
    await site.kubectl.apply(secret(site.namespace, "f11-token", token="another-token"))
    await until_open(site, "fleet-1", "fleet-2", "fleet-3", "fleet-4")


async def test_ac11_a_count_mismatch_is_detected_told_and_carried_from_cycle_to_cycle(
    site: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """AC11: logged with details, alerted, investigated, tracked over cycles until resolved, persistent after two."""
    site.fill(fleets(3))
    await site.f11.settings(failures={"fleet-2": UNREACHABLE})
    await site.deploy(drift=SELDOM, alerts={"alertmanagerUrl": alertmanager.url})
    for number, name in enumerate(("one", "two", "three"), 1):
        status = await site.cycle(name)
        assert (status["validation"]["expected"], status["validation"]["actual"]) == (3, 2)
        (line,) = [e for e in events(site.log(), name) if e["event"] == "ConnectionCountMismatch"]
        assert (line["level"], line["expected"], line["actual"]) == ("warning", 3, 2)
        assert any("fleet-2" in problem for problem in line["problems"])
        assert (await sync_of(site))["status"]["discrepantCycles"] == number
    sync = await sync_of(site)
    since = sync["status"]["discrepantSince"]
    in_sync = condition(sync, "InSync")
    assert (in_sync["status"], in_sync["reason"]) == ("False", "PersistentDiscrepancies")
    assert since == in_sync["lastTransitionTime"] or since > in_sync["lastTransitionTime"]
    reasons = await event_reasons(site)
    assert reasons.count("ConnectionCountMismatch") == 3
    assert reasons.count("PersistentDiscrepancies") == 1
    mismatch = AlertName.CONNECTION_COUNT_MISMATCH
    await webhook.until(came(mismatch, "firing"))
    await until(site, lambda: investigated(site, Trigger.COUNT_MISMATCH, "Open"))
    await site.f11.settings(failures={})
    assert (await site.cycle("four"))["validation"]["passed"] is True
    await webhook.until(came(mismatch, "resolved"))
    await until(site, lambda: investigated(site, Trigger.COUNT_MISMATCH, "Resolved"))
    sync = await sync_of(site)
    assert "discrepantCycles" not in sync["status"]
    assert condition(sync, "InSync")["status"] == "True"


async def test_ac13_what_f13_has_set_stays_as_it_is(site: Site) -> None:
    """AC13: opened or closed through F1.3, whatever the database says: left alone, shown and counted as manual."""
    site.fill([*fleets(3), customer(4, "paused", state="suspended")])
    await site.deploy(drift={"intervalSeconds": 5})
    await site.cycle("first")
    (second,) = (await site.open_connections())["fleet-2"]
    await site.f11.alter(second["id"], state="disconnected", origin="manual")
    await site.f11.seed({"customer_ref": "paused", "origin": "manual"}, {"customer_ref": "guest", "origin": "manual"})
    closed = await until_ready(site, "fleet-2", "True", "ManualOperation")
    opened = await until_ready(site, "paused", "True", "ManualOperation")
    assert (closed["status"]["desired"], opened["status"]["desired"]) == ("Disconnected", "Connected")
    status = await site.cycle("second")
    assert set(await site.open_connections()) == {"fleet-1", "fleet-3", "paused", "guest"}
    assert status["counts"]["manual"] == 3
    assert (status["counts"]["discrepancies"], status["counts"]["expected"], status["counts"]["actual"]) == (0, 4, 4)
    assert status["validation"]["passed"] is True
    assert await site.f11.count("DELETE /v1/connections/{id}") == 0


async def test_ac13_manual_and_automatic_actions_are_logged_apart(site: Site) -> None:
    """AC13: what a person caused has the origin ``manual`` in the log, all else ``automatic``."""
    site.fill(fleets(3))
    await site.deploy(drift={"intervalSeconds": 5})
    await site.cycle("first")
    pin = "dataforwarding.io/pin=disconnect"
    await site.plane.kubectl("annotate", "navixycustomer", "fleet-1", "-n", site.namespace, pin)
    await until_open(site, "fleet-2", "fleet-3")
    sample_data.suspend(site.database_url, "fleet-2")
    (third,) = (await site.open_connections())["fleet-3"]
    await site.f11.alter(third["id"], origin="manual")
    await until_ready(site, "fleet-3", "True", "ManualOperation")
    await site.cycle("second")
    origins = {line["customer"]: line["origin"] for line in told(site.log(), "ConnectionClosed")}
    assert origins == {"fleet-1": "manual", "fleet-2": "automatic"}
    for origin, ref in (("manual", "fleet-1"), ("automatic", "fleet-2")):
        found = await audited(site, "--event", "ConnectionClosed", "--origin", origin)
        assert [entry["customer"] for entry in found] == [ref]
    assert {line["origin"] for line in told(site.log(), "ConnectionEstablished")} == {"automatic"}
    assert [line["customer"] for line in told(site.log(), "ManualOperationObserved", origin="manual")] == ["fleet-3"]


async def test_a_close_that_fails_is_retried_and_in_the_end_marked_as_persistent(site: Site) -> None:
    """Edge case "Closure Failure": retried at once and by the next cycle, then marked; mended, it is forgotten."""
    site.fill(fleets(2))
    await site.deploy(drift=SELDOM)
    await site.cycle("first")
    sample_data.suspend(site.database_url, "fleet-2")
    await site.f11.fault("error", route="close", times=100)
    second = await site.cycle("second")
    assert second["counts"]["closeFailed"] == 1
    assert await site.f11.count("DELETE /v1/connections/{id}") == 4, "once, and three times again"
    assert ready((await site.customers())["fleet-2"]) == ("False", "CloseFailed")
    third = await site.cycle("third")
    assert third["counts"]["persistent"] == 1
    marked = (await site.customers())["fleet-2"]
    assert condition(marked, "Stalled")["reason"] == "PersistentFailure"
    assert marked["status"]["failedCycles"] == 2
    assert (await event_reasons(site)).count("PersistentFailure") == 1
    await site.f11.clear_faults()
    assert (await site.cycle("fourth"))["counts"]["closed"] == 1
    mended = (await site.customers())["fleet-2"]
    assert (condition(mended, "Stalled"), mended["status"]["failedCycles"]) == ({}, 0)


async def test_a_lost_answer_never_makes_two_connections(site: Site) -> None:
    """The work is done, the answer lost, again and again: one connection each, opened once."""
    site.fill(fleets(5))
    await site.f11.fault("lost", route="establish", times=12)
    await site.deploy(drift=SELDOM)
    await site.cycle("first")
    await site.cycle("second")
    await until_open(site, *(f"fleet-{n}" for n in range(1, 6)))
    opened = [e["customer_ref"] for e in await site.f11.history() if e["after"] == "pending"]
    assert len(opened) == len(set(opened)) == 5


async def test_the_state_at_the_start_of_a_cycle_counts_until_its_end(site: Site) -> None:
    """Edge case "State Changed During Synchronization": suspended while the cycle runs, closed by the next one."""
    site.fill(fleets(30))
    await site.f11.settings(latency_seconds=0.2)
    await site.deploy(drift=SELDOM, forwarding={"concurrency": 1})
    await site.kubectl.start_cycle("first", sync="main")
    async with site.waiting(60):
        while not await site.open_connections():
            await site.pause()
    sample_data.suspend(site.database_url, "fleet-30")
    sample_data.set_hash(site.database_url, "fleet-29", sample_hash(99))
    await site.f11.settings(latency_seconds=0.0)
    first = await site.kubectl.ended("first")
    assert first["status"]["counts"]["established"] == 30
    assert "fleet-30" in await site.open_connections()
    second = await site.cycle("second")
    assert (second["counts"]["closed"], second["counts"]["established"]) == (1, 1)
