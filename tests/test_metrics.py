"""/metrics of an operator at work: between cycles, after a restart, when a NavixySync is gone; what never shows."""

import asyncio
import re
from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.adapters.metrics import Metrics
from navixy_operator.core.vocabulary import Kind, Metric, PinMode, Reason
from navixy_operator.errors import DatabaseUnavailable, ForwardingUnavailable
from navixy_operator.ports import AuditState
from navixy_operator.supervisor import Supervisor
from support.builders import connection, hash_of, print_of, resource, row
from support.exposition import PLACE, Exposition, Measured
from support.fakes import refusal

COUNTED = ("_total", "_bucket", "_count", "_sum")


def gauges(shown: Exposition) -> dict[tuple[str, ...], float]:
    """What is read from state: all but counters and histograms."""
    return {
        (sample.name, *(f"{key}={value}" for key, value in sorted(sample.labels.items()))): sample.value
        for sample in shown.samples
        if not sample.name.endswith(COUNTED)
    }


async def measured(**spec: Any) -> Measured:
    """A stage with a customer of each sort, after a cycle; drift passes are due."""
    stage = Measured(**spec)
    stage.ran_last("2026-03-01T03:00:00Z")
    bare = row("bare", number=3, gateway_count=0)
    stage.world.database.rows = [*stage.world.database.rows, bare, row("off", number=4, state="suspended")]
    await stage.run("first")
    return stage


async def drift(stage: Measured) -> Exposition:
    """Let the next drift pass run, and scrape."""
    stage.world.clock.seconds += 61
    await stage.runner.turn()
    return await stage.scrape()


async def test_customers_connections_and_pins() -> None:
    """Counted from the resources: each customer once for Ready and Eligible, those with a pin for Pinned."""
    stage = await measured(suspend=True)
    stage.put(resource(Kind.CUSTOMER, "new", spec={"customerRef": "new", "sync": "main", "source": "Database"}))
    shown = await stage.scrape()
    ready = shown.by("reason", Metric.CUSTOMERS, **PLACE, condition="Ready")
    assert ready == {"Connected": 2, "NoGateways": 1, "Suspended": 1, "NotYetJudged": 1}
    assert shown.by("status", Metric.CUSTOMERS, **PLACE, condition="Eligible", reason="Eligible") == {"True": 2}
    assert shown.by("state", Metric.CONNECTIONS, **PLACE) == {"connected": 2}
    assert shown.value(Metric.CONNECTIONS, **PLACE, state="failed") == 0.0
    assert list(shown.of(Metric.CUSTOMERS, **PLACE, condition="Pinned")) == []
    stage.put_pin(stage.world.resources.customers()["acme"], PinMode.HOLD, by="op")
    shown = await stage.run("second")
    assert shown.by("mode", Metric.PINS, **PLACE) == {"hold": 1}
    assert shown.by("reason", Metric.CUSTOMERS, **PLACE, condition="Pinned", status="True") == {"Pinned": 1}
    await stage.world.resources.delete(stage.world.resources.customers()["off"])
    assert "Suspended" not in (await stage.scrape()).by("reason", Metric.CUSTOMERS, **PLACE, condition="Ready")


async def test_the_state_of_a_synchronization() -> None:
    """Times, counts and conditions as the NavixySync has them; each condition is 1 for one status, 0 for the others."""
    stage = await measured()
    await stage.runner.turn()
    shown = await stage.scrape()
    assert shown.value(Metric.LAST_SUCCESS, **PLACE) == stage.world.clock.now().timestamp()
    assert shown.value(Metric.NEXT_SCHEDULE, **PLACE) == stage.world.clock.now().timestamp() + 24 * 3600
    assert shown.value(Metric.DISCREPANT_CYCLES, **PLACE) == 0.0
    assert shown.value(Metric.HELD_CLOSES, **PLACE) == 0.0
    in_sync = {s.labels["status"]: s.value for s in shown.of(Metric.CONDITION, **PLACE, condition="InSync")}
    assert in_sync == {"True": 1.0, "False": 0.0, "Unknown": 0.0}
    assert shown.value(f"{Metric.STEP_DURATION}_count", **PLACE, step="poll") == 1.0
    steps = {sample.labels["step"] for sample in shown.of(f"{Metric.STEP_DURATION}_count", **PLACE)}
    assert steps >= {"validate_requirements", "query_connections", "resolve_missing", "validate_results", "log"}


