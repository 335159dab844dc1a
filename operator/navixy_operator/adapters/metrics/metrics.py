"""The metrics of this process, in one object: who tells it things, and the page that shows them."""

import asyncio
from collections.abc import Callable, Sequence

from aiohttp import web
from prometheus_client import CollectorRegistry

from navixy_operator.adapters.metrics.board import Boards
from navixy_operator.adapters.metrics.census import Census
from navixy_operator.adapters.metrics.collector import StateCollector
from navixy_operator.adapters.metrics.instruments import Instruments
from navixy_operator.adapters.metrics.page import route
from navixy_operator.core.fact import Fact
from navixy_operator.core.vocabulary import Metric, Operation, Reason, Result
from navixy_operator.ports import AuditState, Resource


class Metrics:
    """Implements :class:`navixy_operator.ports.Board`; ``heard`` is an Observer. Nothing is kept outside of it.

    ``customers``: all NavixyCustomers, without a request, None while they are not known; ``leading``: whether this
    process works; ``audit``: how the audit trail is. They are called at each scrape, are cheap and never raise.
    """

    def __init__(
        self,
        customers: Callable[[], Sequence[Resource] | None],
        leading: Callable[[], bool],
        audit: Callable[[], AuditState | None],
    ) -> None:
        self.registry = CollectorRegistry()
        self._customers = customers
        self._boards = Boards()
        self._census = Census()
        self._counting = asyncio.Lock()
        self.registry.register(StateCollector(self._boards, self._census, leading, audit))
        self._instruments = Instruments(self.registry)

    def route(self) -> web.RouteDef:
        """GET /metrics."""
        return route(self.registry, self.refresh)

    async def refresh(self) -> None:
        """Count the customers anew, in pieces between which others run; one at a time."""
        async with self._counting:
            if (customers := self._customers()) is not None:
                for _ in self._census.update(customers):
                    await asyncio.sleep(0)

    def heard(self, fact: Fact) -> None:
        """Take a fact; one about a NavixySync that is not looked after leaves nothing."""
        if (fact.run.namespace, fact.run.sync) in self._boards:
            self._boards.heard(fact)
            self._instruments.heard(fact)

    def sync_seen(self, sync: Resource) -> None:
        """A NavixySync as it is now."""
        if self._boards.seen(sync):
            self._instruments.begin(sync.namespace, sync.name)

    def sync_gone(self, namespace: str, name: str) -> None:
        """A NavixySync is gone, or this process no longer looks after it: no series of it stays."""
        self._boards.gone(namespace, name)
        self._instruments.end(namespace, name)

    def cycles_seen(self, namespace: str, sync: str, cycles: Sequence[Resource]) -> None:
        """All SyncCycles of a NavixySync that are kept."""
        if (known := self._boards.of(namespace, sync)) is not None:
            known.cycles_seen(cycles)

    def investigations_seen(self, namespace: str, sync: str, investigations: Sequence[Resource]) -> None:
        """All Investigations of a NavixySync that are kept."""
        if (known := self._boards.of(namespace, sync)) is not None:
            known.investigations_seen(investigations)

    def waiting_seen(self, namespace: str, sync: str, count: int) -> None:
        """How many customers wait for the attendant."""
        if (known := self._boards.of(namespace, sync)) is not None:
            known.waiting = count

    def drift_passed(self, namespace: str, sync: str, seconds: float) -> None:
        """A drift pass came to its end after so long."""
        self._observe(Metric.DRIFT_DURATION, seconds, namespace, sync)

    def alerts_pushed(self, namespace: str, sync: str, *, taken: bool) -> None:
        """Alertmanager took what was posted to it, or did not."""
        if (namespace, sync) in self._boards:
            result = Result.SUCCEEDED if taken else Result.FAILED
            self._instruments.count(Metric.ALERT_PUSHES, namespace, sync, result)

    def batch_written(self, entries: int, seconds: float) -> None:
        """So many entries of the audit trail were stored in one write that took so long."""
        self._instruments.count(Metric.AUDIT_ENTRIES, by=entries)
        self._instruments.observe(Metric.AUDIT_WRITE_DURATION, seconds)

    def request_made(self, sync: Resource, operation: Operation, result: Result, seconds: float) -> None:
        """F1.1 was asked for something, once."""
        self._observe(Metric.FORWARDING_REQUEST_DURATION, seconds, sync.namespace, sync.name, operation, result)

    def query_made(self, sync: Resource, operation: Operation, result: Result | Reason, seconds: float) -> None:
        """The customer database was asked for something."""
        self._observe(Metric.DATABASE_QUERY_DURATION, seconds, sync.namespace, sync.name, operation, result)

    def _observe(self, metric: Metric, seconds: float, namespace: str, sync: str, *labels: str) -> None:
        if (namespace, sync) in self._boards:
            self._instruments.observe(metric, seconds, namespace, sync, *labels)
