"""Counters and histograms: what has happened since this process began to look after a NavixySync."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Histogram, disable_created_metrics

from navixy_operator.adapters.metrics.catalogue import CATALOGUE, PLACE, READ, Sort, family_of
from navixy_operator.core.fact import Fact
from navixy_operator.core.vocabulary import EventName, EventStatus, Metric, Reason, Result, RunKind, Step

_RESULTS: Final = {
    EventStatus.SUCCEEDED: Result.SUCCEEDED,
    EventStatus.FAILED: Result.FAILED,
    EventStatus.PENDING: Result.PENDING,
}
_ACTIONS: Final = {
    EventName.CONNECTION_ESTABLISHED: Metric.ESTABLISHES,
    EventName.ESTABLISH_FAILED: Metric.ESTABLISHES,
    EventName.CONNECTION_CLOSED: Metric.CLOSES,
    EventName.CLOSE_FAILED: Metric.CLOSES,
}
_FIRST: Final[dict[Metric, tuple[str, ...]]] = {
    Metric.CYCLES: (Result.COMPLETED, Result.FAILED),
    Metric.ESTABLISHES: tuple(_RESULTS.values()),
    Metric.CLOSES: tuple(_RESULTS.values()),
    Metric.ALERT_PUSHES: (Result.SUCCEEDED, Result.FAILED),
    Metric.STEP_DURATION: tuple(Step),
}
"""What is shown as 0 from the beginning: the first of something rare would be no increase otherwise."""


class Instruments:
    """All of them, in a registry of our own."""

    def __init__(self, registry: CollectorRegistry) -> None:
        # the moments of creation would be series of their own, and nobody asks for them
        disable_created_metrics()  # type: ignore[no-untyped-call]  # the library's only function without types
        self._counters = {metric: _counter(metric, registry) for metric in _of(Sort.COUNTER)}
        self._histograms = {metric: _histogram(metric, registry) for metric in _of(Sort.HISTOGRAM)}

    def begin(self, namespace: str, sync: str) -> None:
        """A NavixySync is looked after from now on."""
        for metric in (Metric.DURATION, Metric.DRIFT_DURATION):
            self._histograms[metric].labels(namespace, sync)
        for metric, values in _FIRST.items():
            for value in values:
                (self._counters.get(metric) or self._histograms[metric]).labels(namespace, sync, value)

    def end(self, namespace: str, sync: str) -> None:
        """A NavixySync is no longer looked after: nothing of it stays."""
        for metric, made in (*self._counters.items(), *self._histograms.items()):
            if CATALOGUE[metric].labels[:2] == PLACE:
                made.remove_by_labels({"namespace": namespace, "sync": sync})

    def count(self, metric: Metric, *labels: str, by: int = 1) -> None:
        """Count something."""
        counter = self._counters[metric]
        (counter.labels(*labels) if labels else counter).inc(by)

    def observe(self, metric: Metric, seconds: float, *labels: str) -> None:
        """Take a duration."""
        histogram = self._histograms[metric]
        (histogram.labels(*labels) if labels else histogram).observe(seconds)

    def heard(self, fact: Fact) -> None:
        """A fact of a run that acts."""
        if fact.run.kind is RunKind.DRY_RUN:
            return
        place = (fact.run.namespace, fact.run.sync)
        if (metric := _ACTIONS.get(fact.event)) is not None and fact.status in _RESULTS:
            self.count(metric, *place, _RESULTS[fact.status])
        elif fact.event is EventName.SYNCHRONIZATION_COMPLETED:
            failed = fact.status is EventStatus.FAILED
            self.count(Metric.CYCLES, *place, Result.FAILED if failed else Result.COMPLETED)
            if fact.details.get("reason") != Reason.INTERRUPTED:  # the time that nobody was there is no duration
                self._time(fact, place)

    def _time(self, fact: Fact, place: tuple[str, str]) -> None:
        seconds, steps = fact.details.get("duration_seconds"), fact.details.get("steps_seconds")
        if isinstance(seconds, int | float):
            self.observe(Metric.DURATION, seconds, *place)
        for step, took in steps.items() if isinstance(steps, dict) else ():
            self.observe(Metric.STEP_DURATION, took, *place, step)


def _of(sort: Sort) -> list[Metric]:
    return [metric for metric, described in CATALOGUE.items() if described.sort is sort and metric not in READ]


def _counter(metric: Metric, registry: CollectorRegistry) -> Counter:
    described = CATALOGUE[metric]
    return Counter(family_of(metric), described.help, described.labels, registry=registry)


def _histogram(metric: Metric, registry: CollectorRegistry) -> Histogram:
    described = CATALOGUE[metric]
    return Histogram(metric, described.help, described.labels, registry=registry, buckets=described.buckets)
