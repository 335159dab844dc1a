"""How each action is done to the world, and what becomes so by it."""

import asyncio
import contextlib
import time
from dataclasses import replace
from datetime import UTC, datetime
from functools import singledispatch
from typing import Any, Final

from faults import actions
from faults.actions import Action
from faults.facts import Declaration, Pin, fingerprint
from faults.patient import GROUP
from faults.world import World
from navixy_operator.sandbox.f11.launch import AdminError

PIN: Final = "dataforwarding.io/pin"
SECRETS: Final = "/api/v1"
START_SECONDS: Final = 4.0
"""How long a kill waits for its cycle to begin."""


async def perform(world: World, action: Action) -> None:
    """Do it."""
    await _do(action, world)


@singledispatch
async def _do(action: Any, world: World) -> None:
    raise NotImplementedError(action, world)


@_do.register
async def _put_rows(action: actions.PutRows, world: World) -> None:
    async with world.ledger.changing(world.facts.with_rows(*action.rows)):
        if not (world.facts.hidden or world.facts.broken):
            await asyncio.to_thread(world.tables.write, [row.id for row in action.rows], action.rows)


@_do.register
async def _drop_rows(action: actions.DropRows, world: World) -> None:
    ids = [row.id for row in action.rows]
    async with world.ledger.changing(world.facts.without_rows(*ids)):
        if not (world.facts.hidden or world.facts.broken):
            await asyncio.to_thread(world.tables.write, ids, ())


@_do.register
async def _database(action: actions.Database, world: World) -> None:
    what = action.what
    async with world.ledger.changing(replace(world.facts, hidden=what == "empty", broken=what == "broken")):
        match what:
            case "empty":
                await asyncio.to_thread(world.tables.empty)
            case "broken":
                await asyncio.to_thread(world.tables.break_)
            case _:
                await asyncio.to_thread(world.tables.restore, world.facts.rows)


@_do.register
async def _set_pin(action: actions.SetPin, world: World) -> None:
    await asyncio.sleep(action.delay)
    until = None if action.seconds is None else float(round(time.time() + action.seconds))
    pin = {PIN: action.mode, f"{PIN}-reason": str(action.number)}
    if until is not None:
        pin[f"{PIN}-until"] = datetime.fromtimestamp(until, UTC).isoformat()

    def change(item: dict[str, Any]) -> bool:
        given = item["metadata"].setdefault("annotations", {})
        given.pop(f"{PIN}-until", None)
        given.update(pin)
        return bool(item["spec"]["source"] == "Database")

    before = world.facts
    async with world.ledger.changing(before.with_pin(action.ref, Pin(action.number, action.mode, until))):
        done = await world.api.change("navixycustomers", action.ref, change)
    if not done:
        async with world.ledger.changing(before):
            pass


@_do.register
async def _take_pin(action: actions.TakePin, world: World) -> None:
    def change(item: dict[str, Any]) -> bool:
        given = item["metadata"].get("annotations", {})
        gone = [given.pop(name, None) for name in (PIN, f"{PIN}-reason", f"{PIN}-until")]
        return any(gone)

    async with world.ledger.changing(world.facts.with_pin(action.ref, None)):
        await world.api.change("navixycustomers", action.ref, change)


@_do.register
async def _manually(action: actions.Manually, world: World) -> None:
    f11, facts, ref = world.site.f11, world.facts, action.ref
    found = await world.connections(ref)
    opened = [one for one in found if one["state"] != "disconnected"]
    if action.what == "opens":
        seed = {"customer_ref": ref, "origin": "manual", "exclusive": True}
        try:
            async with world.ledger.changing(replace(facts, manual=facts.manual | {ref})):
                await f11.seed({**seed, "hash_fingerprint": fingerprint(action.hash)})
        except AdminError:  # the place is taken
            async with world.ledger.changing(facts):
                pass
    elif action.what == "closes" and opened:
        async with world.ledger.changing(replace(facts, manual=facts.manual | {ref})):
            await f11.alter(opened[-1]["id"], state="disconnected", origin="manual")
    elif action.what == "hands back" and ref in facts.manual:
        async with world.ledger.changing(replace(facts, manual=facts.manual - {ref})):
            for one in found:
                await f11.alter(one["id"], origin="automatic")


