"""/metrics of the operator as a process: after cycles that complete and fail, a drift repair, a restart, an end."""

import asyncio
import re
from pathlib import Path
from typing import Any

import aiohttp
import pytest
from prometheus_client.openmetrics.parser import text_string_to_metric_families

from navixy_operator.adapters.metrics import CATALOGUE
from navixy_operator.core.model import fingerprint
from navixy_operator.core.vocabulary import Metric
from navixy_operator.sandbox.deployment import Operator
from navixy_operator.sandbox.monitoring import Promtool
from navixy_operator.sandbox.sample_data import sample_hash
from support.exposition import Exposition
from support.operator import Site
from support.telling import annotate, customer, fleets, told, until, until_open

pytestmark = [pytest.mark.server, pytest.mark.e2e]

PROMETHEUS = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"


async def fetch(operator: Operator, **headers: str) -> str:
    """The text of /metrics."""
    address = f"http://127.0.0.1:{operator.port}/metrics"
    async with aiohttp.ClientSession() as session, session.get(address, headers=headers) as answer:
        assert answer.status == 200
        return await answer.text()


async def scrape(operator: Operator) -> Exposition:
    """What Prometheus would read now."""
    return Exposition(await fetch(operator))


async def until_shown(site: Site, value: float | None, name: str, **labels: str) -> Exposition:
    """Wait until one value is shown. Raises TimeoutError."""
    shown = Exposition("")

    async def right() -> bool:
        nonlocal shown
        shown = await scrape(site.operator)
        return shown.value(name, **labels) == value

    await until(site, right, seconds=60)
    return shown


async def deployed(site: Site, **spec: Any) -> dict[str, str]:
    """Three fleets, one without gateways, one suspended, with drift passes every five seconds; the labels."""
    bare, paused = customer(4, "bare", gateways=0), customer(5, "paused", state="suspended")
    site.fill([*fleets(3), bare, paused])
    await site.deploy(drift={"intervalSeconds": 5}, **spec)
    return {"namespace": site.namespace, "sync": "main"}


async def test_after_a_cycle(site: Site) -> None:
    """Whoever sees a SyncCycle completed finds its numbers in the next scrape: the ten, and the operator's own."""
    place = await deployed(site)
    await site.f11.seed({"customer_ref": "ghost"}, {"customer_ref": "paused"})
    await site.cycle("first")
    shown = await scrape(site.operator)
    assert {metric: shown.value(metric, **place) for metric in GAUGES} == GAUGES
    found = {"MissingConnection": 3, "ExtraConnection": 1, "SuspendedConnected": 1}
    assert shown.by("type", Metric.DISCREPANCIES, **place) == found
    assert shown.by("reason", Metric.SKIPPED_CUSTOMERS, **place) == {"NoGateways": 1}
    assert shown.value(f"{Metric.DURATION}_bucket", **place, le="300.0") == 1.0
    assert shown.by("result", Metric.CYCLES, **place) == {"completed": 1}
    assert shown.by("result", Metric.ESTABLISHES, **place) == {"succeeded": 3}
    assert shown.by("result", Metric.CLOSES, **place) == {"succeeded": 2}
    assert shown.by("state", Metric.CONNECTIONS, **place)["connected"] == 3
    assert shown.by("reason", Metric.CUSTOMERS, **place, condition="Eligible", status="True") == {"Eligible": 3}
    requests = f"{Metric.FORWARDING_REQUEST_DURATION}_count"
    asked = shown.by("operation", requests, **place, result="succeeded")
    assert (asked["establish"], asked["close"]) == (3, 2)
    assert asked["list"] >= 2
    polls = f"{Metric.DATABASE_QUERY_DURATION}_count"
    assert shown.by("result", polls, **place, operation="snapshot") == {"succeeded": 1}
    assert shown.value(Metric.LEADER) == 1.0
    (build,) = shown.of(Metric.BUILD_INFO)
    assert all(re.match(r"\d+\.\d+", build.labels[label]) for label in ("version", "python", "kopf"))
    await until_shown(site, 1.0, Metric.CONDITION, **place, condition="InSync", status="True")
    shown = await until_shown(site, 1.0, Metric.AUDIT_AVAILABLE)
    assert (shown.value(Metric.AUDIT_ENTRIES) or 0) >= len(told(site.log(), "ConnectionEstablished")) == 3
    assert (shown.value(Metric.AUDIT_SPOOLED), shown.value(Metric.AUDIT_LOST)) == (0.0, 0.0)


GAUGES = {
    Metric.SUCCESS_RATIO: 1.0,
    Metric.MISSING_CONNECTIONS: 3.0,
    Metric.EXTRA_CONNECTIONS: 1.0,
    Metric.SUSPENDED_CONNECTED: 1.0,
    Metric.SUSPENDED_REMAINING: 0.0,
    Metric.COUNT_DIFFERENCE: 0.0,
    Metric.ESTABLISH_SUCCESS_RATIO: 1.0,
    Metric.CLOSE_SUCCESS_RATIO: 1.0,
    Metric.LAST_CYCLE_SUCCESS: 1.0,
    Metric.POLLED_CUSTOMERS: 5.0,
    Metric.EXPECTED_CONNECTIONS: 3.0,
    Metric.ACTUAL_CONNECTIONS: 3.0,
    Metric.HELD_CLOSES: 0.0,
    Metric.DISCREPANT_CYCLES: 0.0,
}


