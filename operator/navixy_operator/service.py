"""The operator as a process: probes, the lease, supervisor and kopf, started in order and stopped in reverse."""

import asyncio
import gc
import signal
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any, Final, cast

import structlog

from navixy_operator import bootstrap
from navixy_operator.adapters.health import HealthServer
from navixy_operator.adapters.kube.lease import Elector
from navixy_operator.adapters.kube.tenure import Tenure
from navixy_operator.adapters.masking import Masker
from navixy_operator.core.vocabulary import Kind, LogEvent
from navixy_operator.handlers import registry_for, run_kopf
from navixy_operator.ports import Resource
from navixy_operator.settings import Settings
from navixy_operator.supervisor import Supervisor

GRACE_SECONDS: Final = 25.0
"""Time to stop in: less than the 30 s after which Kubernetes kills."""


async def serve(settings: Settings, *, stop: asyncio.Event, masker: Masker) -> None:
    """Stand by until the lease is ours, then work until ``stop`` is set, a signal comes, or kopf gives up.

    Cycles under way end with a word. A process that loses the lease ends at once, whatever it is doing: see
    :mod:`navixy_operator.adapters.kube.tenure`. Raises OperatorError when the cluster cannot be used at all: no
    credentials, no CRDs, not permitted.
    """
    log = structlog.get_logger("navixy_operator.service")
    tenure = Tenure()
    # one that was stopped and goes on looks at the time before it does anything else
    signal.signal(signal.SIGCONT, lambda *_: tenure.check())
    fence, leading = tenure.fence, lambda: tenure.held
    async with bootstrap.world(settings=settings, masker=masker, fence=fence, leading=leading) as world:
        namespaces = world.namespaces(settings)
        await world.resources.assert_served(namespaces)
        elector = world.elector(settings, tenure)
        supervisor = Supervisor(world.cluster, world.connect, namespaces, float(settings.alert_repeat_seconds))
        watching = asyncio.Event()

        def not_ready() -> list[str]:
            if elector.standing_by_for is not None:
                return []  # ready to take over: a rollout need not wait for more
            return supervisor.problems() if watching.is_set() else ["the watches have not begun"]

        def heard(change: str, customer: Resource) -> None:
            if tenure.held:  # who stands by keeps up with the customers, and leaves what they want to the leader
                supervisor.customer_reported(change, customer)

        host, port, routes = settings.health_host, settings.health_port, [world.metrics.route()]
        async with HealthServer(supervisor.problems, not_ready, host=host, port=port, routes=routes) as health:
            gc.collect()
            gc.freeze()  # what is loaded by now stays: a collection need not walk it again and again
            log.info(LogEvent.OPERATOR_STARTED, namespaces=list(namespaces), health_port=health.port)
            try:
                async with _watched_customers(world, namespaces, heard, stop):
                    if await _elected(elector, stop):
                        leader = Leader(settings, world, supervisor, elector, stop, watching)
                        await leader.lead()
                    elif world.trail is not None:
                        await world.trail.hand_over()
            finally:
                log.info(LogEvent.OPERATOR_STOPPED)


async def _elected(elector: Elector, stop: asyncio.Event) -> bool:
    """Whether the lease became ours before we were told to stop; if not, nothing of ours is left in it."""
    told, electing = asyncio.create_task(stop.wait()), asyncio.create_task(elector.acquire())
    try:
        done, _ = await asyncio.wait({told, electing}, return_when=asyncio.FIRST_COMPLETED)
        if electing in done:
            electing.result()
    finally:
        told.cancel()
        electing.cancel()
        await asyncio.gather(told, electing, return_exceptions=True)
    if stop.is_set():
        await elector.release()
    return not stop.is_set()


@dataclass(frozen=True, slots=True)
class Leader:
    """What the leader works with. ``watching`` is set once kopf watches."""

    settings: Settings
    world: bootstrap.World
    supervisor: Supervisor
    elector: Elector
    stop: asyncio.Event
    watching: asyncio.Event

    async def lead(self) -> None:
        """Lead until told to stop. The lease is given up when all work has ended.

        The audit trail is delivered meanwhile, and by nobody who stands by: a newer version would change its schema
        under the one that works. It ends last, with the last words of all others.
        """
        delivering = _deliver(self.world, self.supervisor, self.stop)
        try:
            await self._watch()
        finally:
            # work that does not end in time keeps the lease to the end of the process: nobody must begin beside it
            try:
                await asyncio.wait_for(self.supervisor.stop(), GRACE_SECONDS)
            finally:
                delivering.cancel()
                await asyncio.wait({delivering})
            await self.elector.release()
        if not delivering.cancelled():
            delivering.result()  # the trail's delivery broke, and with it this process

    async def _watch(self) -> None:
        """Have kopf watch until told to stop."""
        world, everywhere = self.world, self.settings.everywhere
        await world.resources.until_discovered(self.stop)
        self.supervisor.look_for_orphans()
        await run_kopf(
            registry=registry_for(self.supervisor, world.login),
            clusterwide=everywhere,
            namespaces=() if everywhere else world.namespaces(self.settings),
            standalone=True,
            # kopf's type for it is not public; without one it asks for a user name, which a pod may not have.
            identity=cast("Any", self.settings.identity),
            stop_flag=self.stop,
            ready_flag=self.watching,
        )


def _deliver(world: bootstrap.World, supervisor: Supervisor, stop: asyncio.Event) -> asyncio.Task[None]:
    """Begin to deliver the audit trail; the NavixySyncs say how that goes. A fault of ours in it ends the operator."""

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log = structlog.get_logger("navixy_operator.service")
            log.error(LogEvent.AUDIT_TRAIL_ENDED, exc_info=task.exception())
            stop.set()

    if world.trail is None:
        message = "the operator's own process has an audit trail"
        raise AssertionError(message)
    world.trail.tell(changed=supervisor.audit_changed)
    task = asyncio.create_task(world.trail.run(), name="audit trail")
    task.add_done_callback(ended)
    return task


@asynccontextmanager
async def _watched_customers(
    world: bootstrap.World, namespaces: Sequence[str], heard: Callable[[str, Resource], None], stop: asyncio.Event
) -> AsyncIterator[None]:
    """Watch the customers of these namespaces; a watch that ends by a fault of ours ends the operator.

    Also while another leads: a list of all, which takes seconds for 10,000, is then not needed to take over.
    """

    def ended(task: asyncio.Task[None]) -> None:
        if not task.cancelled():
            log = structlog.get_logger("navixy_operator.service")
            log.error(LogEvent.WATCH_ENDED, exc_info=task.exception())
            stop.set()

    tasks = [asyncio.create_task(world.resources.watch(Kind.CUSTOMER, each, heard)) for each in namespaces]
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
