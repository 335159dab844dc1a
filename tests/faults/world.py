"""The real parts: an API server, an F1.1, a customer database, the operator as a process; and what happens to them."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any, Final

from faults.facts import Facts, fingerprint
from faults.invariants import GHOST, Limits
from faults.keeper import Keeper
from faults.ledger import Echo, Ledger
from faults.patient import Patient, Refused
from faults.schedule import Schedule
from faults.tables import Tables
from support.operator import Site

LIMITS: Final = Limits(min_closes=3, max_close_percent=20)
OLD: Final = 700
"""Closed connections that F1.1 still lists, so that its list has pages worth the name."""
LEASE_SECONDS: Final = 5
LOOK_SECONDS: Final = 0.3


@dataclass(slots=True)
class World:
    """Everything there is. ``restarting``: the API server's restart that is under way."""

    site: Site
    keeper: Keeper
    api: Patient
    tables: Tables
    ledger: Ledger = field(default_factory=Ledger)
    restarting: asyncio.Task[None] | None = None

    @property
    def facts(self) -> Facts:
        """What is so now."""
        return self.ledger.now

    async def restarted(self) -> None:
        """Wait until the API server is back."""
        if self.restarting is not None:
            await self.restarting
            self.restarting = None

    async def run_cycle(self, name: str) -> None:
        """A SyncCycle on demand."""
        body = {"apiVersion": "dataforwarding.io/v1alpha1", "kind": "SyncCycle", "metadata": {"name": name}}
        await self.api.create(self.api.path("synccycles"), body | {"spec": {"sync": "main"}})

    async def ended(self, name: str, *, seconds: float = 90.0) -> dict[str, Any]:
        """The status of a SyncCycle once it is completed or failed. Raises TimeoutError."""
        return await self._in_phase(name, {"completed", "failed"}, seconds)

    async def begun(self, name: str, *, seconds: float) -> None:
        """Wait until a SyncCycle runs, or has run. Raises TimeoutError."""
        await self._in_phase(name, {"in_progress", "completed", "failed"}, seconds)

    async def _in_phase(self, name: str, phases: set[str], seconds: float) -> dict[str, Any]:
        async with asyncio.timeout(seconds):
            while True:
                found = await self.api.get("synccycles", name)
                if found is not None and found.get("status", {}).get("phase") in phases:
                    return dict(found["status"])
                await asyncio.sleep(LOOK_SECONDS / 3)

    async def connections(self, ref: str) -> list[dict[str, Any]]:
        """A customer's connections, from F1.1's own side, the oldest first."""
        return sorted(await self.site.f11.connections(ref), key=lambda one: str(one["created_at"]))


async def prepare(site: Site, keeper: Keeper, plan: Schedule) -> World:
    """The world at the start of a schedule: one whole cycle has been run."""
    world = World(site, keeper, Patient(site.plane, site.namespace), Tables(site.database_url))
    facts = Facts(manual=frozenset(plan.manual)).with_rows(*plan.rows)
    async with world.ledger.changing(facts):
        await asyncio.to_thread(world.tables.write, (), plan.rows)
        hashes = {row.ref: row.hash or "" for row in plan.rows}
        held = [{"customer_ref": ref, "hash_fingerprint": fingerprint(hashes[ref])} for ref in plan.manual]
        await site.f11.seed(
            *({"customer_ref": f"old-{number}", "state": "disconnected"} for number in range(OLD)),
            *({**one, "origin": "manual"} for one in held),
            *({"customer_ref": f"{GHOST}{number}"} for number in range(plan.ghosts)),
        )
    await site.deploy(
        schedule="0 0 29 2 *",
        guards={
            "minCloses": LIMITS.min_closes,
            "maxClosePercent": LIMITS.max_close_percent,
            "maxShrinkPercent": LIMITS.max_close_percent,
        },
        drift={"intervalSeconds": 5},
        retry={"failed": plan.retry},
        forwarding={"timeoutSeconds": 2, "establishTimeoutSeconds": 6, "concurrency": 8},
        history={"cycles": 100},
    )
    await world.run_cycle("start")
    status = await world.ended("start")
    assert status["phase"] == "completed", status
    return world


@asynccontextmanager
async def watching(world: World) -> AsyncIterator[None]:
    """Look again and again which pins the operator has taken note of."""
    task = asyncio.create_task(_watch(world))
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def _watch(world: World) -> None:
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        try:
            found = await world.api.once("GET", world.api.path("navixycustomers"))
        except (Refused, OSError):
            continue
        for item in found["items"]:
            _note(world.ledger, item)


def _note(ledger: Ledger, item: dict[str, Any]) -> None:
    pin = item.get("status", {}).get("pin")
    if pin is None or "reason" not in pin:
        return
    ref, number = item["spec"]["customerRef"], int(pin["reason"])
    ledger.echoes.setdefault((ref, number), Echo(ref, number, pin["mode"], time.time()))
