"""One seed from its beginning to its end, and what is wrong afterwards."""

import asyncio
import json
import time
from pathlib import Path
from typing import Any, Final

from faults.actions import Declare, Manually, PutRows
from faults.ending import settle
from faults.hands import perform
from faults.invariants import Evidence, violations
from faults.keeper import Keeper
from faults.schedule import Schedule
from faults.trace import trace
from faults.world import LIMITS, World, prepare, watching
from support.operator import Site

FAULTS: Final = frozenset({"InternalError", "AttendBroke", "RunnerBroke", "WatchEnded", "LeaseNotCleared"})
"""What the operator logs when it is at fault itself."""
LATE_SECONDS: Final = 0.5
"""What is later than that shifts all that follows, so that it does not come at once."""


async def tell(site: Site, plan: Schedule) -> list[str]:
    """Run a schedule; the findings, in sentences."""
    async with Keeper(site.operator) as keeper:
        world = await prepare(site, keeper, plan)
        async with watching(world):
            await _run(world, plan)
            found = await settle(world)
        history = await site.f11.history()
    found += [*violations(Evidence(trace(history), world.ledger, LIMITS)), *_said(site.log(), plan)]
    _keep(site.operator.log.parent, world, history, found)
    return found


async def _run(world: World, plan: Schedule) -> None:
    """Each action at its time; what one of them takes, such as waiting for the API server, puts the others off."""
    began = time.monotonic()
    for timed in plan.timed:
        ahead = began + timed.at - time.monotonic()
        if ahead < -LATE_SECONDS:
            began -= ahead
        await asyncio.sleep(max(0.0, ahead))
        _note(world, f"{time.time():.3f} {timed}")
        await perform(world, timed.action)


def _said(log: str, plan: Schedule) -> list[str]:
    """What the operator's log says of faults of its own, and whether it tells a hash."""
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{") and line.endswith("}")]
    faults = [line for line in lines if line.get("event") in FAULTS or "exception" in line]
    found = [f"log: {line.get('event')}: {str(line.get('exception', ''))[-400:]}" for line in faults]
    secrets = {row.hash for row in plan.rows}
    for timed in plan.timed:
        match timed.action:
            case PutRows(rows=rows):
                secrets |= {row.hash for row in rows}
            case Declare(hash=one) | Manually(hash=one):
                secrets.add(one)
            case _:
                pass
    return found + [f"log: tells the hash {one}" for one in secrets if one and len(one) > 30 and one in log]


def _note(world: World, line: str) -> None:
    with (world.site.operator.log.parent / "actions.log").open("a") as file:
        file.write(line + "\n")


def _keep(directory: Path, world: World, history: list[dict[str, Any]], found: list[str]) -> None:
    """Leave what there was to see beside the operator's log, for whoever looks for the cause of a failure."""
    (directory / "history.jsonl").write_text("".join(json.dumps(line) + "\n" for line in history))
    (directory / "findings.txt").write_text("".join(f"{one}\n" for one in found))
    (directory / "cycles.txt").write_text("".join(f"{cycle}\n" for cycle in world.ledger.cycles))
    (directory / "echoes.txt").write_text("".join(f"{echo}\n" for echo in world.ledger.echoes.values()))
