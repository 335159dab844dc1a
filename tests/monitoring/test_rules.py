"""The alerts and recorded series of manifests/monitoring, on the real promtool."""

import re
from pathlib import Path

import pytest

from monitoring.cases import MORE, NAMESPACE, SPECIFICATION, Case, of
from monitoring.rules import ALERTS, RECORDS, RULES, as_test, case_as_test, write
from navixy_operator.core.vocabulary import AlertName, Metric, RuleName, Severity
from navixy_operator.sandbox.monitoring import Promtool

CONDITIONS = {
    "Synchronization Failure": Severity.HIGH,
    "Persistent Discrepancies": Severity.MEDIUM,
    "Connection Count Mismatch": Severity.HIGH,
    "Suspended Customers with Connections": Severity.HIGH,
    "High Customer Skip Rate": Severity.LOW,
    "Connection Establishment Failure Rate": Severity.MEDIUM,
}
"""The specification's table "Alert Conditions"."""


@pytest.mark.server
@pytest.mark.parametrize("case", SPECIFICATION, ids=lambda case: case.what)
async def test_condition_of_the_specification(case: Case, promtool: Promtool, tmp_path: Path) -> None:
    """It fires beyond its threshold and not at it, with its severity and words, and is resolved."""
    verdict = await promtool.test_rules(write(tmp_path, case_as_test(case)))
    assert verdict.ok, verdict.output


@pytest.mark.server
@pytest.mark.parametrize("case", MORE, ids=lambda case: case.id)
async def test_alert(case: Case, promtool: Promtool, tmp_path: Path) -> None:
    """So do the others."""
    verdict = await promtool.test_rules(write(tmp_path, case_as_test(case)))
    assert verdict.ok, verdict.output


@pytest.mark.server
async def test_an_alert_outlives_a_change_of_the_leader(promtool: Promtool, tmp_path: Path) -> None:
    """The replica that worked is gone, the next one tells the same: one alert all the while, the same one."""
    case = SPECIFICATION[0]
    series = of(Metric.LAST_CYCLE_SUCCESS, "0 0 0 stale") | of(Metric.LAST_CYCLE_SUCCESS, "_ _ 0 0 0", pod="b")
    firing = [type(case.firing[0])(time, case.firing[0].description) for time in ("1m", "2m", "3m", "4m")]
    changed = Case(case.what, case.name, case.severity, series, (), firing)
    verdict = await promtool.test_rules(write(tmp_path, case_as_test(changed)))
    assert verdict.ok, verdict.output


@pytest.mark.server
async def test_an_overdue_synchronization_stays_so_across_a_change_of_the_leader(
    promtool: Promtool, tmp_path: Path
) -> None:
    """The fifteen minutes go on, although another pod tells of it."""
    (case,) = [case for case in MORE if "never succeeded" in case.what]
    series = of(Metric.NEXT_SCHEDULE, "600x20 stale") | of(Metric.NEXT_SCHEDULE, "_x20 600x20", pod="b")
    changed = Case(case.what, case.name, case.severity, series, case.quiet, case.firing)
    verdict = await promtool.test_rules(write(tmp_path, case_as_test(changed)))
    assert verdict.ok, verdict.output


