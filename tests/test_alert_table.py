"""The table of spec.md, "Alerting Rules", one test named after each row: from the cycle to Alertmanager and back."""

from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from navixy_operator.core.vocabulary import AlertName, Kind, Severity
from navixy_operator.errors import DatabaseUnavailable, ForwardingUnauthorized
from support.alerting import AlertStage
from support.builders import connection, row
from support.fakes import refusal

FLEET = 10


def stage_of(*suspended: str, **spec: Any) -> AlertStage:
    """Ten customers ``c0`` to ``c9``; those that are suspended have a connection all the same."""
    stage = AlertStage(**spec)
    refs = [f"c{number}" for number in range(FLEET)]
    stage.world.database.rows = [
        row(ref, number=number, state="suspended" if ref in suspended else "active")
        for number, ref in enumerate(refs, start=1)
    ]
    stage.world.connect(*(connection(f"on-{ref}", ref) for ref in suspended))
    return stage


def pushed(stage: AlertStage, name: AlertName, severity: Severity) -> str:
    """The description of the one alert that is firing, with all that the spec wants of it."""
    assert stage.alerting.firing() == {name}
    alert = stage.alerting.known[name]
    assert alert.labels == {
        "alertname": name,
        "severity": severity,
        "namespace": "default",
        "sync": "main",
        "operator": "navixy-operator",
    }
    assert alert.annotations["runbook"] == f"docs/alerts.md#{name.lower()}"
    assert stage.kept() == {name: False}
    (told,) = stage.posted("AlertFiring")
    assert told.startswith(f"{name} ({severity}): ")
    assert stage.told("AlertFiring") == [name]
    return alert.annotations["description"]


def resolved(stage: AlertStage, name: AlertName) -> None:
    """Alertmanager has heard that it is over, and so have all others; once."""
    assert stage.is_over(name)
    assert stage.told("AlertResolved") == [name]
    assert len(stage.posted("AlertResolved")) == 1
    assert stage.alerting.firing() == set()


async def test_alert_synchronization_failure() -> None:
    """Row 1: "Sync fails", high: until a cycle succeeds."""
    stage = stage_of()
    await stage.run_cycle("first")
    assert stage.alerting.tried == 0, "nothing is wrong, nobody is told anything"
    stage.world.database.error = DatabaseUnavailable("the customer database did not answer within 60 s")
    await stage.run_cycle("second")
    description = pushed(stage, AlertName.SYNCHRONIZATION_FAILURE, Severity.HIGH)
    assert "DatabaseUnavailable: the customer database did not answer within 60 s" in description
    assert "Last completed cycle: first, 10 of 10 expected connections are connected; 10 established" in description
    stage.world.database.error = None
    await stage.run_cycle("third")
    resolved(stage, AlertName.SYNCHRONIZATION_FAILURE)


async def test_alert_synchronization_failure_between_cycles() -> None:
    """Row 1, design section 4: F1.1 refuses our token, so that no pass can do anything; until it takes it again."""
    stage = stage_of()
    await stage.run_cycle("first")
    refused = ForwardingUnauthorized("F1.1 refuses the operator's token (401)")
    stage.world.forwarding.list_errors[stage.world.forwarding.lists + 1] = refused
    await stage.pass_time(60)
    await stage.turn()
    assert "F1.1 refuses the operator's token" in pushed(stage, AlertName.SYNCHRONIZATION_FAILURE, Severity.HIGH)
    await stage.pass_time(60)
    await stage.turn()
    resolved(stage, AlertName.SYNCHRONIZATION_FAILURE)


async def test_alert_persistent_discrepancies() -> None:
    """Row 2: "Discrepancies persist > 2 cycles", medium: with the third, until a cycle leaves none."""
    stage = stage_of("c0", suspend=True)
    stage.world.forwarding.stuck = {"on-c0"}
    for name in ("first", "second"):
        await stage.run_cycle(name)
        assert AlertName.PERSISTENT_DISCREPANCIES not in stage.alerting.firing()
    await stage.run_cycle("third")
    alert = stage.alerting.known[AlertName.PERSISTENT_DISCREPANCIES]
    assert alert.labels["severity"] == Severity.MEDIUM
    assert alert.annotations["description"].startswith("3 completed cycles in a row left discrepancies")
    assert "Last completed cycle: third" in alert.annotations["description"]
    assert "It found 1 SuspendedConnected (c0)" in alert.annotations["description"]
    stage.world.forwarding.stuck = set()
    await stage.run_cycle("fourth")
    assert stage.is_over(AlertName.PERSISTENT_DISCREPANCIES)


async def test_alert_connection_count_mismatch() -> None:
    """Row 3: "Count mismatch after sync", high: until a drift pass finds that F1.1 has come round."""
    stage = stage_of(retry={"failed": "Backoff"}, alerts={"establishSuccessPercent": 0})
    stage.world.forwarding.broken = {"c3"}
    await stage.run_cycle("first")
    description = pushed(stage, AlertName.CONNECTION_COUNT_MISMATCH, Severity.HIGH)
    assert description.startswith("9 connections are connected where 10 are expected")
    assert "9 of 10 expected connections are connected; 9 established, 1 failed to establish" in description
    assert "It found 10 MissingConnection (c0, c1, c2, c3, c4 and 5 more)" in description
    stage.world.forwarding.broken = set()
    for _ in range(10):
        await stage.pass_time(600)
        await stage.turn()
    resolved(stage, AlertName.CONNECTION_COUNT_MISMATCH)


