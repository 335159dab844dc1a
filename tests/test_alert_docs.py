"""docs/alerts.md against the code: each alert of a NavixySync has what a person needs who is woken by it."""

import re
from pathlib import Path

import pytest

from navixy_operator.api.sync import Alerts
from navixy_operator.core import alerts
from navixy_operator.core.vocabulary import AlertName
from navixy_operator.settings import Settings

DOCS = (Path(__file__).parents[1] / "docs" / "alerts.md").read_text("utf-8")
SECTIONS = dict(re.findall(r"^### (\w+)\n(.*?)(?=^##|\Z)", DOCS, re.MULTILINE | re.DOTALL))
PUSHED = DOCS.split("## What the operator pushes")[1].split("\n## ")[0]


def test_the_alerts_that_are_pushed_have_their_sections() -> None:
    """All of them, under "Synchronization"; what stands there is one of them."""
    between = DOCS.split("## Synchronization\n")[1].split("\n## ")[0]
    assert re.findall(r"^### (\w+)$", between, re.MULTILINE) == list(AlertName)


@pytest.mark.parametrize("name", AlertName)
def test_a_section_says_what_to_do_and_what_ends_it(name: AlertName) -> None:
    """At least one command or field to look at, and when the alert is over."""
    section = SECTIONS[name]
    assert re.search(r"^- .*`", section, re.MULTILINE)
    assert re.search(r"\bIt ends (with|when)\b", section)


def test_thresholds_are_where_they_are_configured() -> None:
    """The table names the field of each, and its default."""
    defaults = Alerts.model_validate({})
    rows = {name: line for line in DOCS.splitlines() for name in AlertName if line.startswith(f"| [{name}]")}
    for name, field, default in (
        (AlertName.PERSISTENT_DISCREPANCIES, "persistentCycles", f"{defaults.persistent_cycles} cycles"),
        (AlertName.HIGH_SKIP_RATE, "skipRatePercent", f"{defaults.skip_rate_percent}%"),
        (AlertName.ESTABLISH_FAILURE_RATE, "establishSuccessPercent", f"{defaults.establish_success_percent}%"),
    ):
        assert f"`spec.alerts.{field}`" in rows[name]
        assert default in rows[name]


def test_how_alerts_are_pushed_is_told() -> None:
    """The interval, and what stands in an alert."""
    assert "every minute" in PUSHED
    assert Settings().alert_repeat_seconds == 60
    for word in ("ALERT_REPEAT_SECONDS", "summary", "description", "runbook", "AlertsTakenAgain", "status.alerts"):
        assert f"`{word}`" in PUSHED


def test_the_cores_table_is_the_rules() -> None:
    """What stands in the docstring is what is computed: names, in order, and severities."""
    rows = re.findall(r"^\| (Navixy\w+) +\| (\w+) +\|", alerts.__doc__ or "", re.MULTILINE)
    assert rows == [(name, severity) for name, severity, _ in alerts.RULES]
