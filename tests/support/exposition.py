"""What the operator exposes to Prometheus, read as Prometheus reads it, and a stage whose runner is measured."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from prometheus_client import generate_latest
from prometheus_client.parser import text_string_to_metric_families
from prometheus_client.samples import Sample

from navixy_operator.adapters.metrics import Metrics
from navixy_operator.core.vocabulary import Metric
from navixy_operator.execution import Desk
from navixy_operator.ports import AuditState
from navixy_operator.runner import Runner
from navixy_operator.syncstatus import SyncStatus
from support.stage import Stage

PLACE = {"namespace": "default", "sync": "main"}


class Exposition:
    """One scrape. ``types`` and ``help`` by the name of the family, as the text has it."""

    def __init__(self, text: str) -> None:
        self.text = text
        families = list(text_string_to_metric_families(text))
        self.samples = [sample for family in families for sample in family.samples]
        lines = [line.split(" ", 3) for line in text.splitlines() if line.startswith("# ")]
        self.types = {words[2]: words[3] for words in lines if words[1] == "TYPE"}
        self.help = {words[2]: words[3] for words in lines if words[1] == "HELP"}

    def value(self, name: str, **labels: str) -> float | None:
        """The only sample of that name whose labels contain these; None: there is none."""
        found = list(self.of(name, **labels))
        assert len(found) <= 1, found
        return found[0].value if found else None

    def of(self, name: str, **labels: str) -> Iterator[Sample]:
        """The samples of that name whose labels contain these."""
        return (s for s in self.samples if s.name == name and labels.items() <= s.labels.items())

    def by(self, label: str, name: str, **labels: str) -> dict[str, float]:
        """The values that are not 0, by one label."""
        return {sample.labels[label]: sample.value for sample in self.of(name, **labels) if sample.value}


class Measured(Stage):
    """A stage whose cluster has a board: what its runner does can be scraped."""

    def __init__(self, **spec: Any) -> None:
        super().__init__(**spec)
        self.leads = True
        self.audit: AuditState | None = None
        self.start()

    def start(self) -> None:
        """Begin as a process does: the resources are there, the metrics know nothing."""
        customers = self.world.resources.customers
        self.metrics = Metrics(lambda: list(customers().values()), lambda: self.leads, lambda: self.audit)
        observers = (self.world.facts.append, self.metrics.heard)
        self.cluster = replace(self.cluster, observers=observers, board=self.metrics)
        desk = Desk(self.cluster, self.connect, SyncStatus(self.cluster, "default", "main"))
        self.runner = Runner("default", "main", ("default",), desk)

    async def scrape(self) -> Exposition:
        """What is exposed now."""
        await self.metrics.refresh()
        return Exposition(generate_latest(self.metrics.registry).decode())

    async def run(self, name: str, *, dry_run: bool = False) -> Exposition:
        """Run one cycle to its end, and scrape before anything else happens."""
        self.cycle(name, dry_run=dry_run)
        assert await self.runner.turn() == 0.0
        return await self.scrape()

    async def value(self, metric: Metric, **labels: str) -> float | None:
        """One value about the NavixySync, now."""
        return (await self.scrape()).value(metric, **PLACE, **labels)
