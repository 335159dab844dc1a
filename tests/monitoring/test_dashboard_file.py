"""The dashboard's file: up to date, of a form that Grafana takes, readable, and complete."""

import json
import re
from collections.abc import Iterator
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest

from monitoring.rules import MANIFESTS, RECORDS, RULES
from navixy_operator.adapters.metrics import CATALOGUE
from navixy_operator.core.vocabulary import Metric
from navixy_operator.dashboard import expressions, render
from navixy_operator.dashboard.__main__ import main
from navixy_operator.dashboard.panels import WIDTH

FILE = MANIFESTS / "grafana-dashboard.json"
DASHBOARD: dict[str, Any] = json.loads(FILE.read_text("utf-8"))
ROWS = [panel for panel in DASHBOARD["panels"] if panel["type"] == "row"]
TEN = {
    "Synchronization success rate": Metric.SUCCESS_RATIO,
    "Discrepancies": Metric.DISCREPANCIES,
    "Missing connections": Metric.MISSING_CONNECTIONS,
    "Extra connections": Metric.EXTRA_CONNECTIONS,
    "Suspended customers with connections": Metric.SUSPENDED_CONNECTED,
    "Connection count accuracy": Metric.COUNT_DIFFERENCE,
    "Customers skipped": Metric.SKIPPED_CUSTOMERS,
    "Sync duration": Metric.LAST_DURATION,
    "Connection establishment success rate": Metric.ESTABLISH_SUCCESS_RATIO,
    "Connection closure success rate": Metric.CLOSE_SUCCESS_RATIO,
}
"""The specification's table "Key Metrics Tracked"."""
THRESHOLDS = {
    metric.value: described.row.threshold
    for of, described in CATALOGUE.items()
    if described.row
    for metric in ((of, Metric.LAST_DURATION) if of is Metric.DURATION else (of,))
}
"""Of each of the ten, and of the duration's gauge."""
Steps = list[tuple[bool, float | None]]


def shown() -> Iterator[dict[str, Any]]:
    """Every panel that shows something."""
    for panel in DASHBOARD["panels"]:
        yield from panel["panels"] if panel["type"] == "row" else [panel]


PANELS = list(shown())


def test_the_file_is_up_to_date() -> None:
    """It is what the module says; applied by kubectl, it fits into the annotation that holds it once more."""
    assert FILE.read_text("utf-8") == render()
    assert len(render().encode()) < 200_000


