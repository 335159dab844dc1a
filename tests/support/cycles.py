"""Running cycles in a world of fakes."""

from dataclasses import dataclass, field
from typing import Any

import structlog
from structlog.testing import capture_logs

from navixy_operator.chronicle import Chronicle
from navixy_operator.core.guards import Limits
from navixy_operator.core.model import DEFAULT_HASH_PATTERN
from navixy_operator.core.report import counts
from navixy_operator.core.vocabulary import Kind, Policy
from navixy_operator.cycle import Finding, Order, run_cycle
from support.builders import connection, resource, row
from support.fakes import World

SYNC = resource(Kind.SYNC, "main")
FREE = Limits(max_close_percent=100, min_closes=1000, max_shrink_percent=100)
"""Guards that never speak in worlds of a few customers."""


@dataclass
class Ran:
    """A cycle that ran: what it found, what it asked for, what it logged, how often it counted."""

    finding: Finding
    journal: list[str]
    logs: list[dict[str, Any]]
    chronicle: Chronicle
    counts: dict[str, int] = field(init=False)

    def __post_init__(self) -> None:
        finding = self.finding
        self.counts = counts(finding.snapshot, finding.decisions, finding.settled)

    def logged(self, event: str) -> list[dict[str, Any]]:
        """The log lines of one name."""
        return [line for line in self.logs if line["event"] == event]


def order(cycle: str = "c-1", **fields: Any) -> Order:
    """A cycle of the NavixySync ``main``: all allowed, two at once, half a minute to establish."""
    defaults = {
        "policy": Policy.FULL,
        "hash_pattern": DEFAULT_HASH_PATTERN,
        "concurrency": 2,
        "establish_timeout": 30.0,
        "limits": FREE,
    }
    return Order(cycle=cycle, sync=SYNC, **{**defaults, **fields})


async def run(world: World, cycle: str = "c-1", **fields: Any) -> Ran:
    """Run one cycle and post its Events."""
    begin, chronicle = len(world.journal), Chronicle(cycle, SYNC, world.clock, [world.facts.append])
    structlog.reset_defaults()
    with capture_logs() as logs:
        finding = await run_cycle(order(cycle, **fields), world.outside, chronicle)
        await chronicle.post(world.recorder)
    return Ran(finding, world.journal[begin:], [dict(line) for line in logs], chronicle)


def small_world() -> World:
    """Two active customers, one of them connected; a suspended one with a connection; a leftover in F1.1."""
    world = World()
    world.database.rows = [row("acme"), row("beta", number=2), row("off", number=3, state="suspended")]
    world.connect(connection("c-acme", "acme"), connection("c-off", "off"), connection("c-left", "left"))
    return world


def ready(world: World, ref: str) -> tuple[str, str]:
    """Status and reason of a customer's Ready."""
    (found,) = [c for c in world.resources.customers()[ref].status["conditions"] if c["type"] == "Ready"]
    return found["status"], found["reason"]
