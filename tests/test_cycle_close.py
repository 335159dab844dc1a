"""Closing in a cycle: verified, failing alone, and never what a person opened (AC6, AC12, AC13)."""

from dataclasses import replace

import pytest

from navixy_operator.errors import (
    ForwardingUnauthorized,
)
from support.builders import (
    DISCONNECTED,
    FAILED,
    PASSING,
    connection,
    manual,
    row,
)
from support.cycles import ready, run, small_world
from support.fakes import World


@pytest.fixture
def world() -> World:
    """Something to keep, to establish and to close."""
    return small_world()


@pytest.mark.parametrize("seconds", [0.0, 4.0], ids=["closed at once", "closing"])
async def test_closes_are_verified(world: World, seconds: float) -> None:
    """AC6, AC12: 204 and 202 alike end in a list that no longer has it open."""
    world.forwarding.close_seconds = seconds
    ran = await run(world)
    assert world.forwarding.states() == {"acme": ["connected"], "beta": ["connected"]}
    assert ready(world, "off") == ("True", "Suspended")
    assert len([entry for entry in ran.journal if entry.startswith("close")]) == 2
    assert (ran.counts["closed"], ran.finding.validation.passed) == (2, True)
    assert {line["customer"] for line in ran.logged("ConnectionClosed")} == {"off", "left"}


async def test_a_close_that_fails(world: World) -> None:
    """Marked, logged and told in an Event; the other closes and establishes go on; the validation says it."""
    world.forwarding.stuck = {"c-off"}
    ran = await run(world)
    assert ready(world, "off") == ("False", "CloseFailed")
    assert world.forwarding.states() == {"acme": ["connected"], "beta": ["connected"], "off": ["connected"]}
    assert (ran.counts["closed"], ran.counts["closeFailed"]) == (1, 1)
    assert any("off" in message for message in ran.finding.validation.messages)
    assert ("NavixyCustomer/off", "ConnectionCloseFailed") in [
        (about, why) for about, why, _, _ in world.recorder.events
    ]


async def test_a_close_that_never_ends(world: World) -> None:
    """Still closing when the time is over: pending, not closed."""
    world.forwarding.close_seconds = 1000.0
    ran = await run(world)
    assert ready(world, "off") == ("False", "Pending")
    assert ran.counts["closeFailed"] == 2
    assert not ran.finding.validation.passed


async def test_manual_connections_are_left_alone(world: World) -> None:
    """AC13: what a person opened stays, whatever the database says; what a person closed is not opened."""
    world.database.rows = [row("acme", state="suspended"), row("beta")]
    world.forwarding.found.clear()
    world.connect(manual("c-1"), manual("c-2", DISCONNECTED, fingerprint=None))
    world.forwarding.found["c-2"] = replace(world.forwarding.found["c-2"], customer_ref="beta")
    ran = await run(world)
    assert not [entry for entry in ran.journal if entry.startswith(("establish", "close"))]
    assert (ready(world, "acme"), ready(world, "beta")) == (("True", "ManualOperation"), ("True", "ManualOperation"))
    assert ran.finding.validation.passed


async def test_words_of_a_later_version_in_a_status_are_none(world: World) -> None:
    """After a rollback: a reason that nobody knows here stops no cycle, and is replaced by one that is known."""
    world.forwarding.found.clear()
    world.connect(manual())
    await run(world)
    (key,) = [key for key, item in world.resources.objects.items() if item.spec.get("customerRef") == "acme"]
    item = world.resources.objects[key]
    of_later = {
        "status": "True",
        "reason": "OfALaterVersion",
        "message": "m",
        "lastTransitionTime": "2026-03-01T03:00:00Z",
    }
    told = [{"type": kind, **of_later} for kind in ("Ready", "Pinned")]
    world.resources.objects[key] = replace(item, status={**item.status, "conditions": told})
    ran = await run(world, "c-2")
    assert ready(world, "acme") == ("True", "ManualOperation")
    assert len(ran.logged("ManualOperationObserved")) == 1


async def test_unauthorized_stops_the_pass(world: World) -> None:
    """401 is about the operator's token: the pass ends, no customer is blamed."""
    world.database.rows = [row(f"r{number}") for number in range(50)]
    world.forwarding.refused = {f"r{number}": ForwardingUnauthorized("401") for number in range(50)}
    with pytest.raises(ForwardingUnauthorized):
        await run(world)
    assert len([entry for entry in world.journal if entry.startswith("establish")]) <= 2
    assert not [entry for entry in world.journal if entry.startswith("status")]


async def test_failed_leftovers_and_nobodys_connections_go(world: World) -> None:
    """Whatever open connection belongs to nobody is closed, each for itself."""
    world.connect(connection("n-1", None), connection("n-2", None), connection("f", "left2", FAILED, error=PASSING))
    ran = await run(world)
    assert {"close n-1", "close n-2", "close f"} <= set(ran.journal)
    assert ran.finding.validation.passed
