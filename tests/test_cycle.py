"""A cycle against fakes of the outside: what it does, in which order, and what it leaves alone."""

from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.core.naming import resource_name
from navixy_operator.core.vocabulary import Kind, Policy, Reason
from navixy_operator.errors import (
    DatabaseUnavailable,
    ForwardingUnauthorized,
    ForwardingUnavailable,
)
from support.builders import (
    PENDING,
    connection,
    hash_of,
    resource,
    row,
)
from support.cycles import ready, run, small_world
from support.fakes import World


@pytest.fixture
def world() -> World:
    """Something to keep, to establish and to close."""
    return small_world()


async def test_the_eight_steps_in_order(world: World) -> None:
    """Poll, validate, publish, list, establish, close, list again, tell: each of them, and in this order."""
    ran = await run(world)
    assert ran.journal == [
        "poll",
        "list NavixyCustomer",
        "create acme",
        "create beta",
        "create off",
        "list connections",
        "establish beta",
        "close c-off",
        "close c-left",
        "list connections",
        "status acme",
        "status beta",
        "status off",
    ]
    assert world.forwarding.states() == {"acme": ["connected"], "beta": ["connected"]}
    assert ran.finding.validation.passed
    assert [line["event"] for line in ran.logs] == [
        "CustomerDatabaseQueried",
        "EligibleCustomersIdentified",
        "MissingConnectionsDetected",
        "ExtraConnectionsDetected",
        "ExtraConnectionsDetected",
        "ConnectionEstablished",
        "DiscrepancyResolved",
        "ConnectionClosed",
        "DiscrepancyResolved",
        "ConnectionClosed",
        "DiscrepancyResolved",
    ]
    assert all(line["cycle"] == "c-1" and line["origin"] == "automatic" for line in ran.logs)


async def test_the_second_cycle_costs_nothing(world: World) -> None:
    """An unchanged world: one list of customers, one list of connections before and one after, and no write."""
    await run(world)
    before = dict(world.resources.objects)
    ran = await run(world, "c-2")
    assert ran.journal == ["poll", "list NavixyCustomer", "list connections", "list connections"]
    assert world.resources.objects == before
    written = ran.finding.published
    assert (written.created, written.updated, written.deleted) == (0, 0, 0)
    assert not world.recorder.events or all(reason == "ConnectionClosed" for _, reason, _, _ in world.recorder.events)


async def test_a_moved_row_is_no_change(world: World) -> None:
    """The database gives its rows in another order, bad ones among them: still no write."""
    world.database.rows = [*world.database.rows, row("bad", state="?"), row("bad", state="!"), row("x"), row("x")]
    world.database.rows += [row(ref, navixy_hash=hash_of("shared")) for ref in ("s1", "s2", "s3", "s4", "s5")]
    await run(world)
    world.database.rows = [replace(found, number=place) for place, found in enumerate(world.database.rows[::-1], 9)]
    ran = await run(world, "c-2")
    assert ran.journal == ["poll", "list NavixyCustomer", "list connections", "list connections"]


# AC2: requirements.


async def test_who_misses_a_requirement_is_skipped_and_logged(world: World) -> None:
    """AC2: no connection, a resource that says why, a log line with the reason; the others go on."""
    world.database.rows = [
        row("acme"),
        row("bare", gateway_count=0),
        row("mute", navixy_hash=None),
        row("odd", navixy_hash="xyz"),
        row(None, number=9),
    ]
    ran = await run(world)
    skipped = {line.get("customer"): line["reason"] for line in ran.logged("CustomerSkipped")}
    assert skipped == {"bare": "NoGateways", "mute": "MissingHash", "odd": "InvalidHash", None: "InvalidRecord"}
    assert world.forwarding.states() == {"acme": ["connected"]}
    assert ready(world, "bare") == ("True", "NoGateways")
    assert world.resources.customers()["bare"].labels == {
        "dataforwarding.io/eligible": "false",
        "dataforwarding.io/verdict": "NoGateways",
    }
    assert ran.counts["eligible"] == 1


