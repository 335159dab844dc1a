"""The task beside a runner: it looks when there is something to see, waits for what belongs to it, and survives."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from navixy_operator.alarm import Alarm
from navixy_operator.api.sync import Alerts
from navixy_operator.core.model import CustomerRow
from navixy_operator.core.vocabulary import AlertName, Kind
from navixy_operator.errors import DatabaseUnavailable
from navixy_operator.lookout import Lookout
from navixy_operator.ports import Resource
from support.alerting import AlertStage
from support.builders import connection, resource, row

FAILURE = AlertName.SYNCHRONIZATION_FAILURE
SUSPENDED = AlertName.SUSPENDED_CONNECTED
SYNC = {"lastCycle": {"name": "first", "phase": "completed"}}


@asynccontextmanager
async def at_work(stage: AlertStage) -> AsyncIterator[asyncio.Task[None]]:
    """The lookout alone, as a task."""
    task = asyncio.create_task(stage.runner.lookout.run())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Looks:
    """Every look of an alarm: the version of the status, and the cycles that were known."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, *faults: Exception) -> None:
        self.seen: list[tuple[dict[str, object], list[str]]] = []
        self._faults = list(faults)
        self._news = asyncio.Event()
        looks = self

        async def look(_: Alarm, sync: Resource, settings: Alerts | None, cycles: Sequence[Resource]) -> None:
            assert settings is not None
            looks.seen.append((dict(sync.status), [cycle.name for cycle in cycles]))
            looks._news.set()
            if looks._faults:
                raise looks._faults.pop(0)

        monkeypatch.setattr(Alarm, "look", look)
        monkeypatch.setattr(Alarm, "rest", lambda _: 60.0)

    async def until(self, count: int) -> None:
        """Wait for so many. Raises TimeoutError."""
        async with asyncio.timeout(5):
            while len(self.seen) < count:
                self._news.clear()
                await self._news.wait()


def lookout_of(stage: AlertStage) -> Lookout:
    """The runner's own."""
    return stage.runner.lookout


