"""Establishing in a cycle: watched by list, failing alone, and only where the place is free (AC5, AC10)."""

from typing import Any

import pytest

from navixy_operator.errors import (
    EstablishFailed,
)
from support.builders import (
    CONNECTED,
    PENDING,
    connection,
    hash_of,
    print_of,
    row,
)
from support.cycles import ready, run, small_world
from support.fakes import World, refusal


@pytest.fixture
def world() -> World:
    """Something to keep, to establish and to close."""
    return small_world()


async def test_pending_connections_are_watched_by_list(world: World) -> None:
    """AC5: one request to establish, lists until it has settled, none for the single connection."""
    world.forwarding.settle_seconds = 10.0
    ran = await run(world)
    asked = [entry for entry in ran.journal if "beta" in entry]
    assert asked == ["create beta", "establish beta", "status beta"]
    assert 3 <= world.forwarding.lists <= 10
    assert 10.0 <= world.clock.seconds < 16.0
    assert ready(world, "beta") == ("True", "Connected")


async def test_pending_until_the_timeout(world: World) -> None:
    """What does not settle in time is marked failed, is still pending in F1.1, and the next cycle finds it."""
    world.forwarding.settle_seconds = 45.0
    ran = await run(world)
    assert world.clock.seconds == pytest.approx(30.0)
    status = world.resources.customers()["beta"].status
    assert ready(world, "beta") == ("False", "EstablishFailed")
    assert (status["connection"]["state"], status["connection"]["error"]["code"]) == ("pending", "establish-timeout")
    assert "30 s" in status["connection"]["error"]["message"]
    assert (ran.counts["establishFailed"], ran.finding.validation.passed) == (1, False)

    again = await run(world, "c-2")
    assert "establish beta" not in again.journal
    assert ready(world, "beta") == ("True", "Connected")
    assert "error" not in world.resources.customers()["beta"].status["connection"]


async def test_a_connection_that_stays_pending_is_put_afresh(world: World) -> None:
    """Two cycles watch it in vain; the third closes it, verified, and establishes another."""
    world.forwarding.settle_seconds = 1e6
    await run(world)
    assert "close new-beta" not in (await run(world, "c-2")).journal
    world.forwarding.settle_seconds = 0.0
    third = await run(world, "c-3")
    assert third.journal.index("close new-beta") < third.journal.index("establish beta")
    assert ready(world, "beta") == ("True", "Connected")


async def test_a_pending_one_of_several_is_watched(world: World) -> None:
    """Trim keeps a pending connection where nothing better is: it is waited for like any other."""
    world.database.rows = [row("acme")]
    world.forwarding.found.clear()
    world.connect(connection("old", state=PENDING, age=9), connection("new", state=PENDING, age=1))
    world.forwarding._due["new"] = (5.0, CONNECTED)
    ran = await run(world)
    assert world.forwarding.states() == {"acme": ["connected"]}
    assert ran.finding.validation.passed


async def test_one_refused_hash_does_not_stop_the_others(world: World) -> None:
    """AC10: marked on its customer with F1.1's code, told in an Event, not tried again with the same hash."""
    world.database.rows = [row(f"r{number}") for number in range(5)]
    world.forwarding.refused = {"r2": refusal()}
    ran = await run(world)
    assert {ref for ref in world.forwarding.states() if ref in {f"r{n}" for n in range(5)}} == {"r0", "r1", "r3", "r4"}
    assert ready(world, "r2") == ("False", "HashRejected")
    assert (ran.counts["established"], ran.counts["establishFailed"]) == (4, 1)
    assert [about for about, reason, _, _ in world.recorder.events if reason == "ConnectionEstablishFailed"] == [
        "NavixyCustomer/r2"
    ]

    again = await run(world, "c-2")
    assert "establish r2" not in again.journal
    third = await run(world, "c-3")
    assert third.journal == ["poll", "list NavixyCustomer", "list connections", "list connections"]

    world.forwarding.refused = {}
    world.database.rows = [*world.database.rows[:2], row("r2", navixy_hash=hash_of("new")), *world.database.rows[3:]]
    await run(world, "c-4")
    assert ready(world, "r2") == ("True", "Connected")


async def test_a_connection_that_fails_is_tried_afresh_in_the_next_cycle(world: World) -> None:
    """AC10: failed is failed for this cycle; the next closes what is left and establishes anew."""
    world.forwarding.broken = {"beta"}
    first = await run(world)
    assert ready(world, "beta") == ("False", "EstablishFailed")
    assert first.counts["establishFailed"] == 1
    world.forwarding.broken = set()
    second = await run(world, "c-2")
    assert second.journal.index("close new-beta") < second.journal.index("establish beta")
    assert ready(world, "beta") == ("True", "Connected")
    assert world.resources.customers()["beta"].status["failedCycles"] == 0


async def test_a_lost_answer_is_no_failure(world: World) -> None:
    """The request failed, the connection is there: the world counts."""

    async def establish(customer_ref: str, navixy_hash: Any, *, key: str) -> Any:
        world.connect(connection("late", customer_ref, fingerprint=navixy_hash.fingerprint))
        raise EstablishFailed("no answer " + key[:0], code="no-answer")

    world.forwarding.establish = establish  # type: ignore[method-assign]
    ran = await run(world)
    assert ready(world, "beta") == ("True", "Connected")
    assert "error" not in world.resources.customers()["beta"].status["connection"]
    assert ran.counts["establishFailed"] == 0


async def test_keys_are_the_customers_and_the_cycles_own(world: World) -> None:
    """A repeat within the cycle has the same key, another cycle or customer another; none is too long."""
    world.database.rows = [row("a"), row("b")]
    await run(world)
    world.forwarding.found.clear()
    await run(world, "c-2")
    world.forwarding.found.clear()
    await run(world, "c-2")
    keys = world.forwarding.keys
    assert len(set(keys[:4])) == 4
    assert keys[2:4] == keys[4:]
    assert all(len(key) <= 64 for key in keys)


async def test_a_changed_hash_is_closed_before_it_is_opened(world: World) -> None:
    """Close, verify, establish: the connection with the old hash is gone before the new one is asked for."""
    world.database.rows = [row("acme", navixy_hash=hash_of("new"))]
    world.forwarding.close_seconds = 3.0
    ran = await run(world)
    acting = [entry for entry in ran.journal if entry.startswith(("close c-acme", "establish", "list connections"))]
    assert acting.index("close c-acme") < acting.index("list connections", 2) < acting.index("establish acme")
    assert [c.fingerprint for c in world.forwarding.found.values() if c.customer_ref == "acme" and c.is_open] == [
        print_of("new")
    ]


async def test_a_changed_hash_is_not_opened_over_a_connection_that_stays(world: World) -> None:
    """The old connection cannot be closed, or is still open when the time is over: nothing is established over it."""
    world.database.rows = [row("acme", navixy_hash=hash_of("new")), row("off", navixy_hash=hash_of("other"))]
    world.forwarding.stuck = {"c-acme"}
    world.forwarding.close_seconds = 1000.0
    ran = await run(world)
    assert not [entry for entry in ran.journal if entry.startswith("establish")]
    assert ready(world, "acme") == ("False", "CloseFailed")
    assert ready(world, "off") == ("False", "CloseFailed")