def looking(stage: AlertStage, seen: list[set[str]]) -> Callable[[str], Coroutine[Any, Any, bool]]:
    """F1.1's close, before which the lookout has its turn: as it has in a real cycle, which waits for F1.1."""
    close = stage.world.forwarding.close_connection

    async def close_connection(connection_id: str) -> bool:
        await stage.look()
        seen.append(stage.alerting.firing())
        return await close(connection_id)

    return close_connection


async def test_alert_suspended_customers_with_connections(monkeypatch: pytest.MonkeyPatch) -> None:
    """Row 4: "Any suspended customer has connection", high: at once, before the close; until it is closed."""
    stage, seen = stage_of("c7"), list[set[str]]()
    monkeypatch.setattr(stage.world.forwarding, "close_connection", looking(stage, seen))
    await stage.run_cycle("first")
    assert seen == [{AlertName.SUSPENDED_CONNECTED}]
    (_, (alert,)), *_ = stage.alerting.pushes
    assert alert.labels["severity"] == Severity.HIGH
    assert alert.annotations["description"].startswith("1 suspended or removed customer has an open connection: c7")
    assert stage.told("AlertFiring") == [AlertName.SUSPENDED_CONNECTED]
    resolved(stage, AlertName.SUSPENDED_CONNECTED)


async def test_alert_suspended_customers_with_connections_that_stay() -> None:
    """Row 4: where the close fails, the alert lasts until a drift pass has closed it."""
    stage = stage_of("c7", alerts={"persistentCycles": 9})
    stage.world.forwarding.stuck = {"on-c7"}
    await stage.run_cycle("first")
    assert stage.status(Kind.SYNC, "main")["suspendedConnected"] == 1
    assert stage.alerting.firing() == {AlertName.SUSPENDED_CONNECTED, AlertName.CONNECTION_COUNT_MISMATCH}
    stage.world.forwarding.stuck = set()
    for _ in range(10):
        await stage.pass_time(600)
        await stage.turn()
    assert stage.status(Kind.SYNC, "main")["suspendedConnected"] == 0
    assert stage.is_over(AlertName.SUSPENDED_CONNECTED)


async def test_alert_high_customer_skip_rate() -> None:
    """Row 5: "> 10% customers skipped", low: two of ten, and no longer with one."""
    stage = stage_of()
    rows = list(stage.world.database.rows)
    bare = [row(f"c{number}", number=number + 1, gateway_count=0) for number in range(2)]
    stage.world.database.rows = [*bare, *rows[2:]]
    await stage.run_cycle("first")
    description = pushed(stage, AlertName.HIGH_SKIP_RATE, Severity.LOW)
    assert description.startswith("2 of 10 customers were skipped: 2 NoGateways")
    stage.world.database.rows = [bare[0], *rows[1:]]
    await stage.run_cycle("second")
    resolved(stage, AlertName.HIGH_SKIP_RATE)


async def test_alert_connection_establishment_failure_rate() -> None:
    """Row 6: "< 90% success rate", medium: eight of ten; a cycle that fails changes nothing, one that succeeds does."""
    stage = stage_of(suspend=True)
    stage.world.forwarding.refused = {ref: refusal() for ref in ("c1", "c2")}
    await stage.run_cycle("first")
    assert AlertName.ESTABLISH_FAILURE_RATE in stage.alerting.firing()
    alert = stage.alerting.known[AlertName.ESTABLISH_FAILURE_RATE]
    assert alert.labels["severity"] == Severity.MEDIUM
    description = alert.annotations["description"]
    assert description.startswith(
        "8 of 10 connections could be established; it failed for c1, c2, for the first because"
    )
    stage.world.database.error = DatabaseUnavailable("the customer database did not answer")
    await stage.run_cycle("second")
    assert AlertName.ESTABLISH_FAILURE_RATE in stage.alerting.firing()
    stage.world.database.error = None
    stage.world.forwarding.refused = {}
    fresh = [row(f"c{number}", number=number + 1, navixy_hash=f"{number:032x}") for number in (1, 2)]
    stage.world.database.rows = [entry for entry in stage.world.database.rows if entry.number not in {2, 3}] + fresh
    await stage.run_cycle("third")
    assert stage.is_over(AlertName.ESTABLISH_FAILURE_RATE)
    assert stage.alerting.firing() == set()


async def test_alert_closes_held() -> None:
    """Design section 3: "held closes raise an alert"; until the closes are right no more, or approved."""
    off = [f"c{number}" for number in range(5)]
    stage = stage_of(*off, guards={"minCloses": 1, "maxClosePercent": 10}, suspend=True)
    await stage.run_cycle("first")
    assert AlertName.CLOSES_HELD in stage.alerting.firing()
    alert = stage.alerting.known[AlertName.CLOSES_HELD]
    assert alert.annotations["description"].startswith("MassClose: 5 closes of first; closes are held")
    digest = stage.status(Kind.CYCLE, "first")["heldCloses"]["digest"]
    assert digest in alert.annotations["description"]
    stage.world.database.rows = [row(f"c{number}", number=number + 1) for number in range(FLEET)]
    await stage.run_cycle("second")
    assert stage.is_over(AlertName.CLOSES_HELD)
    assert stage.alerting.firing() == set()


async def test_a_dry_run_changes_no_alert() -> None:
    """It finds a suspended customer and a database that skips many, and nobody is told."""
    stage = stage_of("c7", suspend=True)
    stage.world.database.rows = [row(f"c{number}", number=number + 1, state="suspended") for number in range(FLEET)]
    await stage.run_cycle("look", dry_run=True)
    assert (stage.alerting.tried, stage.kept(), stage.told("AlertFiring")) == (0, {}, [])
