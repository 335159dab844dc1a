"""The operator as a process: probes, supervisor and kopf, started in order and stopped in reverse."""

import asyncio
import gc
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from typing import Any, Final, cast

import kopf
import structlog

from navixy_operator import bootstrap
from navixy_operator.adapters.health import HealthServer
from navixy_operator.core.vocabulary import Kind
from navixy_operator.handlers import customer_changed, registry_for
from navixy_operator.settings import Settings
from navixy_operator.supervisor import Supervisor

GRACE_SECONDS: Final = 25.0
"""Time to stop in: less than the 30 s after which Kubernetes kills."""


async def serve(settings: Settings, *, stop: asyncio.Event, mask: Callable[[str], None]) -> None:
    """Run until ``stop`` is set, a signal comes, or kopf gives up; cycles under way end with a word.

    Raises OperatorError when the cluster cannot be used at all: no credentials, no CRDs, not permitted.
    """
    log = structlog.get_logger("navixy_operator.service")
    async with bootstrap.world(identity=settings.identity, mask=mask) as world:
        namespaces = world.namespaces(settings)
        await world.resources.assert_served(namespaces)
        supervisor = Supervisor(world.cluster, world.connect, namespaces)
        watching = asyncio.Event()

        def not_ready() -> list[str]:
            return supervisor.problems() if watching.is_set() else ["the watches have not begun"]

        probes = HealthServer(supervisor.problems, not_ready, host=settings.health_host, port=settings.health_port)
        async with probes as health, _watched_customers(world, namespaces, stop):
            gc.collect()
            gc.freeze()  # what is loaded by now stays: a collection need not walk it again and again
            log.info("OperatorStarted", namespaces=list(namespaces), health_port=health.port)
            try:
                await kopf.operator(
                    registry=registry_for(supervisor, world.login, stop),
                    clusterwide=settings.everywhere,
                    namespaces=() if settings.everywhere else namespaces,
                    standalone=True,
                    # kopf's type for it is not public; without one it asks for a user name, which a pod may not have.
                    identity=cast("Any", settings.identity),
                    stop_flag=stop,
                    ready_flag=watching,
                )
            finally:
                await asyncio.wait_for(supervisor.stop(), GRACE_SECONDS)
                log.info("OperatorStopped")


@asynccontextmanager
async def _watched_customers(
    world: bootstrap.World, namespaces: Sequence[str], stop: asyncio.Event
) -> AsyncIterator[None]:
    """Watch the customers of these namespaces; a watch that ends by a fault of ours ends the operator."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log = structlog.get_logger("navixy_operator.service")
            log.error("WatchEnded", exc_info=task.exception())
            stop.set()

    tasks = [asyncio.create_task(world.resources.watch(Kind.CUSTOMER, each, customer_changed)) for each in namespaces]
    for task in tasks:
        task.add_done_callback(ended)
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
    if faults := [end for end in ends if isinstance(end, Exception)]:
        raise faults[0]
