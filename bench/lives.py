"""The operator's starts and ends: how soon it is at work again, and how soon another takes over."""

import asyncio
import signal
import time
from typing import Final

import aiohttp

from bench.between import ENDED
from bench.figures import Restart, Takeover
from bench.lines import Lines, moment
from bench.measure import cpu_seconds, peak_megabytes, resident_megabytes, started_at
from bench.stage import Stage
from navixy_operator.sandbox.deployment import Operator
from navixy_operator.sandbox.loopback import LOOPBACK

RESTARTS: Final = 3
TAKEOVERS: Final = 2  # of each sort
START_SECONDS: Final = 120.0
LOOK_SECONDS: Final = 0.02
SIGNALS: Final = (signal.SIGKILL, signal.SIGTERM)


async def restarts(on: Stage, operator: Operator) -> list[Restart]:
    """Start it again and again after a SIGTERM, with all customers there; the last one goes on."""
    found = []
    for _ in range(RESTARTS):
        await operator.stop()
        found.append(await _start(on, operator))
    return found


async def takeovers(on: Stage, leader: Operator, other: Operator) -> dict[str, list[Takeover]]:
    """End the leader and see the other take over, in turn; with the lease that production has."""
    found: dict[str, list[Takeover]] = {each.name: [] for each in SIGNALS}
    await _stand_by(on, other)
    for _ in range(TAKEOVERS):
        for number in SIGNALS:
            found[number.name].append(await _take_over(leader, other, number))
            await _stand_by(on, leader)
            leader, other = other, leader
    return found


async def _start(on: Stage, operator: Operator) -> Restart:
    lines, meter = Lines(operator.log), on.meter
    await meter.start()
    async with asyncio.TaskGroup() as group:
        group.create_task(operator.start())
        readiness = group.create_task(_ready(operator))
    pid = operator.process.pid
    line = await lines.next(ENDED)
    cpu, resident, began = cpu_seconds(pid), resident_megabytes(pid), started_at(pid)
    return Restart(
        ready=readiness.result() - began,
        first_pass=moment(line) - began,
        pass_seconds=line["duration_seconds"],
        requests=await meter.stop(),
        operator_cpu=cpu,
        resident_megabytes=resident,
        peak_megabytes=peak_megabytes(pid),
    )


async def _ready(operator: Operator) -> float:
    """When /readyz answered 200."""
    async with asyncio.timeout(START_SECONDS), aiohttp.ClientSession() as session:
        while True:
            try:
                async with session.get(f"http://{LOOPBACK}:{operator.port}/readyz") as answer:
                    if answer.ok:
                        return time.time()
            except aiohttp.ClientError:
                pass  # not yet, or still the port of its last life
            await asyncio.sleep(LOOK_SECONDS)


async def _stand_by(on: Stage, operator: Operator) -> None:
    """Start it beside a leader, and wait until it has read what it keeps up with."""
    await operator.stop()
    lines = Lines(operator.log)
    await operator.start()
    await lines.next("StandingBy")
    await on.meter.start()


async def _take_over(leader: Operator, other: Operator, number: signal.Signals) -> Takeover:
    lines = Lines(other.log)
    at = time.time()
    leader.process.send(number)
    leads = moment(await lines.next("LeadershipAcquired"))
    passed = moment(await lines.next(ENDED))
    return Takeover(leads - at, passed - at)
