"""Alerts end to end: the operator as a process, a real Alertmanager, and the webhook of whoever is on call."""

import asyncio
import shutil
import signal
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import pytest

from navixy_operator.core.vocabulary import AlertName
from navixy_operator.sandbox.monitoring import Alertmanager, HeldAlert, Notification, WebhookReceiver, until
from navixy_operator.sandbox.monitoring.answers import NotifiedAlert
from support.monitoring import came
from support.operator import Site
from support.telling import customer, fleets, told

pytestmark = [pytest.mark.server, pytest.mark.e2e]

FAILURE = AlertName.SYNCHRONIZATION_FAILURE
SUSPENDED = AlertName.SUSPENDED_CONNECTED
HIDE = "ALTER TABLE customers RENAME TO elsewhere"
SHOW = "ALTER TABLE elsewhere RENAME TO customers"


@pytest.fixture
def operator_environment(lease_seconds: int) -> dict[str, str]:
    """Alertmanager is told of what lasts each second, and takes it for over after four of silence."""
    return {"LEADER_ELECTION_SECONDS": str(lease_seconds), "ALERT_REPEAT_SECONDS": "1"}


@pytest.fixture
async def failing(site: Site, alertmanager: Alertmanager, webhook: WebhookReceiver) -> Site:
    """A site whose last cycle has failed, for the database has lost its table; the webhook has heard of it."""
    site.fill(fleets(4))
    await site.deploy(suspend=True, alerts={"alertmanagerUrl": alertmanager.url})
    assert (await site.cycle("first"))["phase"] == "completed"
    assert webhook.notifications == ()
    site.sql(HIDE)
    assert (await site.cycle("second"))["reason"] == "DatabaseQueryFailed"
    await webhook.until(came(FAILURE, "firing"))
    return site


async def recover(site: Site, cycle: str = "third") -> None:
    """The table is back, and a cycle succeeds."""
    site.sql(SHOW)
    assert (await site.cycle(cycle))["phase"] == "completed"


async def alerts_of(site: Site) -> list[dict[str, Any]]:
    """What stands in the status."""
    sync = await site.kubectl.get("navixysync", "main")
    assert sync is not None
    return list(sync["status"].get("alerts", ()))


async def not_taken(site: Site) -> int:
    """How often the operator has said that Alertmanager does not take its alerts."""
    return len(told(site.log(), "AlertsNotTaken", reason="AlertmanagerUnavailable"))


async def held(alertmanager: Alertmanager, *names: AlertName) -> Sequence[HeldAlert]:
    """The alerts that Alertmanager holds, once they are just these."""
    return await until(alertmanager.alerts, lambda found: {one.labels["alertname"] for one in found} == set(names))


def first(notifications: Sequence[Notification], name: AlertName, status: str) -> NotifiedAlert:
    """The alert in the first notification that has it so."""
    every = (alert for one in notifications for alert in one.alerts)
    return next(alert for alert in every if (alert.labels["alertname"], alert.status) == (name, status))


