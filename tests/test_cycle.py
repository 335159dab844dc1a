"""A cycle against fakes of the outside: what it does, in which order, and what it leaves alone."""

from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.core.naming import resource_name
from navixy_operator.core.vocabulary import Kind, Policy, Reason
from navixy_operator.errors import (
    DatabaseUnavailable,
    EstablishFailed,
    ForwardingUnauthorized,
    ForwardingUnavailable,
)
from support.builders import (
    CONNECTED,
    DISCONNECTED,
    FAILED,
    PASSING,
    PENDING,
    connection,
    hash_of,
    manual,
    print_of,
    resource,
    row,
)
from support.cycles import run
from support.fakes import World, refusal


@pytest.fixture
def world() -> World:
    """Two active customers, a suspended one with a connection, a leftover in F1.1."""
    world = World()
    world.database.rows = [row("acme"), row("beta", number=2), row("off", number=3, state="suspended")]
    world.connect(connection("c-acme", "acme"), connection("c-off", "off"), connection("c-left", "left"))
    return world


def ready(world: World, ref: str) -> tuple[str, str]:
    """Status and reason of a customer's Ready."""
    (found,) = [c for c in world.resources.customers()[ref].status["conditions"] if c["type"] == "Ready"]
    return found["status"], found["reason"]


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
    assert world.resources.customers()["bare"].labels == {"dataforwarding.io/eligible": "false"}
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


# AC5: establishing.


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


# AC6: closing.


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
