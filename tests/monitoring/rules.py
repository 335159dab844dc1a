"""The PrometheusRule, and cases as promtool's tests."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Final

import yaml

from monitoring.cases import Case

ROOT: Final = Path(__file__).parents[2]
MANIFESTS: Final = ROOT / "manifests" / "monitoring"
RULE: Final[dict[str, Any]] = yaml.safe_load((MANIFESTS / "prometheusrule.yaml").read_text("utf-8"))
SPEC: Final[dict[str, Any]] = RULE["spec"]
"""As a rule file of Prometheus has it."""
RULES: Final[list[dict[str, Any]]] = [rule for group in SPEC["groups"] for rule in group["rules"]]
ALERTS: Final = {rule["alert"]: rule for rule in RULES if "alert" in rule}
RECORDS: Final = {rule["record"]: rule for rule in RULES if "record" in rule}


def write(directory: Path, *tests: Mapping[str, Any]) -> Path:
    """The rules and a file of promtool's tests beside them; gives the latter."""
    (directory / "rules.yml").write_text(yaml.safe_dump(SPEC), "utf-8")
    path = directory / "tests.yml"
    content = {"rule_files": ["rules.yml"], "evaluation_interval": "1m", "tests": list(tests)}
    path.write_text(yaml.safe_dump(content), "utf-8")
    return path


def as_test(series: Mapping[str, str], **expectations: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """One of promtool's tests; ``expectations``: ``alert_rule_test`` or ``promql_expr_test``."""
    given = [{"series": name, "values": values} for name, values in series.items()]
    return {"interval": "1m", "input_series": given, **expectations}


def case_as_test(case: Case) -> dict[str, Any]:
    """A case as one of promtool's tests."""
    annotations = {key: text for key, text in ALERTS[case.name]["annotations"].items() if key != "description"}
    expected: list[dict[str, Any]] = [
        {"eval_time": time, "alertname": case.name.value, "exp_alerts": []} for time in case.quiet
    ]
    for firing in case.firing:
        alert = {
            "exp_labels": {"severity": case.severity.value, **firing.labels},
            "exp_annotations": {**annotations, "description": firing.description},
        }
        expected.append({"eval_time": firing.time, "alertname": case.name.value, "exp_alerts": [alert]})
    return as_test(case.series, alert_rule_test=expected)