async def test_a_drift_pass_is_counted_and_its_findings_show() -> None:
    """A connection that is lost and comes back between cycles: counters and gauges move, those of the cycle stay."""
    stage = await measured()
    await drift(stage)
    stage.world.forwarding.found.pop("new-acme")
    stage.world.forwarding.refused = {"acme": refusal()}
    shown = await drift(stage)
    assert shown.by("result", Metric.ESTABLISHES, **PLACE) == {"succeeded": 2, "failed": 1}
    assert shown.value(Metric.COUNT_DIFFERENCE, **PLACE) == -1.0
    assert shown.by("state", Metric.CONNECTIONS, **PLACE) == {"connected": 1, "failed": 1}
    stage.world.forwarding.found["c-acme"] = connection("c-acme", "acme")
    shown = await drift(stage)
    assert shown.value(Metric.COUNT_DIFFERENCE, **PLACE) == 0.0
    assert shown.value(f"{Metric.DRIFT_DURATION}_count", **PLACE) == 3.0
    assert shown.value(Metric.ESTABLISH_SUCCESS_RATIO, **PLACE) == 1.0, "of the last cycle"
    assert shown.by("result", Metric.CYCLES, **PLACE) == {"completed": 1}


async def test_a_failed_cycle_takes_nothing_back() -> None:
    """What the last completed cycle found stays shown; what the failed one still found out counts."""
    stage = await measured(suspend=True)
    before = await stage.scrape()
    stage.world.database.error = DatabaseUnavailable("the customer database did not answer")
    shown = await stage.run("second")
    for metric in (Metric.POLLED_CUSTOMERS, Metric.MISSING_CONNECTIONS, Metric.ESTABLISH_SUCCESS_RATIO):
        assert shown.value(metric, **PLACE) == before.value(metric, **PLACE) is not None
    assert shown.by("condition", Metric.CONDITION, **PLACE, status="False").keys() >= {"Ready", "DatabaseAvailable"}
    stage.world.database.error = None
    stage.world.connect(connection("c-off", "off"))
    stage.world.forwarding.list_errors = {stage.world.forwarding.lists + 2: ForwardingUnavailable("F1.1 is down")}
    shown = await stage.run("third")
    assert shown.value(Metric.LAST_CYCLE_SUCCESS, **PLACE) == 0.0
    assert shown.value(Metric.SUSPENDED_CONNECTED, **PLACE) == 1.0
    assert shown.by("type", Metric.DISCREPANCIES, **PLACE) == {"SuspendedConnected": 1}
    assert (await stage.run("fourth")).by("type", Metric.DISCREPANCIES, **PLACE) == {}


@pytest.mark.parametrize("broken", [False, True])
async def test_after_a_restart_the_gauges_are_right_from_the_first_look(*, broken: bool) -> None:
    """A new process that has read its resources shows what the old one showed; its counters begin at 0."""
    stage = await measured(suspend=True)
    stage.world.forwarding.refused = {"gamma": refusal()}
    stage.world.database.rows = [*stage.world.database.rows, row("gamma", number=5)]
    await stage.run("second")
    if broken:
        stage.world.database.error = DatabaseUnavailable("the customer database did not answer")
        await stage.run("third")
    await stage.runner.turn()
    before = await stage.scrape()
    stage.start()
    assert list((await stage.scrape()).of(Metric.SUCCESS_RATIO)) == []
    await stage.runner.turn()
    after = await stage.scrape()
    assert gauges(after) == gauges(before)
    assert after.value(Metric.SUCCESS_RATIO) == (2 / 3 if broken else 1.0)
    assert after.by("result", Metric.ESTABLISHES, **PLACE) == {}
    assert after.value(Metric.ESTABLISHES, **PLACE, result="failed") == 0.0, "the first one will be an increase"


async def test_a_cycle_that_was_cut_off_has_failed_without_a_duration() -> None:
    """Found at the start of a process: counted as failed; the time that nobody was there is no cycle's duration."""
    stage = Measured(suspend=True)
    stage.cycle("cut", status={"phase": "in_progress", "startTime": "2026-02-28T03:00:00Z"})
    await stage.runner.turn()
    shown = await stage.scrape()
    assert shown.by("result", Metric.CYCLES, **PLACE) == {"failed": 1}
    assert shown.value(f"{Metric.DURATION}_count", **PLACE) == 0.0
    assert shown.value(Metric.SUCCESS_RATIO, **PLACE) == 0.0
    assert list(shown.of(Metric.LAST_CYCLE_SUCCESS)) == list(shown.of(Metric.LAST_DURATION)) == []


