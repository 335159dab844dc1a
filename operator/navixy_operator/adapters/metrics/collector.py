"""What the registry asks at each scrape: values that are read from state, not kept by counting."""

from collections.abc import Callable, Iterable, Iterator
from importlib.metadata import PackageNotFoundError, version
from platform import python_version
from typing import Final

from prometheus_client.core import CounterMetricFamily, GaugeMetricFamily, InfoMetricFamily
from prometheus_client.metrics_core import Metric as Family

from navixy_operator.adapters.metrics.board import Boards
from navixy_operator.adapters.metrics.catalogue import CATALOGUE, READ, Sort, family_of
from navixy_operator.adapters.metrics.census import Census
from navixy_operator.core.measures import Sample
from navixy_operator.core.vocabulary import Metric
from navixy_operator.ports import AuditState


class StateCollector:
    """Collects from the boards and the census. ``leading``: whether this process works; ``audit``: how the trail is."""

    def __init__(
        self, boards: Boards, census: Census, leading: Callable[[], bool], audit: Callable[[], AuditState | None]
    ) -> None:
        self._boards = boards
        self._census = census
        self._leading = leading
        self._audit = audit
        self._build = {"version": _version("navixy-operator"), "python": python_version(), "kopf": _version("kopf")}

    def describe(self) -> list[Family]:
        """The families without samples: the registry learns the names."""
        return [*(_family(metric) for metric in _VALUES), self._build_info()]

    def collect(self) -> list[Family]:
        """The families as they are now; none that has no sample."""
        families = {metric: _family(metric) for metric in _VALUES}
        for labels, sample in self._samples():
            families[sample.metric].add_metric([*labels, *sample.labels], sample.value)
        return [*(family for family in families.values() if family.samples), self._build_info()]

    def _build_info(self) -> Family:
        name, described = family_of(Metric.BUILD_INFO), CATALOGUE[Metric.BUILD_INFO]
        return InfoMetricFamily(name, described.help, value=self._build)

    def _samples(self) -> Iterator[tuple[Iterable[str], Sample]]:
        for sync, known in self._boards.items():
            for sample in (*known.samples(self._census.held(sync)), *self._census.samples(sync)):
                yield sync, sample
        yield (), Sample(Metric.LEADER, float(self._leading()))
        if (state := self._audit()) is not None:
            yield (), Sample(Metric.AUDIT_AVAILABLE, float(state.trouble is None))
            yield (), Sample(Metric.AUDIT_SPOOLED, state.spooled)
            yield (), Sample(Metric.AUDIT_LOST, state.lost)


_VALUES: Final = tuple(metric for metric in READ if CATALOGUE[metric].sort is not Sort.INFO)


def _family(metric: Metric) -> GaugeMetricFamily | CounterMetricFamily:
    described = CATALOGUE[metric]
    kind = CounterMetricFamily if described.sort is Sort.COUNTER else GaugeMetricFamily
    return kind(family_of(metric), described.help, labels=described.labels)


def _version(distribution: str) -> str:
    try:
        return version(distribution)
    except PackageNotFoundError:  # run from the source tree, without being installed
        return "unknown"
