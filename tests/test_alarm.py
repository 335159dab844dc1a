"""A NavixySync's alerts over time: repeated, kept across restarts, resolved; and what may go wrong in telling them."""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from structlog.testing import capture_logs

from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import AlertName, Kind
from navixy_operator.errors import DatabaseUnavailable, KubernetesUnavailable
from navixy_operator.pager import REPEATS
from navixy_operator.ports import Resource
from support.alerting import URL, AlertStage
from support.builders import NOW

FAILURE = AlertName.SYNCHRONIZATION_FAILURE
DOWN = DatabaseUnavailable("the customer database did not answer")


async def failing(**spec: Any) -> AlertStage:
    """A NavixySync whose one cycle has failed, which Alertmanager knows; no drift pass is due."""
    stage = AlertStage(suspend=True, **spec)
    stage.world.database.error = DOWN
    await stage.run_cycle("first")
    assert stage.kept() == {FAILURE: False}
    return stage


async def recover(stage: AlertStage) -> None:
    """A cycle that succeeds."""
    stage.world.database.error = None
    await stage.run_cycle("later")


async def test_what_lasts_is_repeated_each_minute() -> None:
    """Not sooner; each time it says that it ends a few repeats later, and that it began when it did."""
    stage = await failing()
    for seconds, pushes in ((59, 1), (1, 2), (30, 2), (30, 3)):
        await stage.pass_time(seconds)
        await stage.look()
        assert len(stage.alerting.pushes) == pushes
    now, ends = stage.cluster.clock.now(), timedelta(seconds=60 * REPEATS)
    assert [alert.ends_at for _, (alert,) in stage.alerting.pushes][-1] == now + ends
    assert {alert.starts_at for _, (alert,) in stage.alerting.pushes} == {NOW + timedelta(seconds=60)}
    assert stage.runner.lookout.alarm.rest() == 60


async def test_a_look_in_between_does_not_put_off_the_repeat() -> None:
    """The next look is due with the next push."""
    stage = await failing()
    await stage.pass_time(30)
    await stage.look()
    assert stage.runner.lookout.alarm.rest() == 30


async def test_an_alert_of_the_future_ends_after_it_began() -> None:
    """Another process, whose clock is ahead, wrote when it began: Alertmanager would refuse all others, too."""
    stage = await failing()
    sync = stage.world.resources.objects[Kind.SYNC, "main"]
    since = stage.cluster.clock.now() + timedelta(minutes=10)
    stage.put(
        replace(sync, status={**sync.status, "alerts": [{**sync.status["alerts"][0], "since": timestamp(since)}]})
    )
    stage.restart()
    await stage.turn()
    alert = stage.alerting.known[FAILURE]
    assert (alert.starts_at, alert.ends_at) == (since, since + timedelta(seconds=60 * REPEATS))


async def requests_of_a_minute(stage: AlertStage) -> list[str]:
    """What the look after a minute asks the API server for; but for the investigations, which look for themselves."""
    stage.world.journal.clear()
    await stage.pass_time(60)
    await stage.look()
    return [request for request in stage.world.journal if request != f"list {Kind.INVESTIGATION}"]


async def test_an_unchanged_minute_asks_the_api_server_nothing() -> None:
    """Neither reads nor writes, whether something lasts or not."""
    stage = await failing()
    for _ in range(3):
        assert await requests_of_a_minute(stage) == []
        assert stage.alerting.tried == len(stage.alerting.pushes) > 1
    await recover(stage)
    assert await requests_of_a_minute(stage) == []


async def test_a_changed_description_is_pushed_at_once_and_not_written() -> None:
    """The status changes with the set of alerts alone."""
    stage = await failing()
    stage.world.database.error = DatabaseUnavailable("another reason")
    writes = stage.world.journal.count("status main")
    await stage.run_cycle("second")
    assert stage.world.journal.count("status main") == writes + 2, "the cycle's own two"
    assert "another reason" in stage.alerting.known[FAILURE].annotations["description"]
    assert stage.told("AlertFiring") == [FAILURE], "it is not news that it lasts"