async def test_a_sync_whose_last_syncycle_was_deleted_by_hand() -> None:
    """What the NavixySync itself tells of its last cycle still shows; what only the SyncCycle had is gone."""
    stage = await measured(suspend=True)
    del stage.world.resources.objects[Kind.CYCLE, "first"]
    stage.start()
    await stage.runner.turn()
    shown = await stage.scrape()
    assert shown.value(Metric.LAST_CYCLE_SUCCESS, **PLACE) == 1.0
    assert shown.value(Metric.MISSING_CONNECTIONS, **PLACE) == 2.0
    assert list(shown.of(Metric.DISCREPANCIES)) == list(shown.of(Metric.SKIPPED_CUSTOMERS)) == []


async def test_a_sync_that_is_gone_leaves_no_series() -> None:
    """Its runner ends, and with it everything that bears its name; the process's own metrics stay."""
    stage = await measured(suspend=True)
    supervisor = Supervisor(stage.cluster, stage.connect, ("default",))
    supervisor.sync_reported("default", "main")
    (task,) = supervisor._tasks.values()
    stage.world.resources.objects.pop((Kind.SYNC, "main"))
    supervisor.sync_gone()
    await task
    shown = await stage.scrape()
    assert {name for name, *labels in gauges(shown) if labels} == {Metric.BUILD_INFO}
    assert [sample for sample in shown.samples if "sync" in sample.labels] == []
    stage.metrics.drift_passed("default", "main", 1.0)
    stage.metrics.alerts_pushed("default", "main", taken=True)
    stage.metrics.heard(stage.world.facts[0])
    assert [s for s in (await stage.scrape()).samples if "sync" in s.labels] == [], "what comes late leaves nothing"


async def test_another_sync_of_the_same_name_begins_anew() -> None:
    """Deleted and made again at once: nothing that was told of the first one shows for the second."""
    stage = await measured(suspend=True)
    for (kind, name), item in list(stage.world.resources.objects.items()):
        if kind is Kind.CYCLE:
            del stage.world.resources.objects[kind, name]
        elif kind is Kind.SYNC:
            stage.put(replace(item, uid="another", status={}))
    await stage.runner.turn()
    shown = await stage.scrape()
    assert list(shown.of(Metric.MISSING_CONNECTIONS)) == list(shown.of(Metric.LAST_CYCLE_SUCCESS)) == []


async def test_who_stands_by_says_so_and_nothing_about_syncs() -> None:
    """The leader is 1; one that has customers in its mirror, but no runner, shows itself alone."""
    stage = await measured(suspend=True)
    assert (await stage.scrape()).value(Metric.LEADER) == 1.0
    stage.leads = False
    stage.start()
    shown = await stage.scrape()
    assert gauges(shown).keys() == {(Metric.LEADER,), *(key for key in gauges(shown) if key[0] == Metric.BUILD_INFO)}
    assert shown.value(Metric.LEADER) == 0.0


async def test_customers_who_are_not_known_yet_are_not_none() -> None:
    """Before the first list of them is there, nothing is shown of customers rather than 0; the rest is."""
    stage = await measured(suspend=True)
    stage.metrics = Metrics(lambda: None, lambda: True, lambda: None)
    stage.metrics.sync_seen(stage.world.resources.objects[Kind.SYNC, "main"])
    shown = await stage.scrape()
    of_customers = {Metric.CUSTOMERS, Metric.CONNECTIONS, Metric.PINS}
    assert [sample for sample in shown.samples if sample.name in of_customers] == []
    assert shown.value(Metric.EXPECTED_CONNECTIONS, **PLACE) == 2.0


async def test_closes_that_are_held() -> None:
    """As the last cycle lists them; 0 as soon as a cycle holds none; those of a drift pass by its customers."""
    stage = await measured(suspend=True, guards={"minCloses": 0, "maxClosePercent": 0})
    active, others = stage.world.database.rows[:2], stage.world.database.rows[2:]
    stage.world.database.rows = [*(replace(one, state="suspended") for one in active), *others]
    await stage.run("second")
    assert await stage.value(Metric.HELD_CLOSES) == 2.0, "at once"
    await stage.runner.turn()
    assert await stage.value(Metric.HELD_CLOSES) == 2.0
    assert (await stage.scrape()).by("reason", Metric.CUSTOMERS, condition="Ready", status="False") == {"MassClose": 2}
    stage.start()
    await stage.runner.turn()
    assert await stage.value(Metric.HELD_CLOSES) == 2.0
    stage.world.database.rows = [*active, *others]
    await stage.run("third")
    await stage.runner.turn()
    assert await stage.value(Metric.HELD_CLOSES) == 0.0


