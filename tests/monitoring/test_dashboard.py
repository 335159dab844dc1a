"""The dashboard's expressions and the rules on real Prometheus, with two replicas of the operator that work."""

import asyncio
import json
import math
import re
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import pytest

from monitoring.rules import MANIFESTS, SPEC
from navixy_operator.core.vocabulary import AlertName, Metric, Severity
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.deployment import Operator
from navixy_operator.sandbox.monitoring import Alertmanager, Prometheus, Setup, WebhookReceiver, until
from support.monitoring import StartPrometheus, came
from support.operator import Site
from support.telling import annotate, customer, fleets

pytestmark = [pytest.mark.server, pytest.mark.e2e]

MONITOR: Final = (MANIFESTS / "servicemonitor.yaml").read_text("utf-8")
DASHBOARD: Final[dict[str, Any]] = json.loads((MANIFESTS / "grafana-dashboard.json").read_text("utf-8"))
# the pods' namespace, as the Prometheus operator labels targets: it must not hide the NavixySyncs'
SCRAPED: Final = Setup(labels={"namespace": "where-the-pods-are"}, honor_labels="honorLabels: true" in MONITOR)


@dataclass(frozen=True, slots=True)
class Target:
    """An expression of the dashboard as Grafana sends it: ``at_once`` for one moment, or for a range of time."""

    panel: str
    expression: str
    at_once: bool

    def chosen(self, namespace: str, sync: str) -> str:
        """With the variables replaced."""
        values = {"$namespace": namespace, "$sync": sync, "$__rate_interval": "1m"}
        expression = re.sub(r"\$\w+", lambda found: values[found[0]], self.expression)
        assert "$" not in expression
        return expression


def targets() -> list[Target]:
    """All of them."""
    panels = [panel for top in DASHBOARD["panels"] for panel in (top, *top.get("panels", ()))]
    return [
        Target(panel["title"], target["expr"], target["instant"])
        for panel in panels
        for target in panel.get("targets", ())
    ]


def impatient(spec: dict[str, Any]) -> dict[str, Any]:
    """The rules, whose alerts wait for nothing."""
    groups = [
        {**group, "rules": [{key: part for key, part in rule.items() if key != "for"} for rule in group["rules"]]}
        for group in spec["groups"]
    ]
    return {"groups": groups}


@pytest.fixture
async def standby(site: Site, tmp_path: Path) -> AsyncIterator[Operator]:
    """A second operator, which stands by."""
    environment = {"POD_NAME": "standby"}
    async with Operator(site.plane, tmp_path / "standby", site.namespace, environment=environment) as operator:
        yield operator


async def scraped(prometheus: Prometheus) -> None:
    """Wait until Prometheus has the counters of ``main`` from the time when they are still 0."""
    await until(lambda: prometheus.query(f'{Metric.CYCLES}{{sync="main"}}'), bool)


async def has_data(prometheus: Prometheus, target: Target, namespace: str, since: float) -> bool:
    """Whether Grafana would show something: a number at this moment, or some time since then."""
    expression = target.chosen(namespace, "main")
    if target.at_once:
        found = [sample.value for sample in await prometheus.query(expression)]
    else:
        series = await prometheus.query_range(expression, start=since, end=time.time())
        found = [value for one in series for _, value in one.points]
    return any(map(math.isfinite, found))


async def without_data(prometheus: Prometheus, namespace: str, since: float) -> list[str]:
    """The panels and expressions that show nothing."""
    return [
        f"{target.panel}: {target.expression}"
        for target in targets()
        if not await has_data(prometheus, target, namespace, since)
    ]


async def eventful(site: Site) -> None:
    """Cycles with something of every kind: opened, failed, closed, not closed, skipped, pinned, held."""
    await site.cycle("first")
    await annotate(site, "fleet-7", pin="hold")
    await site.f11.clear_faults()
    await until(site.open_connections, lambda found: "paused" not in found)
    sample_data.suspend(site.database_url, *(f"fleet-{number}" for number in range(1, 5)))
    held = await site.cycle("second")
    assert held["heldCloses"]["count"] == 4


