"""What a cycle would do now, without a write: for ``plan`` and ``explain``."""

from dataclasses import dataclass, replace

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.bootstrap import World
from navixy_operator.chronicle import Chronicle
from navixy_operator.core.vocabulary import Kind
from navixy_operator.cycle import Finding, Order, run_cycle
from navixy_operator.errors import ConfigurationError
from navixy_operator.execution import order_for
from navixy_operator.ports import Resource
from navixy_operator.roll import call_roll
from navixy_operator.runner import read_spec


@dataclass(frozen=True, slots=True)
class Preview:
    """A planned cycle and what it was planned from."""

    sync: Resource
    spec: NavixySyncSpec
    order: Order
    finding: Finding
    resources: dict[str, Resource]


async def preview(world: World, namespace: str, name: str | None) -> Preview:
    """Plan a cycle of a NavixySync as a dry run; ``name`` None: the only one of the namespace. Raises OperatorError."""
    sync = await choose(world, namespace, name)
    spec = read_spec(sync)
    order = replace(order_for(sync, spec, _imagined(sync)), dry_run=True)
    async with world.connect(sync, spec) as outside:
        roll = await call_roll(outside.resources, sync)
        finding = await run_cycle(order, outside, Chronicle(order.cycle, sync, outside.clock))
    return Preview(sync, spec, order, finding, roll.by_ref)


async def choose(world: World, namespace: str, name: str | None) -> Resource:
    """The NavixySync that is meant. Raises ConfigurationError that lists those there are."""
    found = await world.cluster.resources.list(Kind.SYNC, namespace)
    matching = [sync for sync in found if name in {None, sync.name}]
    if len(matching) == 1:
        return matching[0]
    names = ", ".join(sorted(sync.name for sync in found)) or "none"
    what = "several NavixySyncs" if matching else f'no NavixySync "{name}"' if name else "no NavixySync"
    message = f"there is {what} in the namespace {namespace} (there: {names}); choose with --sync and --namespace"
    raise ConfigurationError(message)


def _imagined(sync: Resource) -> Resource:
    """The SyncCycle that a dry run would be, were it created."""
    return replace(sync, kind=Kind.CYCLE, name="plan", spec={"sync": sync.name, "dryRun": True}, status={})