async def test_closes_that_a_drift_pass_holds() -> None:
    """It lists nothing: the customers whose Ready says so are counted."""
    stage = await measured(guards={"minCloses": 0, "maxClosePercent": 0})
    stage.world.connect(connection("c-off", "off"))
    shown = await drift(stage)
    assert shown.value(Metric.HELD_CLOSES, **PLACE) == 1.0
    assert shown.value(Metric.SUSPENDED_REMAINING, **PLACE) == 1.0


async def test_alerts_and_investigations() -> None:
    """An alert is 1 while it lasts, then absent; Investigations by trigger and phase, also those of which none is."""
    stage = await measured(suspend=True)
    sync = stage.world.resources.objects[Kind.SYNC, "main"]
    since = {"since": "2026-03-01T03:00:00Z", "message": "m"}
    alerts = [
        {"name": "NavixySynchronizationFailure", "severity": "high", **since},
        {"name": "NavixyHighCustomerSkipRate", "severity": "low", **since, "resolved": True},
    ]
    stage.metrics.sync_seen(replace(sync, status={**sync.status, "alerts": alerts}))
    opened = {"sync": "main", "trigger": "HighDiscrepancyRate"}
    found = [resource(Kind.INVESTIGATION, "i-1", spec=opened, status={"phase": "Resolved"})]
    found.append(resource(Kind.INVESTIGATION, "i-2", spec=opened))
    stage.metrics.investigations_seen("default", "main", found)
    shown = await stage.scrape()
    assert [s.labels["alertname"] for s in shown.of(Metric.ALERTS)] == ["NavixySynchronizationFailure"]
    assert shown.value(Metric.ALERTS, **PLACE, severity="high") == 1.0
    assert shown.by("phase", Metric.INVESTIGATIONS, **PLACE) == {"Resolved": 1, "Open": 1}
    assert shown.value(Metric.INVESTIGATIONS, **PLACE, trigger="SynchronizationFailure", phase="Open") == 0.0
    stage.metrics.alerts_pushed("default", "main", taken=False)
    assert (await stage.scrape()).by("result", Metric.ALERT_PUSHES, **PLACE) == {"failed": 1}


async def test_the_audit_trail() -> None:
    """Whether it can be written, what waits, what was lost, and how long a batch takes; nothing where there is none."""
    stage = Measured(suspend=True)
    assert (await stage.scrape()).value(Metric.AUDIT_AVAILABLE) is None
    stage.audit = AuditState((Reason.AUDIT_UNAVAILABLE, "away"), spooled=12, lost=3)
    stage.metrics.batch_written(500, 0.02)
    shown = await stage.scrape()
    assert (shown.value(Metric.AUDIT_AVAILABLE), shown.value(Metric.AUDIT_SPOOLED)) == (0.0, 12.0)
    assert (shown.value(Metric.AUDIT_LOST), shown.value(Metric.AUDIT_ENTRIES)) == (3.0, 500.0)
    assert shown.value(f"{Metric.AUDIT_WRITE_DURATION}_bucket", le="0.025") == 1.0
    stage.audit = AuditState()
    assert (await stage.scrape()).value(Metric.AUDIT_AVAILABLE) == 1.0


async def test_customers_who_wait_for_the_attendant() -> None:
    """Asked for, they wait; attended to, they do not."""
    stage = await measured(suspend=True)
    stage.put_pin(stage.world.resources.customers()["acme"], PinMode.DISCONNECT, by="op")
    stage.runner.attendant.heard("MODIFIED", stage.world.resources.customers()["acme"])
    assert await stage.value(Metric.ATTENDANT_QUEUE) == 1.0
    attending = asyncio.create_task(stage.runner.attendant.run())
    async with asyncio.timeout(5):
        while stage.world.forwarding.states().get("acme"):  # noqa: ASYNC110 - the world is no event
            await asyncio.sleep(0.01)
    assert await stage.value(Metric.ATTENDANT_QUEUE) == 0.0
    attending.cancel()
    await asyncio.gather(attending, return_exceptions=True)


async def test_no_customer_and_no_secret_in_any_label() -> None:
    """After all of the above there is no reference, hash or fingerprint in the whole text."""
    stage = await measured()
    stage.world.forwarding.refused = {"gamma": refusal()}
    stage.world.database.rows = [*stage.world.database.rows, row("gamma", number=5), row("delta-9", number=6)]
    await stage.run("second")
    shown = await drift(stage)
    assert shown.value(Metric.POLLED_CUSTOMERS) == 6.0
    for ref in ("acme", "beta", "gamma", "delta-9"):
        assert not re.search(rf'"[^"]*({ref}|{hash_of(ref)}|{print_of(ref)})', shown.text)