def test_check_fails_when_stale(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """`--check` fails for a missing and a changed file, names it, and passes once written."""
    file = tmp_path / "monitoring" / "dashboard.json"
    assert main([str(file), "--check"]) == 1
    assert main([str(file)]) == 0
    assert main([str(file), "--check"]) == 0
    file.write_text("{}")
    capsys.readouterr()
    assert main([str(file), "--check"]) == 1
    assert str(file) in capsys.readouterr().err


def test_panels_neither_overlap_nor_stick_out() -> None:
    """Numbers are unique; folded rows hold their panels; each row is as wide as the dashboard and no panel wider."""
    numbers = [panel["id"] for panel in (*DASHBOARD["panels"], *(p for row in ROWS for p in row["panels"]))]
    assert len(numbers) == len(set(numbers))
    for group in (DASHBOARD["panels"], *(row["panels"] for row in ROWS)):
        for place in (panel["gridPos"] for panel in group):
            assert 0 <= place["x"] < place["x"] + place["w"] <= WIDTH
        for one, two in combinations((panel["gridPos"] for panel in group), 2):
            apart = one["x"] + one["w"] <= two["x"] or two["x"] + two["w"] <= one["x"]
            assert apart or one["y"] + one["h"] <= two["y"] or two["y"] + two["h"] <= one["y"]
    assert all(bool(row["panels"]) == row["collapsed"] for row in ROWS)


@pytest.mark.parametrize("panel", PANELS, ids=lambda panel: panel["title"])
def test_a_newcomer_can_read_it(panel: dict[str, Any]) -> None:
    """Title, description, unit, named series, the chosen data source, and a size at which one sees something."""
    assert panel["title"][0].isupper()
    assert len(panel["description"]) > 15
    assert panel["description"].endswith((".", "`.", "0."))
    assert panel["fieldConfig"]["defaults"]["unit"]
    assert (panel["gridPos"]["w"], panel["gridPos"]["h"]) >= (4, 4)
    for target in panel["targets"]:
        assert target["datasource"] == panel["datasource"] == {"type": "prometheus", "uid": "${datasource}"}
        assert target["legendFormat"] or panel["type"] == "table"


def test_titles_tell_panels_apart() -> None:
    """No two panels of a kind share a title."""
    titles = [panel["title"] for panel in (*PANELS, *ROWS)]
    assert {title for title in titles if titles.count(title) > 1} <= {"Audit trail", "Investigations", "Held closes"}


@pytest.mark.parametrize("title", TEN)
def test_metric_of_the_specification(title: str) -> None:
    """Each of the ten has a panel in the second row, with its threshold as a line, where it has one."""
    (panel,) = (panel for panel in PANELS if panel["title"] == title)
    assert any(TEN[title] in target["expr"] for target in panel["targets"])
    number = panel["gridPos"]["y"]
    assert ROWS[1]["gridPos"]["y"] < number < ROWS[2]["gridPos"]["y"]
    defaults = panel["fieldConfig"]["defaults"]
    drawn = defaults["custom"]["thresholdsStyle"]["mode"]
    assert (drawn, len(defaults["thresholds"]["steps"]) > 1) in {("dashed", True), ("off", False)}
    assert (drawn == "off") == (title == "Customers skipped")
    assert ("hreshold" in panel["description"]) or (
        "Ideal: 0" in panel["description"] or "Perfect: 0" in panel["description"]
    )


def steps_of(threshold: str) -> Steps:
    """From which value on it is good or bad, as the words of a threshold say."""
    if limit := re.match(r"([<>]) ([\d.]+)", threshold):
        return [(limit[1] == "<", None), (limit[1] == ">", float(limit[2]))]
    told: dict[str, Steps] = {
        "0 (ideal)": [(True, None), (False, 1)],
        "0 (perfect match)": [(False, None), (True, 0), (False, 1)],
        "track the trend": [(False, None)],
    }
    return told[threshold]


def thresholds_shown() -> Iterator[tuple[str, str, Steps]]:
    """Each panel with a metric of the ten whose colours mean something: title, threshold, steps."""
    for panel in PANELS:
        told = " ".join(target["expr"] for target in panel["targets"])
        names = {name.removesuffix("_bucket") for name in re.findall(r"(?<![:\w])navixy_\w+", told)}
        steps = panel["fieldConfig"]["defaults"].get("thresholds", {}).get("steps", [])
        for name in names & THRESHOLDS.keys():
            if len(steps) > 1 or panel["title"] in TEN:
                found = [(step["color"] == "green", step["value"]) for step in steps]
                yield panel["title"], THRESHOLDS[name], found


def test_steps_are_the_thresholds_of_the_specification() -> None:
    """Wherever one of the ten is shown, good turns to bad at its threshold."""
    panels = list(thresholds_shown())
    assert {title for title, _, _ in panels} == {*TEN, "Success rate", "Whole cycles"}
    for title, threshold, found in panels:
        assert found == steps_of(threshold), title


def test_every_metric_is_shown() -> None:
    """Each metric is in the dashboard, itself or by a recorded series; each recorded series is, or is in an alert."""
    told = " ".join((*expressions(), *(rule["expr"] for rule in RULES)))
    names = set(re.findall(r"navixy_\w+", told))
    assert {metric for metric in Metric if not any(name.startswith(metric) for name in names)} == set()
    assert {record for record in RECORDS if record not in told} == set()


def test_the_chosen_syncs_alone_are_shown() -> None:
    """Whatever is about a NavixySync is narrowed to the chosen ones, but for what Prometheus itself says of alerts."""
    for expression in expressions():
        of_syncs = re.findall(
            r"(\w*navixy_(?:sync|customers|connections?|pins|alert|invest|forward|database)[\w:]*)(\{[^}]*\})?",
            expression,
        )
        for name, selected in of_syncs:
            if name:
                assert 'namespace=~"$namespace",sync=~"$sync"' in selected, expression