async def test_it_looks_when_the_status_changes(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever writes it; several changes at once are one look; what is read again unchanged is none."""
    stage, looks = AlertStage(), Looks(monkeypatch)
    status = lookout_of(stage).desk.status
    async with at_work(stage):
        await status.change(lambda _: {"expected": 1})
        await looks.until(1)
        await status.change(lambda _: {"expected": 2})
        await status.change(lambda _: {"expected": 3})
        await looks.until(2)
        await status.change(lambda _: {"expected": 3})
        status.saw(stage.world.resources.objects[Kind.SYNC, "main"])
        await asyncio.sleep(0.1)
    assert [seen["expected"] for seen, _ in looks.seen] == [1, 3]


async def test_it_waits_for_the_report_of_the_cycle_that_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    """The NavixySync tells of it first, its SyncCycle a moment later: a notification has only one first word."""
    stage, looks = AlertStage(), Looks(monkeypatch)
    lookout = lookout_of(stage)
    async with at_work(stage):
        lookout.saw([resource(Kind.CYCLE, "first", status={"phase": "in_progress"})])
        await lookout.desk.status.change(lambda _: SYNC)
        await asyncio.sleep(0.2)
        assert looks.seen == []
        lookout.saw([resource(Kind.CYCLE, "first", status={"phase": "completed"})])
        await looks.until(1)
    assert looks.seen[0] == (SYNC, ["first"])


async def test_a_report_that_comes_after_the_look_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """The cycles alone have changed: one has ended."""
    stage, looks = AlertStage(), Looks(monkeypatch)
    lookout = lookout_of(stage)
    async with at_work(stage):
        await lookout.desk.status.change(lambda _: {"expected": 1})
        await looks.until(1)
        lookout.saw([resource(Kind.CYCLE, "first", status={"phase": "completed"})])
        await looks.until(2)
    assert [cycles for _, cycles in looks.seen] == [[], ["first"]]


async def test_investigations_wait_for_the_cycles() -> None:
    """A process that has not listed them knows nothing that opens one or ends it."""
    stage = AlertStage(suspend=True)
    stage.world.database.error = DatabaseUnavailable("no answer")
    await stage.run_cycle("first")
    assert [name for kind, name in stage.world.resources.objects if kind is Kind.INVESTIGATION]
    stage.restart()
    lookout = lookout_of(stage)
    lookout.desk.status.saw(stage.world.resources.objects[Kind.SYNC, "main"])
    stage.world.journal.clear()
    await stage.look()
    assert "list Investigation" not in stage.world.journal
    lookout.saw([stage.world.resources.objects[Kind.CYCLE, "first"]])
    await stage.look()
    assert "list Investigation" in stage.world.journal


async def test_it_does_not_wait_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    """A SyncCycle that somebody has deleted is waited for once, and briefly."""
    stage, looks = AlertStage(), Looks(monkeypatch)
    monkeypatch.setattr("navixy_operator.lookout.REPORT_SECONDS", 0.05)
    status = lookout_of(stage).desk.status
    async with at_work(stage):
        await status.change(lambda _: SYNC)
        await looks.until(1)
        monkeypatch.setattr("navixy_operator.lookout.REPORT_SECONDS", 60.0)
        await status.change(lambda _: {**SYNC, "expected": 1})
        await looks.until(2)


async def test_a_fault_costs_a_pause_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    """An error of ours as well as one of the outside: the look is made again though nothing has changed."""
    monkeypatch.setattr("navixy_operator.lookout.random.uniform", lambda *_: 0.0)
    stage, looks = AlertStage(), Looks(monkeypatch, ZeroDivisionError(), DatabaseUnavailable("no answer"))
    with capture_logs() as logs:
        async with at_work(stage) as task:
            await lookout_of(stage).desk.status.change(lambda _: {"expected": 1})
            await looks.until(3)
            assert not task.done()
    assert [line["event"] for line in logs if line["event"].startswith("Look")] == ["LookBroke", "LookFailed"]


async def test_it_does_nothing_before_anything_was_read(monkeypatch: pytest.MonkeyPatch) -> None:
    """Nor asks for it: a replica that stands by has no runner, and a runner reads first."""
    stage, looks = AlertStage(), Looks(monkeypatch)
    async with at_work(stage):
        lookout_of(stage).wake()
        await asyncio.sleep(0.2)
    assert (looks.seen, stage.world.journal) == ([], [])


async def test_an_older_reading_does_not_replace_a_newer_one() -> None:
    """Answers of the API server may overtake each other."""
    status = lookout_of(AlertStage()).desk.status
    old, new = (resource(Kind.SYNC, "main", resource_version=version) for version in ("9", "10"))
    for read in (new, old):
        status.saw(read)
    assert status.latest is new
    other = resource(Kind.SYNC, "main", resource_version="3", uid="another")
    status.saw(other)
    assert status.latest is other, "deleted, and made anew"


async def until(stage: AlertStage, *names: AlertName, firing: bool = True) -> None:
    """Wait until just these are firing, or over."""
    async with asyncio.timeout(5):
        while (stage.alerting.firing() if firing else stage.alerting.resolved()) != set(names):  # noqa: ASYNC110 - another task's
            await asyncio.sleep(0.01)


async def test_a_running_cycle_has_its_finding_told_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """The fact alone wakes the lookout: no status is written between the comparison and the close."""
    stage = AlertStage(suspend=True)
    stage.world.database.rows = [row("off", state="suspended")]
    stage.world.connect(connection("on-off", "off"))
    poll, close = stage.world.database.snapshot, stage.world.forwarding.close_connection

    async def snapshot(take: Callable[[CustomerRow], None]) -> None:
        await asyncio.sleep(0.2)  # that the cycle runs has been looked at by then
        await poll(take)

    async def close_connection(connection_id: str) -> bool:
        await until(stage, SUSPENDED)
        return await close(connection_id)

    monkeypatch.setattr(stage.world.database, "snapshot", snapshot)
    monkeypatch.setattr(stage.world.forwarding, "close_connection", close_connection)
    stage.cycle("first")
    running = asyncio.create_task(stage.runner.run())
    await until(stage, SUSPENDED, firing=False)
    running.cancel()
    await asyncio.wait({running}, timeout=5)


async def test_a_runner_has_its_alerts_pushed() -> None:
    """All of it together: cycles that a runner runs by itself reach Alertmanager, with their discrepancies."""
    stage = AlertStage(suspend=True)
    stage.world.database.rows = [row("acme"), row("off", number=2, state="suspended")]
    stage.world.connect(connection("on-off", "off"))
    stage.cycle("first")
    running = asyncio.create_task(stage.runner.run())
    await until(stage, SUSPENDED, firing=False)
    stage.world.database.error = DatabaseUnavailable("no answer")
    stage.cycle("second", created_at="2026-03-01T04:00:00Z")
    stage.runner.wake()
    await until(stage, FAILURE)
    description = stage.alerting.known[FAILURE].annotations["description"]
    assert "It found 1 MissingConnection (acme), 1 SuspendedConnected (off)" in description
    assert len([alerts for _, alerts in stage.alerting.pushes if alerts[0].labels["alertname"] == FAILURE]) == 1
    stage.world.database.error = None
    stage.cycle("third", created_at="2026-03-01T05:00:00Z")
    stage.runner.wake()
    await until(stage, SUSPENDED, FAILURE, firing=False)
    running.cancel()
    await asyncio.wait({running}, timeout=5)
    assert running.cancelled()
