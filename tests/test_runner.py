"""The loop of one NavixySync and its supervisor, with the ports in memory: what is due is run, the rest waits."""

import asyncio

import pytest

from navixy_operator.attendant import Attendant
from navixy_operator.core.vocabulary import PIN, Kind
from navixy_operator.errors import DatabaseUnavailable, KubernetesUnavailable, SecretNotFound
from navixy_operator.lookout import Lookout
from navixy_operator.ports import Resource
from navixy_operator.runner import LONGEST_REST
from navixy_operator.supervisor import LONGEST_CYCLE_SECONDS, OVERDUE_SECONDS, Supervisor
from support.builders import resource
from support.stage import SPEC, Stage


async def test_a_due_run_is_made_once_and_run() -> None:
    """The missed run of three o'clock becomes one SyncCycle named after its time, and is run to its end."""
    stage = Stage()
    assert await stage.runner.turn() == 0.0
    (name,) = [name for kind, name in stage.world.resources.objects if kind is Kind.CYCLE]
    assert name == "main-29538900"
    assert stage.status(Kind.CYCLE, name)["phase"] == "completed"
    assert stage.status(Kind.SYNC, "main")["lastScheduleTime"] == "2026-03-01T03:00:00Z"
    assert await stage.runner.turn() == 60.0, "until the next drift pass"
    assert stage.connections == 1, "one for the cycle; it has seen what a drift pass would see"
    assert len([name for kind, name in stage.world.resources.objects if kind is Kind.CYCLE]) == 1
    assert stage.status(Kind.SYNC, "main")["nextScheduleTime"] == "2026-03-02T03:00:00Z"


async def test_a_run_whose_creation_was_lost_is_not_made_twice() -> None:
    """Killed between creating the SyncCycle and writing lastScheduleTime: the name is the same, nothing is doubled."""
    stage = Stage()
    stage.cycle("main-29538900", status={"phase": "completed"})
    await stage.runner.turn()
    assert stage.connections == 0
    assert stage.status(Kind.SYNC, "main")["lastScheduleTime"] == "2026-03-01T03:00:00Z"


async def test_a_suspended_sync_runs_only_what_is_asked_by_hand() -> None:
    """spec.suspend: no scheduled run, no next time; a SyncCycle made by a person still runs."""
    stage = Stage(suspend=True)
    assert await stage.runner.turn() == LONGEST_REST
    assert stage.connections == 0
    assert "nextScheduleTime" not in stage.status(Kind.SYNC, "main")
    stage.cycle("now")
    await stage.runner.turn()
    assert stage.status(Kind.CYCLE, "now")["phase"] == "completed"


async def test_an_unchanged_turn_writes_nothing() -> None:
    """A look that finds nothing due reads, and writes nothing."""
    stage = Stage(suspend=True)
    await stage.runner.turn()
    stage.world.journal.clear()
    await stage.runner.turn()
    assert {entry.split()[0] for entry in stage.world.journal} <= {"get", "list"}


async def test_a_cycle_in_progress_that_nobody_runs_is_interrupted() -> None:
    """Found at the first turn: failed, Interrupted, with its time; it is not run again."""
    stage = Stage(suspend=True)
    stage.cycle("cut", status={"phase": "in_progress", "startTime": "2026-03-01T02:59:00Z"})
    await stage.runner.turn()
    status = stage.status(Kind.CYCLE, "cut")
    assert (status["phase"], status["reason"], status["durationSeconds"]) == ("failed", "Interrupted", 60.0)
    assert stage.connections == 0


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (SecretNotFound("Secret default/db does not exist"), "SecretNotFound"),
        (DatabaseUnavailable("the customer database did not answer"), "DatabaseUnavailable"),
        (ZeroDivisionError("a fault of ours"), "InternalError"),
    ],
)
async def test_a_cycle_that_cannot_run_fails_with_its_reason(error: Exception, reason: str) -> None:
    """Whatever is raised ends in the reports of cycle and sync; the runner goes on."""
    stage = Stage(suspend=True)
    stage.refusal = error
    stage.cycle("now")
    assert await stage.runner.turn() == 0.0
    status = stage.status(Kind.CYCLE, "now")
    assert (status["phase"], status["reason"]) == ("failed", reason)
    assert "a fault of ours" not in str(status)
    assert stage.ready() == ("False", reason)
    assert [event[1] for event in stage.world.recorder.events] == ["SynchronizationFailed"]
    assert await stage.runner.turn() == LONGEST_REST


