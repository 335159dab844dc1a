"""Passes that are cut off, or whose writes fail: what was done in F1.1 is told all the same, and a stop is a stop."""

import asyncio
from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.chronicle import Chronicle
from navixy_operator.core.vocabulary import PIN, EventName, EventStatus, Kind, Phase
from navixy_operator.drift import Pass, run_drift
from navixy_operator.driftmemory import Memory
from navixy_operator.errors import ForwardingUnavailable, KubernetesUnavailable
from support.builders import connection, row
from support.cycles import SYNC, order, run
from support.fakes import World
from support.stage import Stage

SECONDS = 3.0


async def refused(*_: Any) -> None:
    """What the API server says to every write of a status."""
    message = "the API server does not answer"
    raise KubernetesUnavailable(message)


async def forever(*_: Any, **__: Any) -> None:
    """No answer."""
    await asyncio.Event().wait()


def told(world: World) -> set[tuple[EventName, str | None]]:
    """What was told of connections."""
    done = {EventName.CONNECTION_ESTABLISHED, EventName.CONNECTION_CLOSED}
    return {(fact.event, fact.customer) for fact in world.facts if fact.event in done}


class Replacing(World):
    """A customer whose hash has changed since it was connected."""

    async def begin(self) -> None:
        """A first cycle, and another hash."""
        self.database.rows = [row("acme")]
        await run(self)
        self.facts.clear()
        (one,) = self.forwarding.found.values()
        self.forwarding.found[one.id] = replace(one, fingerprint="0" * 16)

    def pin_off(self) -> None:
        """A person wants it disconnected."""
        (key,) = [key for key in self.resources.objects if key[0] is Kind.CUSTOMER]
        self.resources.objects[key] = replace(self.resources.objects[key], annotations={PIN: "disconnect"})


async def test_what_was_done_is_told_though_no_status_can_be_written() -> None:
    """The API server goes away in step 8."""
    world = World()
    world.database.rows = [row("acme")]
    world.connect(connection("c-left", "left"))
    world.resources.write_status = refused  # type: ignore[method-assign, assignment]
    with pytest.raises(KubernetesUnavailable):
        await run(world)
    assert told(world) == {(EventName.CONNECTION_ESTABLISHED, "acme"), (EventName.CONNECTION_CLOSED, "left")}


async def test_what_a_drift_pass_did_is_told_though_a_person_speaks_right_after() -> None:
    """Its status is left to the pass that heeds the pin; the establish has happened."""
    world = Replacing()
    await world.begin()
    world.forwarding.found.clear()
    establish = world.forwarding.establish

    async def and_then(*arguments: Any, **more: Any) -> Any:
        made = await establish(*arguments, **more)
        world.pin_off()
        return made

    async def note(_count: int) -> None:
        """Nothing to close."""

    world.forwarding.establish = and_then  # type: ignore[method-assign]
    chronicle = Chronicle("d", SYNC, world.clock, [world.facts.append])
    await run_drift(Pass(order("d"), world.outside, chronicle, Memory(), note))
    assert told(world) == {(EventName.CONNECTION_ESTABLISHED, "acme")}


async def test_a_close_is_told_though_a_person_stops_what_should_have_followed() -> None:
    """The old connection is closed, then somebody pins: nothing is established, and the close has happened."""
    world = Replacing()
    await world.begin()
    close = world.forwarding.close_connection

    async def and_then(connection_id: str) -> bool:
        closed = await close(connection_id)
        world.pin_off()
        return closed

    world.forwarding.close_connection = and_then  # type: ignore[method-assign]
    await run(world, "c-2")
    assert told(world) == {(EventName.CONNECTION_CLOSED, "acme")}
    (fact,) = [fact for fact in world.facts if fact.event is EventName.CONNECTION_CLOSED]
    assert fact.details["closed_connections"] == ["new-acme"]


async def test_only_what_was_asked_for_is_told_where_a_replacement_is_cut_off() -> None:
    """F1.1 goes away while it closes the old connection: no establish was sent."""
    world = Replacing()
    await world.begin()
    world.forwarding.close_seconds = 60.0
    world.forwarding.list_errors = {world.forwarding.lists + 2: ForwardingUnavailable("F1.1 does not answer")}
    with pytest.raises(ForwardingUnavailable):
        await run(world, "c-2")
    found = [(fact.event, fact.status, fact.details.get("closed_connections")) for fact in world.facts if fact.customer]
    assert found == [(EventName.CONNECTION_CLOSED, EventStatus.PENDING, ["new-acme"])]


@pytest.fixture
def stage() -> Stage:
    """A cycle is due."""
    stage = Stage()
    stage.ran_last("2026-03-01T03:00:00Z")
    stage.cycle("now")
    return stage


async def ends(task: "asyncio.Task[None]") -> bool:
    """Cancel it; whether it heeds that."""
    task.cancel()
    done, _ = await asyncio.wait({task}, timeout=SECONDS)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    return bool(done) and task.cancelled()


async def test_a_stop_is_not_lost_where_the_last_words_fail(stage: Stage) -> None:
    """The runner must not go on with another turn."""
    started = asyncio.Event()

    async def polling(*_: Any) -> None:
        started.set()
        await forever()

    stage.world.database.snapshot = polling  # type: ignore[method-assign, assignment]
    task = asyncio.create_task(stage.runner.run())
    await asyncio.wait_for(started.wait(), SECONDS)
    stage.world.resources.write_status = refused  # type: ignore[method-assign, assignment]
    assert await ends(task)


async def test_a_cycle_that_has_told_its_end_has_that_end(stage: Stage) -> None:
    """It is stopped while its Events are posted: the report is written, and no other process marks it."""
    posting = asyncio.Event()

    async def post(*_: Any, **__: Any) -> None:
        posting.set()
        await forever()

    stage.world.recorder.record = post  # type: ignore[method-assign]
    task = asyncio.create_task(stage.runner.run())
    await asyncio.wait_for(posting.wait(), SECONDS)
    assert await ends(task)
    assert stage.status(Kind.CYCLE, "now")["phase"] == stage.status(Kind.SYNC, "main")["phase"] == Phase.COMPLETED
    completed = [fact for fact in stage.world.facts if fact.event is EventName.SYNCHRONIZATION_COMPLETED]
    assert len(completed) == 1