@pytest.mark.server
async def test_recorded_shares_hold_across_restarts(promtool: Promtool, tmp_path: Path) -> None:
    """Counters that begin anew lose nothing; two NavixySyncs do not mix; what is pending is no failure yet."""
    establishes, closes = Metric.ESTABLISHES, Metric.CLOSES
    series = {
        # a restart after the second completed cycle, and a change of the pod: 4 of 5
        **of(Metric.CYCLES, "0 1 2 0 1 stale", result="completed"),
        **of(Metric.CYCLES, "0 0 0 0 0 stale", result="failed"),
        **of(Metric.CYCLES, "_ _ _ _ _ 0 1 1", pod="b", result="completed"),
        **of(Metric.CYCLES, "_ _ _ _ _ 0 0 1", pod="b", result="failed"),
        **of(Metric.CYCLES, "0 0 0 0 0 0 0 1", sync="other", result="completed"),
        **of(Metric.CYCLES, "0 0 0 0 0 0 0 1", sync="other", result="failed"),
        **of(establishes, "0 0 0 3 3 3 3 3", result="succeeded"),
        **of(establishes, "0 0 0 1 1 1 1 1", result="failed"),
        **of(establishes, "0 0 0 9 9 9 9 9", result="pending"),
        # a close that was not seen to its end is none that succeeded
        **of(closes, "0 0 0 1 1 1 1 1", result="succeeded"),
        **of(closes, "0 0 0 0 0 0 0 0", result="failed"),
        **of(closes, "0 0 0 1 1 1 1 1", result="pending"),
        **of(closes, "0 0 0 0 0 0 0 0", sync="other", result="succeeded"),
    }
    main, other = (f'{{namespace="{NAMESPACE}", sync="{sync}"}}' for sync in ("main", "other"))
    expected = {
        "namespace_sync:navixy_sync_cycles:success_ratio_30d": {main: 0.8, other: 0.5},
        "namespace_sync:navixy_connection_establishes:success_ratio_30d": {main: 0.75},
        "namespace_sync:navixy_connection_closes:success_ratio_30d": {main: 0.5},
    }
    tests = [
        {
            # Prometheus extrapolates each series to the ends of the time, which shows in such short ones
            "expr": f"round({record}, 0.05)",
            "eval_time": "7m",
            "exp_samples": [{"labels": labels, "value": value} for labels, value in samples.items()],
        }
        for record, samples in expected.items()
    ]
    verdict = await promtool.test_rules(write(tmp_path, as_test(series, promql_expr_test=tests)))
    assert verdict.ok, verdict.output


@pytest.mark.server
async def test_promtool_finds_the_rules_right(promtool: Promtool, tmp_path: Path) -> None:
    """`promtool check rules`; and a case that is wrong is found to be."""
    write(tmp_path)
    verdict = await promtool.check_rules(tmp_path / "rules.yml")
    assert verdict.ok, verdict.output
    assert f"{len(RULES)} rules found" in verdict.output
    case = SPECIFICATION[0]
    wrong = Case(case.what, case.name, Severity.LOW, case.series, case.quiet, case.firing)
    assert not (await promtool.test_rules(write(tmp_path, case_as_test(wrong)))).ok


def test_every_alert_has_a_case() -> None:
    """The six conditions of the specification by their names and severities, and one for every other alert."""
    assert {case.what: case.severity for case in SPECIFICATION} == CONDITIONS
    assert {case.name for case in SPECIFICATION} == set(AlertName) - {AlertName.CLOSES_HELD}
    assert {case.name for case in MORE} == {AlertName.CLOSES_HELD, *RuleName}
    assert ALERTS.keys() == {*AlertName, *RuleName}


@pytest.mark.parametrize("name", ALERTS)
def test_alerts_tell_people_what_to_do(name: str) -> None:
    """Severity, summary, description with its value or place, and a pointer into docs/alerts.md."""
    rule = ALERTS[name]
    assert rule["labels"] == {"severity": rule["labels"]["severity"]}
    assert rule["labels"]["severity"] in set(Severity)
    annotations = rule["annotations"]
    assert annotations.keys() == {"summary", "description", "runbook"}
    assert annotations["runbook"] == f"docs/alerts.md#{name.lower()}"
    assert not annotations["summary"].endswith(".")
    assert annotations["description"].endswith(".")
    told = set(re.findall(r"\$labels\.(\w+)", annotations["description"]))
    assert told in ({"namespace", "sync"}, {"namespace"}, set())


def test_results_have_no_label_of_a_pod() -> None:
    """Each expression sums up over the replicas: an alert neither doubles nor begins anew when the leader changes."""
    for rule in RULES:
        outer = re.findall(r"\b(?:max|min|sum) by \(([^)]*)\)", rule["expr"])
        recorded = [name for name in RECORDS if name in rule["expr"]]
        assert outer or recorded or rule["expr"].startswith("absent("), rule
        assert all(set(labels.split(", ")) <= {"namespace", "sync", "reason"} for labels in outer)
