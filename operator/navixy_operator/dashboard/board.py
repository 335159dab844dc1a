"""The whole dashboard: rows, and what one chooses above them."""

import json
from collections.abc import Iterator
from typing import Any, Final

from navixy_operator.core.vocabulary import Metric
from navixy_operator.dashboard.cycles import FOUND_AND_DONE, KEY_METRICS, STEPS
from navixy_operator.dashboard.layout import Row, place
from navixy_operator.dashboard.overview import OVERVIEW
from navixy_operator.dashboard.panels import DATASOURCE, Json
from navixy_operator.dashboard.resources import CONDITIONS, CONNECTIONS, CUSTOMERS
from navixy_operator.dashboard.systems import AUDIT, PROCESSES, SYSTEMS, TROUBLE

SCHEMA: Final = 42
"""Of Grafana's JSON model; a newer Grafana brings it up to date by itself, an older one reads it."""
ROWS: Final[tuple[Row, ...]] = (
    OVERVIEW,
    KEY_METRICS,
    FOUND_AND_DONE,
    CONNECTIONS,
    CUSTOMERS,
    CONDITIONS,
    TROUBLE,
    STEPS,
    SYSTEMS,
    AUDIT,
    PROCESSES,
)


def build() -> Json:
    """The dashboard as Grafana's JSON model."""
    return {
        "uid": "navixy-operator",
        "title": "Navixy customer operator",
        "description": "Customers of the database against the Navixy connections of F1.1: what should be connected, "
        "what is, and what the operator did about it.",
        "tags": ["navixy", "data-forwarding"],
        "schemaVersion": SCHEMA,
        "editable": True,
        "graphTooltip": 1,
        "timezone": "browser",
        "time": {"from": "now-7d", "to": "now"},
        "timepicker": {},
        "refresh": "1m",
        "fiscalYearStartMonth": 0,
        "weekStart": "",
        "links": [],
        "annotations": {"list": []},
        "templating": {"list": [_datasource(), *_choices()]},
        "panels": place(ROWS),
    }


def expressions() -> Iterator[str]:
    """Every expression of PromQL in it, as it stands there."""
    for row in ROWS:
        for panel in row.panels:
            for query in panel.queries:
                yield query.expression


def render() -> str:
    """The content of the file, the same for the same rows."""
    return json.dumps(build(), indent=1, ensure_ascii=False) + "\n"


def _datasource() -> Json:
    return {
        "name": "datasource",
        "label": "Prometheus",
        "type": "datasource",
        "query": DATASOURCE["type"],
        "current": {},
        "options": [],
        "refresh": 1,
        "regex": "",
        "hide": 0,
        "includeAll": False,
        "multi": False,
    }


def _choices() -> Iterator[dict[str, Any]]:
    """Namespace and name of NavixySyncs: all, one or some."""
    narrowed = f'{Metric.CONDITION}{{namespace=~"$namespace"}}'
    yield _choice("namespace", "Namespace", f"label_values({Metric.CONDITION}, namespace)")
    yield _choice("sync", "NavixySync", f"label_values({narrowed}, sync)")


def _choice(name: str, label: str, query: str) -> Json:
    return {
        "name": name,
        "label": label,
        "type": "query",
        "datasource": DATASOURCE,
        "definition": query,
        "query": {"query": query, "refId": f"Variable-{name}"},
        "current": {"selected": True, "text": ["All"], "value": ["$__all"]},
        "includeAll": True,
        "allValue": ".*",
        "multi": True,
        "options": [],
        "refresh": 2,
        "regex": "",
        "sort": 1,
        "hide": 0,
    }