async def test_after_a_drift_repair(site: Site) -> None:
    """A lost connection that comes back between cycles: counted, with its requests and its query; no cycle is."""
    place = await deployed(site)
    await site.cycle("first")
    (held,) = (await site.open_connections())["fleet-2"]
    await site.f11.alter(held["id"], state="disconnected", error=None)
    shown = await until_shown(site, 4.0, Metric.ESTABLISHES, **place, result="succeeded")
    await until_open(site, "fleet-1", "fleet-2", "fleet-3")
    assert shown.by("result", Metric.CYCLES, **place) == {"completed": 1}
    assert shown.value(f"{Metric.DATABASE_QUERY_DURATION}_count", **place, operation="rows_of") == 1.0

    async def passed() -> bool:
        return ((await scrape(site.operator)).value(f"{Metric.DRIFT_DURATION}_count", **place) or 0) >= 1

    await until(site, passed)
    await until_shown(site, 0.0, Metric.COUNT_DIFFERENCE, **place)


async def test_a_failed_cycle_and_a_restart(site: Site) -> None:
    """A database that is away, then another process: the gauges are those of before, the counters begin at 0."""
    place = await deployed(site, database={"urlSecretRef": {"name": "customer-database", "key": "url"}})
    await site.f11.settings(failures={"fleet-3": {"code": "busy", "message": "later", "permanent": False, "times": 99}})
    await site.cycle("first")
    await annotate(site, "fleet-1", pin="hold")
    await until_shown(site, 1.0, Metric.PINS, **place, mode="hold")
    file = Path(site.database_url.removeprefix("sqlite:///"))
    await asyncio.to_thread(file.rename, file.with_suffix(".away"))
    assert (await site.cycle("second"))["phase"] == "failed"
    before = await until_shown(site, 0.0, Metric.LAST_CYCLE_SUCCESS, **place)
    assert before.value(Metric.SUCCESS_RATIO, **place) == 0.5
    assert before.value(Metric.ESTABLISH_SUCCESS_RATIO, **place) == 2 / 3
    assert before.value(Metric.MISSING_CONNECTIONS, **place) == 3.0
    queries = {"operation": "snapshot", "result": "DatabaseUnavailable"}
    assert before.value(f"{Metric.DATABASE_QUERY_DURATION}_count", **place, **queries) == 1.0
    await until_shown(site, 1.0, Metric.CONDITION, **place, condition="DatabaseAvailable", status="False")
    await site.operator.stop()
    await site.operator.start()
    shown = await until_shown(site, 0.5, Metric.SUCCESS_RATIO, **place)
    for metric in (*GAUGES, Metric.LAST_DURATION, Metric.LAST_SUCCESS):
        assert shown.value(metric, **place) == before.value(metric, **place), metric
    assert shown.by("type", Metric.DISCREPANCIES, **place) == {"MissingConnection": 3}
    assert shown.by("result", Metric.ESTABLISHES, **place) == {}
    shown = await until_shown(site, 1.0, Metric.PINS, **place, mode="hold")
    assert shown.by("state", Metric.CONNECTIONS, **place) == {"connected": 2, "failed": 1}


async def test_what_is_exposed_is_clean(site: Site, promtool: Promtool) -> None:
    """By promtool, and as OpenMetrics; HELP and TYPE for all; no customer, no secret, in any format."""
    place = await deployed(site)
    await site.f11.settings(failures={"fleet-3": {"code": "busy", "message": "later", "permanent": False, "times": 1}})
    await site.cycle("first")
    shown = await until_shown(site, 1.0, Metric.ALERTS, **place, alertname="NavixyConnectionCountMismatch")
    verdict = await promtool.check_metrics(shown.text)
    assert verdict.ok, verdict.output
    assert verdict.output.strip() == ""
    exposed = {sample.name for sample in shown.samples}
    assert {re.sub(r"_(bucket|sum|count)$", "", name) for name in exposed} <= set(shown.types)
    assert all(shown.help[metric] == CATALOGUE[Metric(metric)].help for metric in shown.types)
    text = await fetch(site.operator, Accept=PROMETHEUS)
    families = text_string_to_metric_families(text)  # type: ignore[no-untyped-call]  # the parser has no types
    assert {sample.name for family in families for sample in family.samples} == exposed
    hidden = {site.f11.token, site.database_url, site.f11.url, "fleet-", "bare", "paused", "Customer "}
    hidden |= {known for number in range(1, 6) for known in (sample_hash(number), fingerprint(sample_hash(number)))}
    assert [word for word in hidden if word in shown.text or word in text] == []
    assert shown.value(Metric.POLLED_CUSTOMERS, **place) == 5.0


async def test_a_standby_and_a_sync_that_is_gone(site: Site, tmp_path: Path) -> None:
    """Who stands by shows that, and nothing of a NavixySync; a deleted one leaves no series at the leader either."""
    place = await deployed(site)
    await site.cycle("first")
    other = Operator(site.plane, tmp_path / "standby", site.namespace, environment={"POD_NAME": "standby"})
    async with other:
        async with site.waiting():
            while not told(other.log.read_text("utf-8"), "StandingBy"):
                await site.pause()
        standby = await scrape(other)
        assert standby.value(Metric.LEADER) == 0.0
        assert [sample for sample in standby.samples if "sync" in sample.labels] == []
        await site.plane.kubectl("delete", "navixysync", "main", "-n", site.namespace)
        shown = await until_shown(site, None, Metric.LAST_CYCLE_SUCCESS, **place)
        await asyncio.sleep(1)  # whatever might still come back of it
        shown = await scrape(site.operator)
        assert [sample for sample in shown.samples if "sync" in sample.labels] == []
        assert shown.value(Metric.LEADER) == 1.0
