"""The vocabulary, the registry, what is exposed, and docs/metrics.md name the same metrics, in both directions."""

import re
from dataclasses import replace
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

from navixy_operator import metricsdoc
from navixy_operator.adapters.metrics import CATALOGUE, Sort
from navixy_operator.core.vocabulary import Kind, Metric, Operation, PinMode, Result
from navixy_operator.ports import AuditState
from support.builders import connection, resource, row
from support.exposition import Exposition, Measured

ROOT = Path(__file__).parents[1]
PAGE = ROOT / "docs" / "metrics.md"
ROW = re.compile(r"^\|(?: [^|]* \|)*? `(navixy_\w+)` \| (\w+) \| ([^|]*) \|", re.MULTILINE)
TEN_ROW = re.compile(r"^\| ([A-Z][^|]*) \| `navixy_\w+` \| \w+ \| [^|]* \| ([^|]*) \|", re.MULTILINE)
TEN = [
    ("Synchronization Success Rate", "> 95%"),
    ("Discrepancy Count", "0 (ideal)"),
    ("Missing Connections", "0 (ideal)"),
    ("Extra Connections", "0 (ideal)"),
    ("Suspended Customers with Connections", "0 (ideal)"),
    ("Connection Count Accuracy", "0 (perfect match)"),
    ("Customers Skipped", "Track trend"),
    ("Sync Duration", "< 5 minutes"),
    ("Connection Establishment Success Rate", "> 95%"),
    ("Connection Closure Success Rate", "> 95%"),
]
"""The specification's "Key Metrics Tracked": metric and threshold."""
IN_OUR_UNITS = {"> 95%": "> 0.95", "< 5 minutes": "< 300 (5 minutes)", "Track trend": "track the trend"}
"""Its thresholds that are told in other words, of the same meaning."""
SUFFIXES = {Sort.HISTOGRAM: ("_bucket", "_sum", "_count")}


async def everything() -> Exposition:
    """What is exposed where there is something of everything."""
    stage = Measured(suspend=True)
    stage.audit = AuditState(spooled=1)
    stage.world.database.rows = [*stage.world.database.rows, row("bare", number=3, gateway_count=0)]
    await stage.run("first")
    stage.world.connect(connection("c-left", "left"))
    stage.world.database.rows = [*stage.world.database.rows, row("gamma", number=4)]
    stage.put_pin(stage.world.resources.customers()["acme"], PinMode.HOLD, by="op")
    await stage.run("second")
    sync = stage.world.resources.objects[Kind.SYNC, "main"]
    stage.metrics.request_made(sync, Operation.LIST, Result.SUCCEEDED, 0.1)
    stage.metrics.query_made(sync, Operation.SNAPSHOT, Result.SUCCEEDED, 0.1)
    stage.metrics.investigations_seen("default", "main", [resource(Kind.INVESTIGATION, "i-1")])
    alert = {"name": "NavixyClosesHeld", "severity": "high", "since": "2026-03-01T03:00:00Z", "message": "m"}
    told = {"alerts": [alert], "nextScheduleTime": "2026-03-02T03:00:00Z"}
    stage.metrics.sync_seen(replace(sync, status={**sync.status, **told}))
    return await stage.scrape()


def name_of(sample: str) -> str:
    """The metric that a sample belongs to: a histogram's without the suffix."""
    return next(
        (
            metric
            for metric, described in CATALOGUE.items()
            for suffix in SUFFIXES.get(described.sort, ("",))
            if sample == f"{metric}{suffix}"
        ),
        sample,
    )


def test_every_metric_is_described() -> None:
    """The catalogue has those of the vocabulary, all of them and no others, each in a sentence of its own."""
    assert set(CATALOGUE) == set(Metric)
    texts = [described.help for described in CATALOGUE.values()]
    assert len(set(texts)) == len(texts)
    assert all(text[0].isupper() and not text.endswith(".") for text in texts)


async def test_everything_described_is_exposed_and_nothing_else() -> None:
    """With its type, its help and its labels, as a scrape tells them."""
    shown = await everything()
    assert {name_of(sample.name) for sample in shown.samples} == set(Metric)
    for metric, described in CATALOGUE.items():
        sort = "gauge" if described.sort is Sort.INFO else described.sort
        assert (shown.types[metric], shown.help[metric]) == (sort, described.help)
        labels = {frozenset(s.labels) - {"le"} for s in shown.samples if name_of(s.name) == metric}
        assert labels == {frozenset(described.labels)}
    assert set(shown.types) == set(Metric)


async def test_the_global_registry_is_left_alone() -> None:
    """Nothing of ours is in it: whoever embeds us has their own."""
    await everything()
    assert [family.name for family in REGISTRY.collect() if family.name.startswith("navixy")] == []


@pytest.mark.parametrize("metric", Metric)
def test_names_follow_prometheus(metric: Metric) -> None:
    """Base units; ``_total`` on counters and on nothing else; buckets rise; labels about one NavixySync come first."""
    described = CATALOGUE[metric]
    assert metric.endswith("_total") == (described.sort is Sort.COUNTER)
    assert metric.endswith("_info") == (described.sort is Sort.INFO)
    assert (described.sort is Sort.HISTOGRAM) == bool(described.buckets)
    assert list(described.buckets) == sorted(set(described.buckets))
    if described.buckets:
        assert metric.endswith("_seconds")
    assert not re.search(r"_(ms|milliseconds|minutes|percent|kb)(_|$)", metric)
    if metric.startswith("navixy_sync_"):
        assert described.labels[:2] == ("namespace", "sync")
    assert not {"customer", "customer_ref", "connection_id", "cycle", "url"} & set(described.labels)


def test_the_ten_of_the_specification() -> None:
    """Their rows, in order, with their thresholds, here and on the page; that of the duration is a bucket."""
    told = [(name, IN_OUR_UNITS.get(threshold, threshold)) for name, threshold in TEN]
    rows = [described.row for described in CATALOGUE.values() if described.row]
    assert [(row.name, row.threshold) for row in rows] == told
    assert TEN_ROW.findall(PAGE.read_text("utf-8")) == told
    assert 300 in CATALOGUE[Metric.DURATION].buckets
    assert max(CATALOGUE[Metric.DURATION].buckets) == 3600


def test_the_page_is_up_to_date(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """``make docs`` would change nothing; a stale page is told."""
    assert metricsdoc.main([str(PAGE), "--check"]) == 0
    stale = tmp_path / "metrics.md"
    assert metricsdoc.main([str(stale), "--check"]) == 1
    stale.write_text(PAGE.read_text("utf-8").replace("300", "301"), "utf-8")
    assert metricsdoc.main([str(stale), "--check"]) == 1
    assert capsys.readouterr().err.count("make docs") == 2
    assert metricsdoc.main([str(stale)]) == 0
    assert stale.read_text("utf-8") == PAGE.read_text("utf-8")


def test_the_page_names_all_metrics() -> None:
    """Read back: every metric with its type and labels, and no other."""
    found = {
        name: (sort, re.findall(r"`(\w+)`", labels)) for name, sort, labels in ROW.findall(PAGE.read_text("utf-8"))
    }
    assert found == {
        metric.value: ("gauge" if described.sort is Sort.INFO else described.sort.value, list(described.labels))
        for metric, described in CATALOGUE.items()
    }
