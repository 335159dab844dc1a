"""Watching a cycle from the outside: the SyncCycle, the number of resources, and F1.1's connections."""

import asyncio
import time
from collections import Counter
from collections.abc import Collection
from typing import Any, Final

from navixy_operator.core.vocabulary import CUSTOMERS, CYCLES
from navixy_operator.sandbox.demo.show import Show
from navixy_operator.sandbox.demo.stage import SYNC, Stage
from navixy_operator.sandbox.deployment import NAMESPACE, sync_cycle
from navixy_operator.sandbox.errors import SandboxError

LOOK_SECONDS: Final = 0.25
CYCLE_SECONDS: Final = 120.0
ENDED: Final = ("completed", "failed")


async def run_cycle(stage: Stage, show: Show, name: str, expected: Collection[str]) -> dict[str, Any]:
    """Create a SyncCycle and show it until its end; ``expected``: who must be connected. The finished object.

    Raises ProcessError when the operator dies meanwhile, SandboxError when the cycle does not end.
    """
    await stage.api.apply(sync_cycle(NAMESPACE, name, sync=SYNC))
    off_at_first = 0
    deadline = time.monotonic() + CYCLE_SECONDS
    with show.gauge() as gauge:
        while time.monotonic() < deadline:
            # the cycle first: what is shown with its end is then what it left
            cycle = dict(await stage.find(f"{CYCLES}/{name}"))
            resources, connections = await asyncio.gather(_count(stage), stage.f11.connections())
            states = Counter(one["state"] for one in connections)
            off = _off(connections, expected)
            off_at_first = max(off, off_at_first)
            phase = cycle.get("status", {}).get("phase", "waiting")
            gauge.show(
                f"{phase:<11} {resources:>3} resources  F1.1: {states['connected']:>3} connected, "
                f"{states['pending']:>2} pending, {off:>3} to do",
                off_at_first - off,
                off_at_first,
            )
            if phase in ENDED:
                return cycle
            stage.check_alive()
            await asyncio.sleep(LOOK_SECONDS)
    message = f"SyncCycle {name} did not end within {CYCLE_SECONDS:.0f} s"
    raise SandboxError(message)


async def _count(stage: Stage) -> int:
    """How many NavixyCustomers there are, without listing them."""
    found = await stage.find(f"{CUSTOMERS}?limit=1")
    return len(found["items"]) + int(found["metadata"].get("remainingItemCount", 0))


def _off(connections: Collection[dict[str, Any]], expected: Collection[str]) -> int:
    """How many connections are missing or should not be there."""
    missing = set(expected) - {one["customer_ref"] for one in connections if one["state"] == "connected"}
    extra = [one for one in connections if one["state"] != "disconnected" and one["customer_ref"] not in expected]
    return len(missing) + len(extra)
