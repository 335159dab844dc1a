"""Customers as resources, through cycles against fakes: who gets one, who keeps it, who loses it, and at what cost."""

from collections import Counter
from dataclasses import replace

import pytest

from navixy_operator.chronicle import MAX_EVENTS
from navixy_operator.core.vocabulary import PIN, Kind
from support.builders import connection, hash_of, print_of, resource, row
from support.cycles import run
from support.fakes import World

HASH = {"hashSecretRef": {"name": "acme", "key": "hash"}}
QUIET = ["poll", "list NavixyCustomer", "list connections", "list connections"]


@pytest.fixture
def world() -> World:
    """A world where two customers have been connected."""
    world = World()
    world.database.rows = [row("acme"), row("beta")]
    return world


async def test_a_new_customer_costs_one_create_and_one_status_write(world: World) -> None:
    """And one request to F1.1: the budget of the design."""
    world.database.rows = [row(f"r{number}") for number in range(40)]
    await run(world)
    assert world.resources.requests == Counter(list=1, create=40, status=40)
    assert world.forwarding.lists == 2


async def test_a_changed_customer_costs_one_patch_and_one_status_write(world: World) -> None:
    """The others cost nothing."""
    await run(world)
    world.resources.requests.clear()
    world.database.rows = [row("acme", gateway_count=9), row("beta")]
    await run(world, "c-2")
    assert world.resources.requests == Counter(list=1, update=1, status=1)
    assert world.resources.customers()["acme"].spec["gateways"] == 9


async def test_spec_and_label_follow_the_database(world: World) -> None:
    """State, gateways, fingerprint and eligibility, and an Event for the change of verdict."""
    await run(world)
    world.database.rows = [row("acme", state="suspended"), row("beta")]
    await run(world, "c-2")
    item = world.resources.customers()["acme"]
    assert item.spec == {
        "customerRef": "acme",
        "sync": "main",
        "source": "Database",
        "state": "suspended",
        "gateways": 3,
        "hashFingerprint": print_of("acme"),
    }
    assert item.labels == {"dataforwarding.io/eligible": "false", "dataforwarding.io/verdict": "Suspended"}
    assert ("NavixyCustomer/acme", "VerdictChanged") in [(about, why) for about, why, _, _ in world.recorder.events]


async def test_labels_of_others_stay(world: World) -> None:
    """What somebody else put on a customer is theirs."""
    await run(world)
    item = world.resources.objects[Kind.CUSTOMER, "acme"]
    assert isinstance(item.labels, dict)
    item.labels["team"] = "north"
    world.database.rows = [row("acme", gateway_count=0), row("beta")]
    await run(world, "c-2")
    assert world.resources.customers()["acme"].labels == {
        "team": "north",
        "dataforwarding.io/eligible": "false",
        "dataforwarding.io/verdict": "NoGateways",
    }


async def test_a_removed_customer_without_a_resource_gets_none(world: World) -> None:
    """Yet its connection is closed."""
    world.database.rows = [row("acme"), row("out", state="removed")]
    world.connect(connection("c-out", "out"))
    ran = await run(world)
    assert "close c-out" in ran.journal
    assert set(world.resources.customers()) == {"acme"}


@pytest.mark.parametrize("how", ["removed", "gone"])
async def test_a_resource_goes_when_the_close_is_verified(world: World, how: str) -> None:
    """Not before: while the close fails or goes on it stays, marked removed; then it goes, once."""
    await run(world)
    world.database.rows = [row("acme"), *([row("beta", state="removed")] if how == "removed" else [])]
    world.forwarding.stuck = {"new-beta"}
    await run(world, "c-2")
    beta = world.resources.customers()["beta"]
    assert (beta.spec["state"], beta.labels["dataforwarding.io/eligible"]) == ("removed", "false")
    assert beta.labels["dataforwarding.io/verdict"] == {"removed": "Removed", "gone": "NotInDatabase"}[how]

    world.forwarding.stuck = set()
    world.forwarding.close_seconds = 1000.0
    await run(world, "c-3")
    assert "beta" in world.resources.customers()

    world.clock.seconds += 1000.0
    ran = await run(world, "c-4")
    assert ran.journal == [*QUIET[:3], "list connections", "delete beta"]
    assert set(world.resources.customers()) == {"acme"}
    assert (await run(world, "c-5")).journal == QUIET


