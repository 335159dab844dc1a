"""What the fault suite (``tests/faults``) has found, each as small as it can be told."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.adapters.kube.probing import until_discovered
from navixy_operator.approvals import Approving
from navixy_operator.chronicle import Chronicle
from navixy_operator.claims import Claims
from navixy_operator.core.approval import Approval, token
from navixy_operator.core.guards import Limits
from navixy_operator.core.model import Connection
from navixy_operator.core.vocabulary import CUSTOMERS, CYCLES, GROUP, INVESTIGATIONS, PIN, SYNCS, Kind, Reason
from navixy_operator.drift import Drifted, Pass, attend, run_drift
from navixy_operator.driftmemory import Memory
from navixy_operator.errors import ApprovalInvalid, ConfigurationError
from support.builders import resource, row
from support.cycles import SYNC, order, ready, run
from support.fakes import World
from support.kube_wire import Say, scripted

GROUPS = Say(200, {"groups": [{"name": GROUP}]})
NO_GROUP = Say(200, {"groups": [{"name": "apps"}]})
NO_KINDS = Say(404, b"404 page not found")


def kinds(*names: str) -> Say:
    """The resources of our group."""
    return Say(200, {"resources": [{"name": name} for name in names]})


ALL = kinds(CUSTOMERS, f"{CUSTOMERS}/status", SYNCS, CYCLES, INVESTIGATIONS)


async def test_an_api_server_that_has_just_started_is_waited_for() -> None:
    """It serves our kinds before it tells of them, and kopf asks only once: it would watch nothing, for ever."""
    async with scripted(GROUPS, NO_KINDS, NO_GROUP, ALL, GROUPS, kinds(CUSTOMERS), GROUPS, ALL) as wire:
        await until_discovered(wire.client, stop=asyncio.Event())
        assert len(wire.asked) == 8


async def test_one_that_never_tells_of_our_kinds_ends_the_operator() -> None:
    """What starts it again tries anew; that it is told to stop ends the wait, too."""
    stop = asyncio.Event()
    async with scripted(NO_GROUP) as wire:
        with pytest.raises(ConfigurationError, match="kubectl api-resources"):
            await until_discovered(wire.client, stop=stop, seconds=0)
        stop.set()
        await until_discovered(wire.client, stop=stop, seconds=0)


@pytest.mark.parametrize("whole", [False, True], ids=["attendant", "drift pass"])
async def test_a_pin_is_not_said_to_count_while_a_request_for_its_customer_is_under_way(whole: bool) -> None:  # noqa: FBT001 - a parameter of the test
    """Who reads ``hold`` in the status must not see the connection change afterwards, by a cycle's late answer."""
    world, claims = World(), Claims()
    world.database.rows = [row("acme"), row("beta", number=2)]
    await run(world)
    for name in ("acme", "beta"):
        item = world.resources.objects[Kind.CUSTOMER, name]
        world.resources.objects[Kind.CUSTOMER, name] = replace(item, annotations={PIN: "hold"})

    async def look() -> Drifted:
        work = Pass(order("d", claims=claims), world.outside, Chronicle("d", SYNC, world.clock), Memory(), _note)
        return await (run_drift(work) if whole else attend(work, ["acme", "beta"]))

    def noted() -> dict[str, Any]:
        return {
            ref: item.status["pin"]["mode"] for ref, item in world.resources.customers().items() if "pin" in item.status
        }

    async with claims.hold("beta"):
        drifted = await look()
        assert noted() == {"acme": "hold"}
        assert drifted.busy == (frozenset() if whole else {"beta"})
    drifted = await look()
    assert noted() == {"acme": "hold", "beta": "hold"}
    assert drifted.busy == frozenset()


async def test_a_pass_beside_a_cycle_does_not_close_what_that_has_just_opened() -> None:
    """It read the resource before the cycle judged the customer anew, and F1.1 after the cycle had opened."""
    world = World()
    world.database.rows = [row("acme", state="suspended")]
    await run(world)
    world.database.rows = [row("acme")]
    of_customer = world.forwarding.connections_of

    async def late(customer_ref: str) -> Sequence[Connection]:
        world.forwarding.connections_of = of_customer  # type: ignore[method-assign]  # once
        await run(world, "c-2")
        return await of_customer(customer_ref)

    world.forwarding.connections_of = late  # type: ignore[method-assign]  # a list that takes its time
    await attend(Pass(order("d"), world.outside, Chronicle("d", SYNC, world.clock), Memory(), _note), ["acme"])
    assert [one.is_open for one in world.forwarding.found.values()] == [True]
    assert ready(world, "acme") == ("True", "Connected")


async def _note(_: int) -> None:
    """Nothing is closed here."""


async def test_an_approval_given_for_many_closes_does_not_pass_the_guard_of_an_empty_database() -> None:
    """Its closes would still look right, since everybody is gone; and a hash to be changed would end in a close."""
    world = World()
    world.database.rows = [row("acme"), row("beta", number=2)]
    await run(world)
    world.database.rows = []
    approved = Approval("c-1", frozenset(token(c.customer_ref, c.id) for c in world.forwarding.found.values()))
    with pytest.raises(ApprovalInvalid, match="EmptyDatabase"):
        await run(world, "c-2", limits=Limits(), approval=approved, approved_for=Reason.MASS_CLOSE)
    assert all(one.is_open for one in world.forwarding.found.values())
    await run(world, "c-3", limits=Limits(), approval=approved, approved_for=Reason.EMPTY_DATABASE)
    assert not any(one.is_open for one in world.forwarding.found.values())


def test_a_guard_of_another_version_is_no_guard_that_is_known() -> None:
    """After a rollback an approval may be of closes that a newer version's guard had held."""
    known, other = (resource(Kind.CYCLE, "c", status={"heldCloses": {"reason": why}}) for why in ("MassClose", "Newer"))
    approval = Approval("c", frozenset())
    assert Approving(known, approval).held_for is Reason.MASS_CLOSE
    assert Approving(other, approval).held_for is None
