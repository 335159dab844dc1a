"""Between cycles: drift passes that find nothing changed, and the repair of connections that F1.1 lost by itself."""

import asyncio
import time
from typing import Any, Final

from bench.figures import Passes, Repair
from bench.lines import Lines, moment
from bench.measure import cpu_seconds
from bench.stage import Stage
from navixy_operator.sandbox.deployment import Operator

INTERVAL_SECONDS: Final = 5  # the shortest there is
NEVER: Final = "0 0 1 1 *"  # a schedule that is not due while the bench runs
PASSES: Final = 5
REPAIRS: Final = 3
LOST_SHARE: Final = 100  # one in so many is lost
AT_ONCE: Final = 16
ENDED: Final = "DriftPass"


async def begin(on: Stage, operator: Operator) -> Lines:
    """Let drift passes run by themselves; gives the log from the second pass on, when all has been said once."""
    lines = Lines(operator.log)
    await on.change_sync(suspend=False, schedule=NEVER, drift={"intervalSeconds": INTERVAL_SECONDS})
    for _ in range(2):
        await lines.next(ENDED)
    return lines


async def unchanged(on: Stage, operator: Operator, lines: Lines, *, etags: bool) -> Passes:
    """Passes in which nothing has changed: F1.1 says so itself by its ETag, or gives its whole list anew."""
    await on.forwarding.settings(etags=etags)
    lines.skip()
    await lines.next(ENDED)
    pid, meter = operator.process.pid, on.meter
    await meter.start()
    cpu = cpu_seconds(pid)
    told = [await lines.next(ENDED) for _ in range(PASSES)]
    requests = await meter.stop()
    return Passes(
        seconds=tuple(line["duration_seconds"] for line in told),
        decided=max(line["decided"] for line in told),
        requests=requests,
        operator_cpu=cpu_seconds(pid) - cpu,
    )


async def repair(on: Stage, operator: Operator, lines: Lines, number: int) -> Repair:
    """Lose 1% right after a pass, and see the next one establish them again; anew where it came in between."""
    while True:
        found = await _repair(on, operator, lines, number)
        if found is not None:
            return found


async def _repair(on: Stage, operator: Operator, lines: Lines, number: int) -> Repair | None:
    lines.skip()
    await lines.next(ENDED)
    pid, meter = operator.process.pid, on.meter
    there = [one for one in await on.forwarding.connections() if one["state"] == "connected"]
    lost = there[number::LOST_SHARE][: max(1, len(there) // LOST_SHARE)]
    await meter.start()
    cpu = cpu_seconds(pid)
    await _lose(on, [one["id"] for one in lost])
    last_loss = time.time()
    line = await _next_that_decided(lines)
    began = moment(line) - line["duration_seconds"]
    if began < last_loss:
        return None
    requests = await meter.stop()
    return Repair(
        lost=len(lost),
        decided=line["decided"],
        waited=began - last_loss,
        connected=await _connected_at(on, {one["customer_ref"] for one in lost}) - began,
        whole=line["duration_seconds"],
        requests=requests,
        operator_cpu=cpu_seconds(pid) - cpu,
    )


async def _connected_at(on: Stage, refs: set[str]) -> float:
    """When the last of these customers was connected."""
    last = {each["customer_ref"]: each for each in await on.forwarding.history() if each["customer_ref"] in refs}
    if missing := [ref for ref, change in last.items() if change["after"] != "connected"]:
        message = f"these were lost, and a drift pass has not connected them: {missing}"
        raise RuntimeError(message)
    return float(max(change["at"] for change in last.values()))


async def _lose(on: Stage, ids: list[str]) -> None:
    limit = asyncio.Semaphore(AT_ONCE)

    async def lose(one: str) -> None:
        async with limit:
            await on.forwarding.alter(one, state="disconnected")

    async with asyncio.TaskGroup() as group:
        for one in ids:
            group.create_task(lose(one))


async def _next_that_decided(lines: Lines) -> dict[str, Any]:
    while True:
        line = await lines.next(ENDED)
        if line["decided"]:
            return line