@pytest.mark.parametrize("mode", ["connect", "disconnect", "hold"])
async def test_who_is_gone_keeps_its_resource_while_it_is_pinned(world: World, mode: str) -> None:
    """Also a pin that cannot be heeded, for no hash is known, is a person's word; without it the resource goes."""
    await run(world)
    world.forwarding.found.clear()
    item = world.resources.objects[Kind.CUSTOMER, "beta"]
    world.resources.objects[Kind.CUSTOMER, "beta"] = replace(item, annotations={PIN: mode})
    world.database.rows = [row("acme")]
    await run(world, "c-2")
    assert "beta" in world.resources.customers()
    unpinned = replace(world.resources.objects[Kind.CUSTOMER, "beta"], annotations={})
    world.resources.objects[Kind.CUSTOMER, "beta"] = unpinned
    await run(world, "c-3")
    assert "beta" not in world.resources.customers()


async def test_a_suspended_customer_keeps_its_resource(world: World) -> None:
    """It can be seen, explained and pinned."""
    await run(world)
    world.database.rows = [row("acme"), row("beta", state="suspended")]
    await run(world, "c-2")
    assert "beta" in world.resources.customers()


async def test_nobody_is_gone_from_an_empty_database(world: World) -> None:
    """Neither marked nor deleted, connected or not: the absence is not to be trusted."""
    world.database.rows = [*world.database.rows, row("off", state="suspended"), row("bare", gateway_count=0)]
    await run(world)
    before = {ref: item.spec for ref, item in world.resources.customers().items()}
    world.database.rows = []
    await run(world, "c-2")
    assert {ref: item.spec for ref, item in world.resources.customers().items()} == before
    assert world.forwarding.states() == {"acme": ["connected"], "beta": ["connected"]}


@pytest.mark.parametrize("provider", [[], [row("other", provider="other")]])
async def test_a_database_of_other_providers_is_empty(world: World, provider: list[object]) -> None:
    """Rows of others do not make it a database with Navixy customers."""
    await run(world)
    world.database.rows = provider  # type: ignore[assignment]
    ran = await run(world, "c-2")
    assert not [entry for entry in ran.journal if entry.startswith(("close", "delete", "update"))]


@pytest.mark.parametrize(
    ("navixy_hash", "kept"),
    [(None, True), (hash_of("beta"), True), (hash_of("another"), False)],
    ids=["no hash", "its hash", "another hash"],
)
async def test_who_may_be_a_nameless_row_is_not_gone(world: World, navixy_hash: str | None, kept: bool) -> None:  # noqa: FBT001
    """A row lost its reference: whoever it may be is neither marked, nor closed, nor deleted."""
    await run(world)
    world.database.rows = [row("acme"), row(None, navixy_hash=navixy_hash)]
    await run(world, "c-2")
    assert ("beta" in world.resources.customers()) is kept
    assert ("beta" in world.forwarding.states()) is kept
    if kept:
        assert world.resources.customers()["beta"].spec["state"] == "active"


async def test_who_comes_back_is_a_customer_again(world: World) -> None:
    """Gone and back while its close failed: the resource is the same, the connection stays."""
    await run(world)
    world.forwarding.stuck = {"new-beta"}
    rows, world.database.rows = world.database.rows, [row("acme")]
    await run(world, "c-2")
    world.database.rows = rows
    ran = await run(world, "c-3")
    assert not [entry for entry in ran.journal if entry.startswith(("close", "establish", "create"))]
    assert world.resources.customers()["beta"].spec["state"] == "active"


async def test_a_resource_deleted_by_hand_comes_back(world: World) -> None:
    """It is a projection: the connection stays, for the database wants it."""
    await run(world)
    del world.resources.objects[Kind.CUSTOMER, "beta"]
    ran = await run(world, "c-2")
    assert [entry for entry in ran.journal if "beta" in entry] == ["create beta", "status beta"]


async def test_a_name_that_is_taken(world: World) -> None:
    """Another's resource of that name is left as it is and said so; the customer itself is served."""
    taken = resource(Kind.CUSTOMER, "acme", spec={"customerRef": "ACME-old", "sync": "else", "source": "Database"})
    world.resources.objects[Kind.CUSTOMER, "acme"] = taken
    ran = await run(world)
    assert world.resources.objects[Kind.CUSTOMER, "acme"] == taken
    assert world.forwarding.states() == {"acme": ["connected"], "beta": ["connected"]}
    (line,) = ran.logged("CustomerSkipped")
    assert line["customer"] == "acme"
    assert "taken" in line["problem"]


