"""What ``explain`` and ``plan`` say of pins, declarations and held closes."""

import json
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.cli.plan import rows
from navixy_operator.cli.story import find_decision, held_closes, tell
from navixy_operator.cli.storywords import lines
from navixy_operator.core.guards import Limits
from navixy_operator.core.naming import resource_name
from navixy_operator.preview import Preview
from navixy_operator.roll import roll_of
from support.builders import NOW, connection, manual, row
from support.commands import Desk, customer
from support.cycles import SYNC, order, run
from support.fakes import World

Json = Mapping[str, Any]
PIN = "dataforwarding.io/pin"


async def looked(world: World, **fields: Any) -> Preview:
    """What a cycle would do now."""
    found = await run(world, dry_run=True, **fields)
    roll = roll_of(list(world.resources.customers().values()), SYNC.name)
    return Preview(SYNC, None, order(), found.finding, roll.by_ref)  # type: ignore[arg-type] # the spec is not looked at


def world_of(*rows_: Any, **pins: str) -> World:
    """Customers ``acme`` and ``beta`` with resources and connections; ``pins``: annotations of acme's."""
    world = World()
    world.database.rows = rows_ or [row("acme"), row("beta", number=2)]
    world.connect(connection("cn-acme", "acme"), connection("cn-beta", "beta"))
    annotations = {PIN if key == "pin" else f"{PIN}-{key}": value for key, value in pins.items()}
    for item in (customer("acme", annotations=annotations), customer("beta")):
        world.resources.objects[item.kind, item.name] = item
    return world


async def story_of(world: World, ref: str = "acme") -> Json:
    """The customer's story."""
    found = await looked(world)
    decision = find_decision(found, ref)
    assert decision is not None
    return tell(found, decision, NOW)


def said(story: Json, label: str) -> list[str]:
    """What stands beside a label, and below it without one."""
    found, current = [], ""
    for name, text in lines(dict(story)):
        current = name or current
        if current == label:
            found.append(text)
    return found


async def test_who_is_not_pinned_has_no_line_about_pins() -> None:
    """Nothing is said of what is not there."""
    story = await story_of(world_of())
    assert story["pin"] is None
    assert story["declaration"] is None
    assert [label for label, _ in lines(dict(story))] == [
        "Record",
        "Verdict",
        "Resource",
        "Connection",
        "Desired",
        "Action",
    ]


async def test_a_pin_is_told_with_what_it_overrules() -> None:
    """Mode, who, until and why; that nobody has heeded it yet; what would be desired without it."""
    pins = {"pin": "disconnect", "by": "anna", "until": "2099-01-01T00:00:00Z", "reason": "moves [house]"}
    story = await story_of(world_of(**pins))
    assert said(story, "Pin") == [
        "disconnect, by anna, until 2099-01-01T00:00:00Z: moves [house]",
        "no operator has heeded it yet",
    ]
    assert said(story, "Without it")[0].startswith("Connected, Eligible: ")
    assert said(story, "Action") == ["Close"]
    assert story["pin"] | {"words": "", "without": None} == {
        "mode": "disconnect",
        "reason": "moves [house]",
        "by": "anna",
        "until": "2099-01-01T00:00:00Z",
        "words": "",
        "expired": False,
        "problems": [],
        "notHeeded": None,
        "heededByOperator": False,
        "without": None,
    }


async def test_a_pin_that_has_ended() -> None:
    """It no longer counts."""
    story = await story_of(world_of(pin="disconnect", until="2026-02-01T00:00:00Z"))
    assert said(story, "Pin") == ["ended, and no longer counts: disconnect, until 2026-02-01T00:00:00Z"]
    assert said(story, "Without it") == []
    assert said(story, "Action") == ["Keep"]


async def test_a_pin_that_is_odd() -> None:
    """It counts as hold, and what is odd is told."""
    (words, problem, *_) = said(await story_of(world_of(pin="of")), "Pin")
    assert words == "hold"
    assert problem.endswith("is none of connect, disconnect, hold: it counts as hold")