async def test_a_requirement_that_is_lost_closes(world: World) -> None:
    """AC7: no customer without gateways keeps a connection."""
    world.database.rows = [row("acme", gateway_count=0)]
    ran = await run(world)
    assert "close c-acme" in ran.journal
    assert ran.finding.validation.passed


# AC3: what F1.1 lists.


@pytest.mark.parametrize("error", [ForwardingUnavailable("half a list"), ForwardingUnauthorized("401")])
async def test_an_incomplete_list_acts_on_nothing(world: World, error: Any) -> None:
    """Never on a part: the cycle fails, nothing is opened or closed, no status is written."""
    world.forwarding.list_errors = {1: error}
    with pytest.raises(type(error)):
        await run(world)
    assert not [entry for entry in world.journal if entry.startswith(("establish", "close", "status", "delete"))]


async def test_a_database_error_acts_on_nothing(world: World) -> None:
    """AC9: not even the rows that came before the error count; neither F1.1 nor a resource is touched."""
    world.database.error = DatabaseUnavailable("gone in the middle")
    with pytest.raises(DatabaseUnavailable):
        await run(world)
    assert world.journal == ["poll"]


# A dry run and the policies.


async def test_a_dry_run_touches_nothing(world: World) -> None:
    """It reads, decides and tells, and that is all; nothing is waited for either."""
    world.resources.objects[Kind.CUSTOMER, "gone"] = resource(
        Kind.CUSTOMER,
        "gone",
        spec={"customerRef": "gone", "sync": "main", "source": "Database"},
        status={"conditions": [{"type": "Eligible", "status": "True", "reason": "Eligible"}]},
    )
    ran = await run(world, dry_run=True)
    assert ran.journal == ["poll", "list NavixyCustomer", "list connections"]
    assert world.recorder.events == []
    assert world.clock.seconds == 0
    assert (ran.counts["missing"], ran.counts["extra"], ran.counts["suspendedConnected"]) == (1, 1, 1)
    assert ran.counts["held"] == 3


async def test_observe_acts_on_no_connection(world: World) -> None:
    """Plan and report only: customers can be seen, F1.1 is not touched."""
    ran = await run(world, policy=Policy.OBSERVE)
    assert not [entry for entry in ran.journal if entry.startswith(("establish", "close"))]
    assert ready(world, "beta") == ("False", "PolicyObserve")


async def test_observe_blames_nobody_for_what_is_pending(world: World) -> None:
    """Nobody has waited for it: it is no timeout."""
    world.connect(connection("c-beta", "beta", PENDING))
    await run(world, policy=Policy.OBSERVE)
    assert "error" not in world.resources.customers()["beta"].status["connection"]
    assert world.clock.seconds == 0


async def test_upsert_only_opens_and_closes_nothing(world: World) -> None:
    """Establishes go on, closes are held and said to be."""
    ran = await run(world, policy=Policy.UPSERT_ONLY)
    assert [entry for entry in ran.journal if entry.startswith(("establish", "close"))] == ["establish beta"]
    assert ready(world, "off") == ("False", "PolicyUpsertOnly")
    assert ran.counts["held"] == 2


# One paged list, no request per customer, and resources that come and go: in test_cycle_resources.py.


async def test_names_stay_with_their_customers(world: World) -> None:
    """References that differ in case have a resource each."""
    world.database.rows = [row("Acme"), row("acme"), row("ACME")]
    await run(world)
    assert {ref: item.name for ref, item in world.resources.customers().items()} == {
        ref: resource_name(ref) for ref in ("Acme", "acme", "ACME")
    }


async def test_an_empty_database_closes_nothing(world: World) -> None:
    """No customer at all: every close is held, and said to be."""
    world.database.rows = []
    ran = await run(world)
    assert not [entry for entry in ran.journal if entry.startswith("close")]
    assert {d.action.kind.value for d in ran.finding.decisions} == {"Hold"}
    assert ran.finding.decisions[0].action.reason is Reason.EMPTY_DATABASE  # type: ignore[union-attr]