async def test_a_declared_customer_is_not_overwritten(world: World) -> None:
    """A person's resource of the same reference and name stays the person's."""
    spec = {"customerRef": "acme", "sync": "main", "source": "Manual", "state": "active", **HASH}
    world.resources.objects[Kind.CUSTOMER, "acme"] = resource(Kind.CUSTOMER, "acme", spec=spec)
    await run(world)
    assert world.resources.objects[Kind.CUSTOMER, "acme"].spec == spec


async def test_a_create_whose_answer_was_lost(world: World) -> None:
    """It is there already, and ours: taken over."""
    spec = {"customerRef": "acme", "sync": "main", "source": "Database"}

    async def late(kind: Kind, namespace: str, name: str, **_: object) -> None:
        world.resources.objects[kind, name] = resource(kind, name, namespace=namespace, spec=spec)

    create, world.resources.create = world.resources.create, late  # type: ignore[method-assign]
    await run(world)
    world.resources.create = create  # type: ignore[method-assign]
    assert world.resources.customers()["acme"].spec["gateways"] == 3
    assert world.resources.customers()["acme"].status["phase"] == "Connected"


@pytest.mark.parametrize("cycle", ["creating", "changing", "status", "marking"])
async def test_one_resource_that_is_refused_stops_nobody(world: World, cycle: str) -> None:
    """The API server takes nothing of one customer: the others are written and connected all the same."""
    if cycle != "creating":
        await run(world)
    world.database.rows = [row("acme", gateway_count=5), row("beta", gateway_count=5), row("new")]
    if cycle == "marking":
        world.database.rows = [row("beta", gateway_count=5), row("new")]
    if cycle == "status":
        world.database.rows = [row("acme"), row("beta", gateway_count=5), row("new")]
        world.forwarding.found.clear()
        world.connect(connection("another", "acme"))
    world.resources.refuses = {"acme"}
    ran = await run(world, "c-2")
    customers = world.resources.customers()
    assert customers["beta"].spec["gateways"] == 5
    assert customers["new"].status["phase"] == "Connected"
    assert {line["customer"] for line in ran.logged("CustomerSkipped")} == {"acme"}
    if cycle != "marking":
        assert world.forwarding.states()["acme"] == ["connected"]


async def test_customers_of_another_sync_are_not_touched(world: World) -> None:
    """Only those that name this NavixySync, and come from the database, are its own."""
    other = resource(Kind.CUSTOMER, "theirs", spec={"customerRef": "theirs", "sync": "else", "source": "Database"})
    world.resources.objects[Kind.CUSTOMER, "theirs"] = other
    await run(world)
    assert world.resources.objects[Kind.CUSTOMER, "theirs"] == other


async def test_events_are_bounded(world: World) -> None:
    """A hundred, and one that sums the rest up; an ordinary establish has none."""
    world.database.rows = [row(f"r{number}") for number in range(150)]
    await run(world)
    assert world.recorder.events == []
    world.database.rows = [row(f"r{number}", state="suspended") for number in range(150)]
    await run(world, "c-2")
    *events, (about, reason, message, _) = world.recorder.events
    assert len(events) == MAX_EVENTS
    assert (about, reason) == ("NavixySync/main", "EventsSummedUp")
    told = Counter(why for _, why, _, _ in events)
    assert sum(told.values()) + sum(int(word) for word in message.split() if word.isdigit()) == 300


async def test_no_hash_leaves_the_cycle(world: World) -> None:
    """Neither resources, nor Events, nor log lines hold a credential."""
    world.database.rows = [row("acme"), row("beta", state=hash_of("beta")), row(hash_of("gamma"), navixy_hash="gamma")]
    world.forwarding.broken = {"acme"}
    ran = await run(world)
    said = f"{world.resources.objects}{world.recorder.events}{ran.logs}{ran.finding}{world.journal}"
    assert not [ref for ref in ("acme", "beta", "gamma") if hash_of(ref) in said]


async def test_a_reference_changed_by_hand_is_put_right(world: World) -> None:
    """What CEL forbids, an older API server lets happen: the customer gets its reference back, its connection stays."""
    await run(world)
    key = (Kind.CUSTOMER, "acme")
    tampered = {**world.resources.objects[key].spec, "customerRef": "somebody-else"}
    world.resources.objects[key] = replace(world.resources.objects[key], spec=tampered)
    await run(world, "c-2")
    assert world.resources.objects[key].spec["customerRef"] == "acme"
    assert set(world.resources.customers()) == {"acme", "beta"}
    assert world.forwarding.states() == {"acme": ["connected"], "beta": ["connected"]}
    assert not [entry for entry in world.journal if entry.startswith("close")]
