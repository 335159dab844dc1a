"""All NavixySyncs that are served: a runner for each, woken by what the watches report."""

import asyncio
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import structlog

from navixy_operator.chronicle import aside
from navixy_operator.core import cyclestatus
from navixy_operator.core.vocabulary import EventName, Kind, LogEvent, Origin, Phase, Reason
from navixy_operator.declarations import release, say_orphaned
from navixy_operator.errors import OperatorError
from navixy_operator.execution import Connect, Desk
from navixy_operator.ports import Cluster, Resource
from navixy_operator.roll import is_declared
from navixy_operator.runner import LONGEST_REST, Runner
from navixy_operator.syncstatus import SyncStatus

OVERDUE_SECONDS: Final = 3 * LONGEST_REST
"""A runner between cycles that has not turned for so long does no work any more."""
LONGEST_CYCLE_SECONDS: Final = 3600.0
"""A cycle that runs for so long hangs: the specification expects five minutes."""

Key = tuple[str, str]


@dataclass(slots=True)
class Supervisor:
    """Runners by namespace and name. ``served``: the namespaces to look for other NavixySyncs in; "" is all.

    ``alert_repeat_seconds``: how often Alertmanager is told of an alert that lasts.
    """

    cluster: Cluster
    connect: Connect
    served: Sequence[str]
    alert_repeat_seconds: float = 60.0
    _runners: dict[Key, Runner] = field(default_factory=dict)
    _tasks: dict[Key, asyncio.Task[None]] = field(default_factory=dict)
    _errands: set[asyncio.Task[None]] = field(default_factory=set)
    _stopping: bool = False

    def sync_reported(self, namespace: str, name: str) -> None:
        """A NavixySync was listed, created or changed: its runner looks for itself."""
        key = (namespace, name)
        if self._stopping:
            return
        if key in self._tasks:
            self._runners[key].wake()
            return
        status = SyncStatus(self.cluster, namespace, name)
        desk = Desk(self.cluster, self.connect, status, alert_repeat_seconds=self.alert_repeat_seconds)
        runner = Runner(namespace, name, self.served, desk)
        self._runners[key] = runner
        self._sweep(runner)
        self._tasks[key] = task = asyncio.create_task(runner.run(), name=f"runner {namespace}/{name}")
        task.add_done_callback(lambda ended: self._ended(key, ended))

    def sync_gone(self) -> None:
        """A NavixySync is gone: its runner sees that, and another one may have become the owner of its F1.1."""
        for runner in self._runners.values():
            runner.wake()

    def cycle_reported(self, namespace: str, name: str, sync: str) -> None:
        """A SyncCycle was listed, created or changed: its runner looks, or it is told that there is none."""
        if (runner := self._runners.get((namespace, sync))) is not None:
            runner.wake()
        elif not self._stopping:
            self._run_errand(self._explain_orphan(namespace, name, sync))

    def audit_changed(self) -> None:
        """The audit trail is in trouble, or out of it: each NavixySync says so at once, also while a cycle runs."""
        for runner in () if self._stopping else self._runners.values():
            self._run_errand(runner.say_audited())

    def investigation_reported(self, namespace: str, sync: str) -> None:
        """An Investigation was listed, changed or deleted: somebody may have acknowledged it."""
        if (runner := self._runners.get((namespace, sync))) is not None:
            runner.lookout.inquiries.heard()
            runner.lookout.wake()

    def customer_reported(self, change: str, customer: Resource) -> None:
        """A NavixyCustomer was created, changed or deleted: its runner's attendant hears of it.

        A deleted declaration whose NavixySync is gone is let go: nobody knows any more which F1.1 to close it in.
        """
        runner = self._runners.get((customer.namespace, str(customer.spec.get("sync", ""))))
        if runner is not None:
            runner.attendant.heard(change, customer)
        elif change != "DELETED" and is_declared(customer) and not self._stopping:
            self._run_errand(self._mind_orphan(customer))

    def look_for_orphans(self) -> None:
        """The customers are watched: those that nobody will be heard to change are looked for once."""
        for place in self.served:
            self._run_errand(self._mind_orphans(place))

    def problems(self) -> list[str]:
        """What keeps work from being done, in words; empty while all is well. For the liveness probe."""
        now = self.cluster.clock.monotonic()
        found = []
        for runner in self._runners.values():
            limit = OVERDUE_SECONDS if runner.busy_with is None else LONGEST_CYCLE_SECONDS
            if now - runner.turned_at > limit:
                doing = runner.busy_with or "waiting for its next turn"
                found.append(f"{runner.namespace}/{runner.name}: {doing} for over {limit:g} s")
        return found

    async def stop(self) -> None:
        """Cancel every runner and wait until each has written its last words."""
        self._stopping = True
        tasks = [*self._tasks.values(), *self._errands]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _ended(self, key: Key, task: asyncio.Task[None]) -> None:
        """A runner ends when its NavixySync is gone; one that broke is begun again, for nothing else would."""
        self._tasks.pop(key, None)
        self._runners.pop(key, None)
        if self.cluster.board is not None:
            self.cluster.board.sync_gone(*key)
        if not self._stopping:
            self._run_errand(self._mind_orphans(key[0]))
        if task.cancelled() or (error := task.exception()) is None:
            return
        log = structlog.get_logger("navixy_operator.supervisor")
        log.error(LogEvent.RUNNER_BROKE, namespace=key[0], sync=key[1], exc_info=error)
        if not self._stopping:
            asyncio.get_running_loop().call_later(LONGEST_REST, self.sync_reported, *key)

    def _run_errand(self, work: Coroutine[Any, Any, None]) -> None:
        errand = asyncio.create_task(work)
        self._errands.add(errand)
        errand.add_done_callback(self._errands.discard)

    def _sweep(self, runner: Runner) -> None:
        """Let the attendant hear of every customer there is: what people did while nobody was at work counts, too."""

        async def sweep() -> None:
            try:
                for customer in await self.cluster.resources.list(Kind.CUSTOMER, runner.namespace):
                    if customer.spec.get("sync") == runner.name:
                        runner.attendant.heard("ADDED", customer)
            except OperatorError as error:
                log = structlog.get_logger("navixy_operator.supervisor")
                log.warning(LogEvent.SWEEP_FAILED, namespace=runner.namespace, sync=runner.name, problem=str(error))

        self._run_errand(sweep())

    async def _mind_orphans(self, namespace: str) -> None:
        """Look for declarations whose NavixySync is gone: nothing will be heard of them any more."""
        try:
            for customer in await self.cluster.resources.list(Kind.CUSTOMER, namespace):
                known = (customer.namespace, str(customer.spec.get("sync", ""))) in self._runners
                if is_declared(customer) and not known:
                    await self._mind_orphan(customer)
        except OperatorError as error:
            log = structlog.get_logger("navixy_operator.supervisor")
            log.warning(LogEvent.ORPHANS_NOT_MINDED, namespace=namespace, problem=str(error))

    async def _mind_orphan(self, customer: Resource) -> None:
        """A declaration whose NavixySync is not there, once that is certain: it says so, or is let go when deleted."""
        log = structlog.get_logger("navixy_operator.supervisor")
        try:
            sync = str(customer.spec.get("sync", ""))
            if await self.cluster.resources.get(Kind.SYNC, customer.namespace, sync) is not None:
                return
            if customer.deleting:
                story = aside(self.cluster.clock, self.cluster.observers, "orphans", customer.namespace, sync)
                told = {"customer": customer.spec["customerRef"], "resource": customer.name}
                story.tell(EventName.DECLARATION_RELEASED, origin=Origin.MANUAL, warning=True, closed=False, **told)
                await release(self.cluster.resources, customer)
            else:
                await say_orphaned(self.cluster, customer)
        except OperatorError as error:
            log.warning(
                LogEvent.ORPHAN_NOT_MINDED, namespace=customer.namespace, resource=customer.name, problem=str(error)
            )

    async def _explain_orphan(self, namespace: str, name: str, sync: str) -> None:
        try:
            cycle = await self.cluster.resources.get(Kind.CYCLE, namespace, name)
            if cycle is not None and cycle.status.get("phase", Phase.PENDING) == Phase.PENDING:
                await self._write_orphan(cycle, sync)
        except OperatorError as error:
            log = structlog.get_logger("navixy_operator.supervisor")
            log.warning(LogEvent.ORPHAN_NOT_EXPLAINED, namespace=namespace, cycle=name, problem=str(error))

    async def _write_orphan(self, cycle: Resource, sync: str) -> None:
        message = f'there is no NavixySync "{sync}" in this namespace; the cycle runs when there is one'
        status = cyclestatus.cycle_waiting(cycle.status, Reason.SYNC_NOT_FOUND, message)
        await self.cluster.resources.write_status(cycle, status)
