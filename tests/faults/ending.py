"""When the faults have stopped: two cycles and a drift pass, and then the world must be what the rules say."""

import asyncio
import time
from collections import defaultdict
from dataclasses import replace
from datetime import datetime
from typing import Any, Final

from faults.facts import Facts
from faults.hands import CALM, PIN
from faults.ledger import read_cycle
from faults.oracle import Expectation, Must, customers, expected, is_gone
from faults.world import LOOK_SECONDS, World

LEASES: Final = "/apis/coordination.k8s.io/v1"
BOUND_SECONDS: Final = 60.0
ROOM: Final = {"minCloses": 1000, "maxClosePercent": 100, "maxShrinkPercent": 100}
Connections = dict[str | None, list[dict[str, Any]]]


async def settle(world: World) -> list[str]:
    """Stop the faults, run the cycles; whatever is not as it should be then, in sentences."""
    await _stop_the_faults(world)
    found: list[str] = []
    first = await _cycle(world, "final-1", found)
    before = await _open(world)
    await _drift_pass(world)
    second = await _cycle(world, "final-2", found)
    found += [f"final-2: {second['counts']['unresolved']} unresolved"] if second["counts"]["unresolved"] else []
    found += [] if second["validation"]["passed"] else [f"final-2: {second['validation']['messages']}"]
    items = await world.api.list("navixycustomers")
    found += judge(world.facts, before, await _open(world), items)
    versions = {item["metadata"]["name"]: item["metadata"]["resourceVersion"] for item in items}
    third = await _cycle(world, "final-3", found)
    now = await world.api.list("navixycustomers")
    written = {item["metadata"]["name"] for item in now if versions.pop(item["metadata"]["name"], "") != _version(item)}
    found += [f"final-3 wrote on {sorted(written)}"] if written else []
    found += [f"final-3 deleted {sorted(versions)}"] if versions else []
    found += [f"final-3 did something: {third['counts']}"] if third["counts"]["discrepancies"] else []
    world.ledger.cycles = [cycle for item in await world.api.list("synccycles") if (cycle := read_cycle(item))]
    return [*found, *(f"first: {first['message']}" for _ in found[:1])]


def judge(facts: Facts, before: Connections, after: Connections, items: list[dict[str, Any]]) -> list[str]:
    """The rules against F1.1's open connections and the resources. ``before``: after a cycle that left nothing due."""
    resources = {item["spec"]["customerRef"]: item for item in items}
    found = [f"{one['metadata']['name']} is still being deleted" for one in items if _deleted(one)]
    for ref in sorted(customers(facts) | {one for one in after if one is not None} | set(resources)):
        opened = after.get(ref, [])
        alive = any(one["state"] in {"connected", "pending"} for one in opened)
        must = expected(facts, ref, time.time(), alive=alive)
        problem = _connection(must, before.get(ref, []), opened) or _resource(
            facts, ref, must, opened, resources.get(ref)
        )
        if problem:
            found.append(f"{ref} must be {must.must} ({must.why}), {problem}; open: {_shown(opened)}")
    nobodys = [one for one in after.get(None, []) if one["origin"] == "automatic"]
    return [*found, *(f"nobody's {_shown([one])} is open" for one in nobodys)]


def _connection(must: Expectation, before: list[dict[str, Any]], opened: list[dict[str, Any]]) -> str:
    match must.must:
        case Must.CONNECTED:
            right = [one["state"] == "connected" and one.get("hash_fingerprint") == must.print_ for one in opened]
            return "" if right == [True] else f"with {must.print_}"
        case Must.CLOSED:
            return "but is not" if opened else ""
        case Must.AS_IT_IS:
            return "" if _shown(before) == _shown(opened) else f"but was {_shown(before)}"


def _resource(
    facts: Facts, ref: str, must: Expectation, opened: list[dict[str, Any]], item: dict[str, Any] | None
) -> str:
    """The NavixyCustomer: whether it is there, and tells the truth."""
    if item is None:
        known = ref in facts.pins or not is_gone(facts, ref)
        return "but has no resource" if known else ""
    if is_gone(facts, ref) and must.must is Must.CLOSED and PIN not in item["metadata"].get("annotations", {}):
        return "but still has its resource"
    told = item.get("status", {}).get("connection") or {}
    if opened and (told.get("id"), told.get("state")) != (opened[0]["id"], opened[0]["state"]):
        return f"but its resource tells of {told}"
    if not opened and told.get("state", "disconnected") != "disconnected":
        return f"but its resource tells of {told}"
    ready: dict[str, Any] = next((one for one in item["status"].get("conditions", ()) if one["type"] == "Ready"), {})
    return "" if ready.get("status") == "True" else f"but Ready is {ready}"


async def _stop_the_faults(world: World) -> None:
    """All well outside; the operator leads, pins that end have ended, and the guards have room."""
    f11 = world.site.f11
    await f11.settings(**CALM, failures={})
    await f11.clear_faults()
    await world.restarted()
    assert not world.facts.hidden, "the schedule brings the database back"
    assert not world.facts.broken, "as above"
    ends = [pin.until for pin in world.facts.pins.values() if pin.until is not None]
    await asyncio.sleep(max(0.0, max(ends, default=0.0) - time.time()))
    await _led(world)
    world.ledger.guarded_until = time.time()
    await world.api.change("navixysyncs", "main", lambda sync: bool(sync["spec"].update(guards=ROOM)) or True)
    pins = {ref: pin for ref, pin in world.facts.pins.items() if pin.until is None}
    async with world.ledger.changing(replace(world.facts, pins=pins)):
        pass


async def _led(world: World) -> None:
    """Wait until a living operator has renewed its lease since now."""
    began = time.time()
    async with asyncio.timeout(BOUND_SECONDS):
        while True:
            lease = await world.api.once("GET", world.api.path("leases", "navixy-operator", group=LEASES))
            renewed = lease["spec"].get("renewTime")
            if lease["spec"].get("holderIdentity") and datetime.fromisoformat(renewed).timestamp() > began:
                return
            await asyncio.sleep(LOOK_SECONDS)


async def _drift_pass(world: World) -> None:
    """Wait until F1.1 has been asked for its list once more, which between cycles only drift passes do."""
    asked = await world.site.f11.count("GET /v1/connections")
    async with asyncio.timeout(BOUND_SECONDS):
        while await world.site.f11.count("GET /v1/connections") == asked:  # noqa: ASYNC110 - another process's count
            await asyncio.sleep(LOOK_SECONDS)


async def _cycle(world: World, name: str, found: list[str]) -> dict[str, Any]:
    """One cycle to its end; that it fails is a finding."""
    await world.run_cycle(name)
    status = await world.ended(name)
    if status["phase"] != "completed":
        found.append(f"{name} {status['phase']}: {status['reason']}: {status['message']}")
    return {"counts": {"unresolved": 0, "discrepancies": 0}, "validation": {"passed": True}, **status}


async def _open(world: World) -> Connections:
    by_ref: Connections = defaultdict(list)
    for one in await world.site.f11.connections():
        if one["state"] != "disconnected":
            by_ref[one["customer_ref"]].append(one)
    return by_ref


def _shown(connections: list[dict[str, Any]]) -> list[str]:
    return sorted(f"{c['id'][:9]} {c['state']} {c['origin']} {c.get('hash_fingerprint')}" for c in connections)


def _version(item: dict[str, Any]) -> str:
    return str(item["metadata"]["resourceVersion"])


def _deleted(item: dict[str, Any]) -> bool:
    return "deletionTimestamp" in item["metadata"]
