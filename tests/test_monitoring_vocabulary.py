"""Names of metrics and alerts: rules, dashboard and documentation against the vocabulary, in both directions."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from navixy_operator.core import alerts
from navixy_operator.core.vocabulary import AlertName, Metric, RuleName, Severity
from navixy_operator.dashboard import expressions

ROOT = Path(__file__).parents[1]
RULE = yaml.safe_load((ROOT / "manifests" / "monitoring" / "prometheusrule.yaml").read_text("utf-8"))
RULES: list[dict[str, Any]] = [rule for group in RULE["spec"]["groups"] for rule in group["rules"]]
ALERTS = {rule["alert"]: rule for rule in RULES if "alert" in rule}
DOCS = {path.name: path.read_text("utf-8") for path in sorted((ROOT / "docs").glob("*.md"))} | {
    "README.md": (ROOT / "README.md").read_text("utf-8")
}
OF_A_HISTOGRAM = ("_bucket", "_sum", "_count")
NAMES = {*AlertName, *RuleName}
KINDS = {"NavixySync", "NavixySyncs", "NavixyCustomer", "NavixyCustomers"}


def metrics_in(text: str) -> set[str]:
    """Names of metrics, those of a histogram's parts cut to the metric's; records are named after their metrics."""
    without_records = re.sub(r"\b\w+:navixy_\w+:\w+", "", text)
    found = set(re.findall(r"\bnavixy_[a-z_]+\b(?!\.)", without_records)) - {"navixy_operator", "navixy_hash"}
    return {name if name in set(Metric) else _whole(name) for name in found}


def _whole(name: str) -> str:
    for part in OF_A_HISTOGRAM:
        if name.endswith(part) and name.removesuffix(part) in set(Metric):
            return name.removesuffix(part)
    return name


SHOWN = {
    "rules": metrics_in(" ".join(rule["expr"] for rule in RULES)),
    "dashboard": metrics_in(" ".join(expressions())),
    "its file": metrics_in((ROOT / "manifests" / "monitoring" / "grafana-dashboard.json").read_text("utf-8")),
    **{name: metrics_in(text) for name, text in DOCS.items()},
}


@pytest.mark.parametrize("place", SHOWN)
def test_every_metric_that_is_named_exists(place: str) -> None:
    """A name that does not exist is an empty panel, an alert that never fires, a reader who searches in vain."""
    assert SHOWN[place] - set(Metric) == set()


def test_every_metric_is_documented_and_used() -> None:
    """In docs/metrics.md, and in the dashboard or the rules."""
    assert set(Metric) - SHOWN["metrics.md"] == set()
    assert set(Metric) - SHOWN["rules"] - SHOWN["dashboard"] == set()
    assert SHOWN["its file"] == SHOWN["dashboard"]


def test_alerts_are_the_vocabularys() -> None:
    """Rules, docs/alerts.md (table and sections) and vocabulary have the same names, each once."""
    told = DOCS["alerts.md"]
    assert ALERTS.keys() == NAMES
    assert len(NAMES) == len(AlertName) + len(RuleName)
    assert set(re.findall(r"^### (\w+)$", told, re.MULTILINE)) == NAMES
    assert set(re.findall(r"^\| \[(\w+)\]", told, re.MULTILINE)) == NAMES
    assert {name for text in DOCS.values() for name in re.findall(r"\bNavixy[A-Z]\w+", text)} <= NAMES | KINDS


@pytest.mark.parametrize("name", sorted(NAMES))
def test_runbooks_are_there(name: str) -> None:
    """Each rule points to its section, and the table says its severity."""
    (file, anchor) = ALERTS[name]["annotations"]["runbook"].split("#")
    assert anchor == name.lower()
    assert f"### {name}\n" in (ROOT / file).read_text("utf-8")
    assert f"| [{name}](#{anchor}) | {ALERTS[name]['labels']['severity']} |" in DOCS["alerts.md"]


def test_severities_and_summaries_are_the_operators_own() -> None:
    """What the operator pushes and what Prometheus fires agree."""
    own = {name: severity for name, severity, _ in alerts.RULES}
    assert {name: ALERTS[name]["labels"]["severity"] for name in AlertName} == own
    assert {name: ALERTS[name]["annotations"]["summary"].lower() for name in AlertName} == {
        name: summary.lower() for name, summary in alerts.SUMMARIES.items()
    }
    assert {rule["labels"]["severity"] for rule in ALERTS.values()} == set(Severity)
