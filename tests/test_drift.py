"""Drift passes in a world of fakes: what one remembers for the next, and when that counts for nothing."""

from dataclasses import replace

import pytest

from navixy_operator.chronicle import Chronicle
from navixy_operator.core.model import Connection
from navixy_operator.core.naming import resource_name
from navixy_operator.core.vocabulary import PIN, ConnectionState, Kind, Policy
from navixy_operator.cycle import Order
from navixy_operator.drift import Drifted, Pass, run_drift
from navixy_operator.driftmemory import Memory
from navixy_operator.errors import ForwardingUnavailable
from navixy_operator.ports import Listing
from support.builders import row
from support.cycles import SYNC, order, run
from support.fakes import FakeForwarding, World


async def connected_world() -> World:
    """Two customers whom a cycle has connected."""
    world = World()
    world.database.rows = [row("acme"), row("beta", number=2)]
    await run(world)
    return world


async def drift(world: World, memory: Memory, ordered: Order | None = None) -> Drifted:
    """One pass over all customers."""

    async def note_closes(count: int) -> None:
        world.journal.append(f"note {count}")

    return await run_drift(
        Pass(ordered or order(), world.outside, Chronicle("drift", SYNC, world.clock), memory, note_closes)
    )


def lose(world: World, ref: str) -> Connection:
    """F1.1 loses a customer's connection by itself."""
    (lost,) = [one for one in world.forwarding.found.values() if one.customer_ref == ref]
    del world.forwarding.found[lost.id]
    return lost


def without_etags(monkeypatch: pytest.MonkeyPatch) -> None:
    """An F1.1 that gives its whole list each time."""
    told = FakeForwarding.listing

    async def listing(self: FakeForwarding, known: Listing | None = None) -> Listing:
        del known
        return Listing((await told(self)).connections)

    monkeypatch.setattr(FakeForwarding, "listing", listing)


async def test_a_list_that_says_the_same_is_no_news(monkeypatch: pytest.MonkeyPatch) -> None:
    """Without ETags, too, nobody is decided on while F1.1's list and the resources are as the last pass left them."""
    without_etags(monkeypatch)
    world, memory = await connected_world(), Memory()
    first, second = await drift(world, memory), await drift(world, memory)
    assert (len(first.settled), len(second.settled)) == (2, 0)
    assert second.counts == first.counts
    lose(world, "acme")
    third = await drift(world, memory)
    assert [entry.decision.name for entry in third.settled] == ["acme"], "the other is as it was"
    assert third.counts is not None
    assert (third.counts.expected, third.counts.actual, third.counts.unresolved) == (2, 2, 0)
    assert world.forwarding.states() == {"acme": ["connected"], "beta": ["connected"]}


async def test_who_is_not_as_the_last_pass_left_them_is_decided_on(monkeypatch: pytest.MonkeyPatch) -> None:
    """Another version of the resource, or a pin; and all, under other settings of the NavixySync."""
    without_etags(monkeypatch)
    world, memory = await connected_world(), Memory()
    await drift(world, memory)
    name = resource_name("acme")
    acme = world.resources.objects[Kind.CUSTOMER, name]
    world.resources.objects[Kind.CUSTOMER, name] = replace(acme, resource_version="2", annotations={PIN: "hold"})
    for _ in range(2):
        lose(world, "beta")
        found = await drift(world, memory)
        assert [entry.decision.name for entry in found.settled] == ["acme", "beta"], "a pin may end"
    changed = replace(SYNC, generation=SYNC.generation + 1)
    assert len((await drift(world, memory, replace(order(), sync=changed))).settled) == 2
    world.resources.objects[Kind.CUSTOMER, name] = replace(acme, resource_version="3")
    found = await drift(world, memory, replace(order(), sync=changed))
    assert [entry.decision.name for entry in found.settled] == ["acme"]


@pytest.mark.parametrize("etags", [True, False])
async def test_a_pass_that_was_cut_off_is_made_again(monkeypatch: pytest.MonkeyPatch, etags: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """F1.1 showed the loss and then answered nothing: its list is the same at the next pass, which must still act."""
    if not etags:
        without_etags(monkeypatch)
    world, memory = await connected_world(), Memory()
    await drift(world, memory)
    lose(world, "acme")
    world.forwarding.refused = {"acme": ForwardingUnavailable("no answer")}
    for _ in range(2):
        with pytest.raises(ForwardingUnavailable):
            await drift(world, memory)
    world.forwarding.refused = {}
    await drift(world, memory)
    assert world.forwarding.states()["acme"] == [ConnectionState.CONNECTED.value]


async def test_other_settings_are_heeded_though_nothing_else_has_changed() -> None:
    """What the policy held back is done at the next pass once the policy lets it."""
    world, memory = await connected_world(), Memory()
    lose(world, "acme")
    for _ in range(2):
        await drift(world, memory, order(policy=Policy.OBSERVE))
    assert "acme" not in world.forwarding.states()
    await drift(world, memory, replace(order(), sync=replace(SYNC, generation=SYNC.generation + 1)))
    assert world.forwarding.states()["acme"] == [ConnectionState.CONNECTED.value]