async def deploy(site: Site, alertmanager_url: str) -> None:
    """Eight fleets of whom one cannot be connected, three others who should not be, two connections too many."""
    others = (
        customer(9, "no-hash", navixy_hash=None),
        customer(10, "no-gateways", gateways=0),
        customer(11, "paused", state="suspended"),
    )
    site.fill([*fleets(8), *others])
    await site.f11.seed({"customer_ref": "ghost"}, {"customer_ref": "paused"})
    await site.f11.settings(failures={"fleet-8": {}})
    await site.f11.fault("error", route="close", subject="paused", times=100)
    await site.deploy(
        drift={"intervalSeconds": 5},
        guards={"minCloses": 2, "maxClosePercent": 20},
        alerts={"alertmanagerUrl": alertmanager_url},
    )


async def test_every_expression_returns_data(
    site: Site, standby: Operator, start_prometheus: StartPrometheus, alertmanager: Alertmanager
) -> None:
    """All panels and variables of the dashboard have something to show; no rule fails; a standby changes nothing."""
    since = time.time()
    await deploy(site, alertmanager.url)
    addresses = [f"127.0.0.1:{operator.port}" for operator in (site.operator, standby)]
    prometheus = await start_prometheus(addresses, rules=[impatient(SPEC)], setup=SCRAPED)
    await scraped(prometheus)
    await eventful(site)
    empty = await until(lambda: without_data(prometheus, site.namespace, since), lambda found: not found, seconds=60)
    assert empty == []
    for variable in DASHBOARD["templating"]["list"][1:]:
        assert await values_of(prometheus, variable["definition"], site.namespace) == {
            {"namespace": site.namespace, "sync": "main"}[variable["name"]]
        }
    leaders = await prometheus.query(Metric.LEADER)
    assert sorted(sample.value for sample in leaders) == [0, 1]
    assert len({sample.labels["instance"] for sample in await prometheus.query(Metric.CONDITION)}) == 1
    rules = [
        rule for group in (await prometheus.ask_json("/api/v1/rules"))["data"]["groups"] for rule in group["rules"]
    ]
    assert len(rules) == sum(len(group["rules"]) for group in SPEC["groups"])
    assert {rule["name"]: rule["lastError"] for rule in rules if rule["health"] != "ok"} == {}


async def values_of(prometheus: Prometheus, definition: str, namespace: str) -> set[str]:
    """What a variable of the dashboard offers."""
    found = re.fullmatch(r"label_values\((.*), (\w+)\)", definition)
    assert found
    selector = found[1].replace("$namespace", namespace)
    answer = await prometheus.ask_json(f"/api/v1/label/{found[2]}/values", {"match[]": selector})
    return set(answer["data"])


async def test_a_rule_fires_and_is_resolved_when_the_cause_is_repaired(
    site: Site, start_prometheus: StartPrometheus, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """From the operator to the webhook: one of two cannot be connected, then it can."""
    site.fill(fleets(2))
    await site.f11.settings(failures={"fleet-2": {}})
    await site.deploy(drift={"intervalSeconds": 5})
    address = f"127.0.0.1:{site.operator.port}"
    rules = [impatient(SPEC)]
    prometheus = await start_prometheus([address], rules=rules, alertmanager=alertmanager.address, setup=SCRAPED)
    await scraped(prometheus)
    await site.cycle("first")
    mismatch, failing = AlertName.CONNECTION_COUNT_MISMATCH, AlertName.ESTABLISH_FAILURE_RATE
    async with asyncio.TaskGroup() as group:
        for name in (mismatch, failing):
            group.create_task(webhook.until(came(name, "firing")))
    about = {"namespace": site.namespace, "sync": "main"}
    fired = {one.labels["alertname"]: one for found in webhook.notifications for one in found.alerts}
    assert fired[mismatch].labels == {"alertname": mismatch, "severity": Severity.HIGH, **about}
    assert fired[failing].labels == {"alertname": failing, "severity": Severity.MEDIUM, **about}
    assert "differs from the expected one by -1" in fired[mismatch].annotations["description"]
    assert "only 50% of the connections" in fired[failing].annotations["description"]
    assert {alert.labels["alertname"] for alert in await prometheus.alerts()} == {mismatch, failing}

    await site.f11.settings(failures={})
    assert (await site.cycle("second"))["counts"]["established"] == 1
    async with asyncio.TaskGroup() as group:
        for name in (mismatch, failing):
            group.create_task(webhook.until(came(name, "resolved"), seconds=60))
    assert await until(prometheus.alerts, lambda found: not found) == []