async def test_a_restart_changes_neither_the_beginning_nor_tells_it_anew() -> None:
    """The next process goes on at once, with the same alert."""
    stage = await failing()
    before = stage.alerting.known[FAILURE]
    await stage.pass_time(7)
    stage.restart()
    await stage.turn()
    assert len(stage.alerting.pushes) == 2, "Alertmanager may have been started anew, too"
    after = stage.alerting.known[FAILURE]
    assert replace(after, ends_at=before.ends_at) == before
    assert (stage.told("AlertFiring"), len(stage.posted("AlertFiring"))) == ([FAILURE], 1)


async def test_what_is_over_after_a_restart_is_resolved() -> None:
    """It was active before, and what it was about has ended while nobody looked."""
    stage = await failing()
    stage.restart()
    await recover(stage)
    assert stage.is_over(FAILURE)
    assert stage.told("AlertResolved") == [FAILURE]


async def test_a_resolution_is_pushed_until_it_is_taken() -> None:
    """Alertmanager is down when the alert ends: also the next process remembers that it has yet to be told."""
    stage = await failing()
    stage.alerting.down = True
    await recover(stage)
    ended = stage.cluster.clock.now()
    assert stage.kept() == {FAILURE: True}
    assert stage.told("AlertResolved") == [FAILURE]
    tried = stage.alerting.tried
    for seconds, more in ((59, 0), (1, 1), (60, 2)):
        await stage.pass_time(seconds)
        await stage.look()
        assert stage.alerting.tried == tried + more
    stage.restart()
    await stage.turn()
    assert (stage.kept(), stage.told("AlertResolved")) == ({FAILURE: True}, [FAILURE])
    stage.alerting.down = False
    await stage.pass_time(60)
    await stage.look()
    assert stage.is_over(FAILURE)
    assert ended <= stage.alerting.known[FAILURE].ends_at <= stage.cluster.clock.now()


async def test_that_alertmanager_is_down_is_told_once() -> None:
    """In the log and in an Event; that it takes alerts again, in the log. The status has them meanwhile."""
    stage = AlertStage(suspend=True)
    stage.alerting.down = True
    stage.world.database.error = DOWN
    with capture_logs() as logs:
        await stage.run_cycle("first")
        assert stage.kept() == {FAILURE: False}
        for _ in range(3):
            await stage.pass_time(60)
            await stage.look()
        assert stage.alerting.tried == 4
        stage.alerting.down = False
        await stage.pass_time(60)
        await stage.look()
        for down in (False, True):
            stage.alerting.down = down
            await stage.pass_time(60)
            await stage.look()
    told = [(line["event"], line["log_level"]) for line in logs if line["event"].startswith("Alerts")]
    assert told == [("AlertsNotTaken", "warning"), ("AlertsTakenAgain", "info"), ("AlertsNotTaken", "warning")]
    assert stage.posted("AlertmanagerUnavailable") == [f"the Alertmanager at {URL} did not take the alerts"] * 2
    assert stage.alerting.firing() == {FAILURE}


async def test_without_an_alertmanager_the_status_and_events_have_the_alerts() -> None:
    """``alertmanagerUrl`` absent: nothing is pushed; what is over leaves nothing behind."""
    stage = await failing(url=None)
    assert stage.told("AlertFiring") == [FAILURE]
    assert len(stage.posted("AlertFiring")) == 1
    await recover(stage)
    assert (stage.kept(), stage.told("AlertResolved"), stage.alerting.tried) == ({}, [FAILURE], 0)


def respec(stage: AlertStage, **fields: Any) -> None:
    """Somebody changes the NavixySync."""
    sync = stage.world.resources.objects[Kind.SYNC, "main"]
    stage.put(replace(sync, spec={**sync.spec, **fields}, generation=sync.generation + 1))


async def test_another_alertmanager_is_told_at_once_and_the_old_one_no_more() -> None:
    """The old one resolves what it holds by itself; with the URL gone, nobody is told."""
    stage = await failing()
    respec(stage, alerts={"alertmanagerUrl": "http://other"})
    await stage.turn()
    assert [url for url, _ in stage.alerting.pushes] == [URL, "http://other"]
    respec(stage, alerts={})
    await stage.turn()
    await stage.pass_time(60)
    await stage.turn()
    assert len(stage.alerting.pushes) == 2
    assert stage.kept() == {FAILURE: False}