@_do.register
async def _lose(action: actions.Lose, world: World) -> None:
    for ref in action.refs:
        for one in await world.connections(ref):
            if one["state"] != "disconnected":
                fault = {"code": "lost", "message": "Navixy went away", "permanent": False}
                error = fault if action.state == "failed" else None
                await world.site.f11.alter(one["id"], state=action.state, error=error)


@_do.register
async def _fail_next(action: actions.FailNext, world: World) -> None:
    failures = (await world.site.f11.settings())["failures"]
    await world.site.f11.settings(failures={**failures, action.ref: {"times": action.times}})


@_do.register
async def _weather(action: actions.Weather, world: World) -> None:
    await world.site.f11.settings(**{**CALM, **dict(action.settings)})


@_do.register
async def _strike(action: actions.Strike, world: World) -> None:
    await world.site.f11.fault(action.kind, route=action.route, times=action.times, **dict(action.fields))


@_do.register
async def _declare(action: actions.Declare, world: World) -> None:
    api, ref = world.api, action.ref
    declared = {**world.facts.declared, ref: Declaration(action.hash, action.state)}
    secret = {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": f"hash-{ref}"}}
    await api.create(api.path("secrets", group=SECRETS), secret | {"stringData": {"hash": action.hash}})
    spec = {"customerRef": ref, "sync": "main", "source": "Manual", "state": action.state}
    spec |= {"hashSecretRef": {"name": f"hash-{ref}", "key": "hash"}}  # type: ignore[dict-item]  # JSON
    kind = {"apiVersion": GROUP.removeprefix("/apis/"), "kind": "NavixyCustomer"}
    async with world.ledger.changing(replace(world.facts, declared=declared)):
        await api.create(api.path("navixycustomers"), kind | {"metadata": {"name": f"by-hand-{ref}"}, "spec": spec})


@_do.register
async def _undeclare(action: actions.Undeclare, world: World) -> None:
    declared = {ref: one for ref, one in world.facts.declared.items() if ref != action.ref}
    leaving = world.facts.leaving | {action.ref}
    async with world.ledger.changing(replace(world.facts, declared=declared, leaving=leaving)):
        await world.api.delete("navixycustomers", f"by-hand-{action.ref}")


@_do.register
async def _delete_resource(action: actions.DeleteResource, world: World) -> None:
    await world.api.delete("navixycustomers", action.ref)


@_do.register
async def _run_cycle(action: actions.RunCycle, world: World) -> None:
    await world.run_cycle(action.name)
    if action.seconds:
        with contextlib.suppress(TimeoutError):  # whatever happened to it: time does not stand still
            await world.ended(action.name, seconds=action.seconds)


@_do.register
async def _approve(_: actions.Approve, world: World) -> None:
    held = [
        item
        for item in await world.api.list("synccycles")
        if item.get("status", {}).get("heldCloses", {}).get("reason") == "MassClose"
    ]
    if not held:
        return
    newest = max(held, key=lambda item: str(item["metadata"]["creationTimestamp"]))

    def change(item: dict[str, Any]) -> bool:
        digest = item["status"]["heldCloses"]["digest"]
        item["metadata"].setdefault("annotations", {})["dataforwarding.io/approve-closes"] = digest
        return True

    await world.api.change("synccycles", newest["metadata"]["name"], change)


@_do.register
async def _restart(_: actions.RestartApiServer, world: World) -> None:
    await world.restarted()
    world.restarting = asyncio.create_task(asyncio.to_thread(world.site.plane.restart_apiserver))


@_do.register
async def _kill(action: actions.Kill, world: World) -> None:
    if action.cycle:
        await world.run_cycle(action.cycle)
        with contextlib.suppress(TimeoutError):  # it waits behind another one
            await world.begun(action.cycle, seconds=START_SECONDS)
        await asyncio.sleep(action.seconds)
    await world.keeper.kill()


CALM: Final[dict[str, float]] = {
    **dict.fromkeys(("error_rate", "throttle_rate", "drop_rate", "lost_rate", "hang_rate", "short_page_rate"), 0.0),
    **dict.fromkeys(("latency_seconds", "latency_jitter_seconds", "settle_seconds", "close_seconds"), 0.0),
    "page_overlap": 0,
    "page_token_seconds": 600.0,
}
"""F1.1 as it should be."""