async def test_an_alert_reaches_the_webhook_with_its_details_and_is_resolved(
    failing: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """Spec: alerts go to the operations team, with the synchronization's summary and the discrepancies."""
    alert = first(webhook.notifications, FAILURE, "firing")
    assert alert.labels == {
        "alertname": FAILURE,
        "severity": "high",
        "namespace": failing.namespace,
        "sync": "main",
        "operator": "navixy-operator",
    }
    assert alert.annotations["summary"] == "The last synchronization failed"
    assert alert.annotations["runbook"] == "docs/alerts.md#navixysynchronizationfailure"
    description = alert.annotations["description"]
    assert description.startswith("DatabaseQueryFailed: ")
    assert "Last completed cycle: first, 4 of 4 expected connections are connected; 4 established." in description
    assert "It found 4 MissingConnection (fleet-1, fleet-2, fleet-3, fleet-4)" in description
    (entry,) = await alerts_of(failing)
    assert (entry["name"], entry["severity"], "resolved" in entry) == (FAILURE, "high", False)
    assert datetime.fromisoformat(entry["since"]) == alert.starts_at
    await recover(failing)
    notifications = await webhook.until(came(FAILURE, "resolved"))
    assert first(notifications, FAILURE, "resolved").fingerprint == alert.fingerprint
    await held(alertmanager)
    assert await alerts_of(failing) == []
    events = [item for item in await failing.kubectl.list("events") if item["reason"].startswith("Alert")]
    assert sorted((item["reason"], item["involvedObject"]["kind"]) for item in events) == [
        ("AlertFiring", "NavixySync"),
        ("AlertResolved", "NavixySync"),
    ]


async def test_a_suspended_customer_is_an_alert_before_the_connection_is_closed(
    site: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """Spec: "Alert immediately": the webhook hears of it while the cycle is still at it; of its end, too."""
    site.fill([*fleets(2), customer(3, "paused", state="suspended")])
    await site.f11.seed({"customer_ref": "paused"})
    await site.f11.settings(latency_seconds=2.0)
    await site.deploy(suspend=True, alerts={"alertmanagerUrl": alertmanager.url})
    await site.kubectl.start_cycle("first", sync="main")
    notifications = await webhook.until(came(SUSPENDED, "firing"))
    assert "paused" in await site.open_connections()
    description = first(notifications, SUSPENDED, "firing").annotations["description"]
    assert description.startswith(
        "1 suspended or removed customer has an open connection: paused; first has found that"
    )
    assert (await site.kubectl.ended("first"))["status"]["phase"] == "completed"
    await webhook.until(came(SUSPENDED, "resolved"))
    assert "paused" not in await site.open_connections()


async def test_an_alertmanager_that_is_started_anew_hears_of_what_lasts(
    failing: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """It comes back empty, and knows within a repeat, with the same beginning; the webhook hears of it again."""
    (before,) = await held(alertmanager, FAILURE)
    await asyncio.to_thread(alertmanager.stop)
    await asyncio.to_thread(shutil.rmtree, alertmanager.directory / "data")
    heard = len(webhook.notifications)
    await asyncio.to_thread(alertmanager.start)
    (after,) = await held(alertmanager, FAILURE)
    assert (after.starts_at, after.fingerprint) == (before.starts_at, before.fingerprint)
    await webhook.until(lambda found: came(FAILURE, "firing")(found[heard:]))
    assert len(told(failing.log(), "AlertFiring")) == 1, "nothing has begun"


async def test_a_restarted_operator_goes_on_with_its_alerts(
    failing: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """The alert begins no second time; what ends afterwards is resolved."""
    (before,) = await alerts_of(failing)
    await failing.operator.stop()
    await failing.operator.start()
    # Alertmanager may have taken the silence for an end, and said so
    (after,) = await until(alertmanager.alerts, bool)
    assert after.starts_at == datetime.fromisoformat(before["since"])
    await recover(failing)
    await until(alertmanager.alerts, lambda found: not found)
    await webhook.until(lambda found: came(FAILURE, "resolved")(found[-1:]))
    assert await alerts_of(failing) == []
    assert (len(told(failing.log(), "AlertFiring")), len(told(failing.log(), "AlertResolved"))) == (1, 1)


async def test_what_ends_while_alertmanager_is_down_is_resolved_when_it_is_back(
    failing: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """Also by the next process. That nobody takes alerts is told once, keeps no cycle waiting, and is told over."""
    await asyncio.to_thread(alertmanager.stop)
    await recover(failing)
    await until(lambda: alerts_of(failing), lambda found: [one.get("resolved") for one in found] == [True])
    assert await not_taken(failing) == 1
    await failing.operator.stop()
    await failing.operator.start()
    await until(lambda: not_taken(failing), lambda count: count == 2)
    assert [entry.get("resolved") for entry in await alerts_of(failing)] == [True]
    heard = len(webhook.notifications)
    await asyncio.to_thread(alertmanager.start)
    await webhook.until(lambda found: came(FAILURE, "resolved")(found[heard:]))
    await until(lambda: alerts_of(failing), lambda found: found == [])
    assert len(told(failing.log(), "AlertsTakenAgain")) == 1
    assert await alertmanager.alerts() == []


async def test_the_alerts_of_an_operator_that_is_gone_end_by_themselves(
    failing: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """Killed, and nobody takes its place: a few repeats later Alertmanager takes them for over."""
    failing.operator.process.send(signal.SIGKILL)
    await asyncio.to_thread(failing.operator.process.wait, 10)
    await webhook.until(came(FAILURE, "resolved"))
    await held(alertmanager)


async def test_the_alerts_of_a_deleted_sync_are_resolved(
    failing: Site, alertmanager: Alertmanager, webhook: WebhookReceiver
) -> None:
    """Its runner's last words: not only when Alertmanager has waited long enough."""
    await failing.plane.kubectl("delete", "navixysync", "main", "-n", failing.namespace)
    await webhook.until(came(FAILURE, "resolved"))
    await held(alertmanager)
    assert len(told(failing.log(), "AlertResolved", alert=FAILURE)) == 1