async def test_the_alerts_of_a_deleted_sync_are_resolved() -> None:
    """The runner's last words; nothing is written, for nothing is there."""
    stage = await failing()
    del stage.world.resources.objects[Kind.SYNC, "main"]
    await asyncio.wait_for(stage.runner.run(), 5)
    assert stage.alerting.resolved() == {FAILURE}
    assert stage.told("AlertResolved") == [FAILURE]


async def test_the_alerts_of_an_operator_that_stops_last() -> None:
    """A shutdown is no end of what is wrong: the next process goes on."""
    stage = await failing()
    running = asyncio.create_task(stage.runner.run())
    await asyncio.wait({running}, timeout=0.2)
    running.cancel()
    await asyncio.wait({running}, timeout=5)
    assert stage.alerting.firing() == {FAILURE}
    assert (stage.kept(), stage.told("AlertResolved")) == ({FAILURE: False}, [])


async def test_an_alertmanager_that_hangs_does_not_hold_up_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    """The last words have a bound; what was not told ends by itself."""

    async def push(*_: object) -> None:
        await asyncio.Event().wait()

    stage = await failing()
    monkeypatch.setattr("navixy_operator.alarm.LAST_WORDS_SECONDS", 0.05)
    monkeypatch.setattr(stage.alerting, "push", push)
    del stage.world.resources.objects[Kind.SYNC, "main"]
    with capture_logs() as logs:
        await asyncio.wait_for(stage.runner.run(), 5)
    assert "LastWordsCutOff" in [line["event"] for line in logs]


@pytest.mark.parametrize("broken", [{"schedule": "61 * * * *"}, {"alerts": {"persistentCycles": "many"}}], ids=str)
async def test_what_lasts_is_repeated_while_the_sync_is_stalled(broken: dict[str, Any]) -> None:
    """A spec that cannot be read ends nothing and begins nothing, also where it is the part about alerts."""
    stage = await failing(alerts={"persistentCycles": 5})
    respec(stage, **{"alerts": {"alertmanagerUrl": URL, "persistentCycles": 5}, **broken})
    await stage.turn()
    assert stage.ready() == ("False", "InvalidSpec")
    await stage.pass_time(60)
    await stage.turn()
    assert len(stage.alerting.pushes) == 2
    assert (stage.alerting.firing(), stage.kept()) == ({FAILURE}, {FAILURE: False})


async def test_a_process_that_begins_with_a_stalled_sync_repeats_its_alerts() -> None:
    """The part about alerts can be read, though the spec as a whole cannot."""
    stage = await failing()
    respec(stage, schedule="61 * * * *")
    stage.restart()
    await stage.turn()
    assert (len(stage.alerting.pushes), stage.alerting.firing()) == (2, {FAILURE})


async def test_a_status_that_cannot_be_written_is_written_later() -> None:
    """Alertmanager has the alert all the same; it is told as news once."""
    stage = await failing(url=None)
    write, refused = stage.world.resources.write_status, 0

    async def write_status(resource: Resource, status: Mapping[str, Any]) -> Resource | None:
        nonlocal refused
        if "alerts" not in status and not refused:
            refused += 1
            message = "the API server did not answer"
            raise KubernetesUnavailable(message)
        return await write(resource, status)

    stage.world.database.error = None
    stage.cycle("second", created_at="2026-03-01T04:00:00Z")
    await stage.runner.turn()
    stage.world.resources.write_status = write_status  # type: ignore[method-assign]  # the API server fails once
    with capture_logs() as logs:
        assert not await stage.runner.lookout.look()
    assert ("LookFailed", "KubernetesUnavailable") in [(line["event"], line.get("reason")) for line in logs]
    assert stage.kept() == {FAILURE: False}
    await stage.look()
    assert (refused, stage.kept(), stage.told("AlertResolved")) == (1, {}, [FAILURE])