async def test_pins_that_do_not_decide() -> None:
    """F1.3 decides, or there is no hash."""
    world = world_of(pin="disconnect")
    world.forwarding.found.clear()
    world.connect(manual("cn-acme"))
    assert "it does not decide: F1.3 has set this connection, and decides" in said(await story_of(world), "Pin")
    world = world_of(row("acme", navixy_hash=None), pin="connect")
    world.forwarding.found.clear()
    assert "it does not decide: it cannot be connected, for no hash is known" in said(await story_of(world), "Pin")


def declare(world: World, ref: str = "acme", name: str = "by-hand", **more: Any) -> None:
    """A declaration with a Secret."""
    item = customer(ref, name, source="Manual", **more)
    secret = {"name": "hashes", "key": "acme"}
    world.resources.objects[item.kind, item.name] = replace(item, spec={**item.spec, "hashSecretRef": secret})
    world.secrets.values["hashes", "acme"] = "0" * 32


async def test_a_declared_customer() -> None:
    """By whom it is declared, where the hash is, that no row counts; found by the name of its resource."""
    world = world_of()
    declare(world)
    story = await story_of(world, "by-hand")
    assert said(story, "Declared") == [
        "by the NavixyCustomer by-hand (source Manual), hash from the Secret hashes/acme"
    ]
    assert said(story, "Record")[0].endswith(": as declared, whatever the customer database has")
    assert (story["customerRef"], story["resource"]["name"]) == ("acme", "by-hand")
    assert "0" * 32 not in json.dumps(story)


async def test_a_declaration_that_is_being_deleted() -> None:
    """Its end closes the connection, and takes its pin along."""
    world = world_of()
    world.database.rows = []
    declare(world, deleting=True, annotations={PIN: "hold"})
    story = await story_of(world)
    assert said(story, "Declared")[0].endswith("; it is being deleted, which closes the connection")
    assert (said(story, "Record"), said(story, "Pin")) == (["none in the customer database"], [])
    assert said(story, "Desired")[0].startswith("Disconnected, DeclarationDeleted: ")


async def test_customers_are_found_by_reference_then_by_name() -> None:
    """Also by the name that a resource would have, where there is none yet."""
    world = World()
    world.database.rows = [row("C-1"), row(resource_name("C-1"), number=2)]
    found = await looked(world)
    for ref, meant in (
        ("C-1", "C-1"),
        (resource_name("C-1"), resource_name("C-1")),
        (resource_name(resource_name("C-1")), resource_name("C-1")),
    ):
        decision = find_decision(found, ref)
        assert decision is not None
        assert decision.subject.customer_ref == meant
    assert find_decision(found, "C-2") is None


async def test_rows_of_the_plan() -> None:
    """Pins and declarations are marked; who is left as is, is told as that."""
    world = world_of(pin="hold")
    declare(world, "gamma", "gamma")
    found = await looked(world)
    told = {row_["customerRef"]: row_ for row_ in rows(found, everyone=True)}
    assert told["acme"]["pin"] == {"mode": "hold"}
    assert told["acme"]["asItIs"] is True
    assert (told["gamma"]["declared"], told["gamma"]["action"]) == (True, "Establish")
    assert (told["beta"]["pin"], told["beta"]["declared"], told["beta"]["asItIs"]) == (None, False, False)
    assert [row_["customerRef"] for row_ in rows(found, everyone=False)] == ["gamma"]


async def test_held_closes_are_counted() -> None:
    """What a guard holds waits for approval; what only the dry run holds does not."""
    world = world_of(row("acme", state="suspended"), row("beta", number=2))
    held = await looked(world, limits=Limits(0, 0, 20))
    assert sum(map(held_closes, held.finding.decisions)) == 1
    assert sum(map(held_closes, (await looked(world)).finding.decisions)) == 0


@pytest.mark.parametrize("name", ["explain", "plan"])
def test_an_unknown_customer_and_an_empty_cluster(desk: Desk, name: str) -> None:
    """No NavixySync: exit code 3, without a reason that would mislead."""
    code, _, err = desk.run(name, *(["acme"] if name == "explain" else []))
    assert code == 3
    assert err.startswith("error: there is no NavixySync in the namespace default")