async def test_a_mended_spec_takes_the_stall_away() -> None:
    """InvalidSpec goes when the spec is right again; Ready is then unknown until a cycle has run."""
    stage = Stage(schedule="61 * * * *")
    stage.cycle("now")
    await stage.runner.turn()
    assert stage.ready() == ("False", "InvalidSpec")
    assert stage.status(Kind.CYCLE, "now")["reason"] == "InvalidSpec"
    good = stage.world.resources.objects[Kind.SYNC, "main"]
    stage.put(resource(Kind.SYNC, "main", spec={**SPEC, "suspend": True}, status=good.status))
    await stage.runner.turn()
    assert stage.status(Kind.CYCLE, "now")["phase"] == "completed"
    assert stage.ready() == ("True", "Synchronized")
    assert not [c for c in stage.status(Kind.SYNC, "main")["conditions"] if c["type"] == "Stalled"]


async def test_a_runner_survives_an_api_server_that_does_not_answer() -> None:
    """An error of a turn costs a pause, not the runner; when the NavixySync is gone it ends."""
    stage = Stage(suspend=True)
    failing, looks = stage.world.resources.get, 0

    async def get(kind: Kind, namespace: str, name: str) -> Resource | None:
        nonlocal looks
        looks += 1
        if looks == 1:
            asyncio.get_running_loop().call_soon(stage.runner.wake)
            message = "the API server did not answer"
            raise KubernetesUnavailable(message)
        stage.world.resources.objects.pop((Kind.SYNC, "main"), None)
        return await failing(kind, namespace, name)

    stage.world.resources.get = get  # type: ignore[method-assign]  # the API server fails once
    await asyncio.wait_for(stage.runner.run(), 5)
    assert looks == 2


@pytest.mark.parametrize(
    ("end", "raised"), [(ZeroDivisionError(), ZeroDivisionError), (asyncio.CancelledError(), RuntimeError)]
)
async def test_a_runner_without_its_attendant_ends(
    monkeypatch: pytest.MonkeyPatch, end: BaseException, raised: type[Exception]
) -> None:
    """Pins would be dead and nobody would know: the cycle under way is run to its end, then the runner breaks."""

    async def attend(_: Attendant) -> None:
        raise end

    monkeypatch.setattr(Attendant, "run", attend)
    stage = Stage(suspend=True)
    stage.cycle("now")
    with pytest.raises(raised):
        await asyncio.wait_for(stage.runner.run(), 5)
    assert stage.status(Kind.CYCLE, "now")["phase"] == "completed"


async def test_a_runner_that_rests_notices_that_its_attendant_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """At once, not only at the next turn."""
    ends = asyncio.Event()

    async def attend(_: Attendant) -> None:
        await ends.wait()

    monkeypatch.setattr(Attendant, "run", attend)
    stage = Stage(suspend=True)
    running = asyncio.create_task(stage.runner.run())
    await asyncio.wait({running}, timeout=0.1)
    assert not running.done()
    ends.set()
    with pytest.raises(RuntimeError, match="nobody attends"):
        await asyncio.wait_for(running, 5)


async def test_a_runner_without_its_lookout_ends(monkeypatch: pytest.MonkeyPatch) -> None:
    """Alerts would be dead, and nobody would be told of that either."""

    async def look_out(_: Lookout) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(Lookout, "run", look_out)
    with pytest.raises(ZeroDivisionError):
        await asyncio.wait_for(Stage(suspend=True).runner.run(), 5)


async def test_a_runner_that_is_woken_when_it_is_told_to_stop_stops() -> None:
    """Neither it nor what runs beside it takes the news for a reason to go on."""
    stage = Stage(suspend=True)
    running = asyncio.create_task(stage.runner.run())
    await asyncio.wait({running}, timeout=0.1)
    customer = resource(Kind.CUSTOMER, "acme", annotations={PIN: "hold"})
    stage.runner.wake()
    stage.runner.lookout.wake()
    stage.runner.attendant.heard("MODIFIED", customer)
    running.cancel()
    await asyncio.wait({running}, timeout=5)
    assert running.cancelled()


async def test_the_supervisor_tells_what_does_no_work() -> None:
    """Liveness: a runner that has not turned for long, and a cycle that hangs, are problems; a busy one is not."""
    stage = Stage(suspend=True)
    supervisor = Supervisor(stage.cluster, stage.connect, ("default",))
    supervisor.sync_reported("default", "main")
    (runner,) = supervisor._runners.values()
    assert supervisor.problems() == []
    runner.busy_with = "now"
    stage.world.clock.seconds = OVERDUE_SECONDS + 1
    assert supervisor.problems() == []
    stage.world.clock.seconds = LONGEST_CYCLE_SECONDS + 1
    assert ["now" in problem for problem in supervisor.problems()] == [True]
    runner.busy_with = None
    assert ["turn" in problem for problem in supervisor.problems()] == [True]
    await supervisor.stop()
    assert supervisor.problems() == []
