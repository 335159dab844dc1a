"""What Grafana draws: panels, as the JSON model of dashboards has them (schema 42, Grafana 10 and later)."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Final

Json = dict[str, Any]

DATASOURCE: Final = {"type": "prometheus", "uid": "${datasource}"}
WIDTH: Final = 24
"""Of a dashboard, in Grafana's columns."""


class Kind(StrEnum):
    """How a panel shows its series."""

    STAT = "stat"
    SERIES = "timeseries"
    TABLE = "table"
    TIMELINE = "state-timeline"


class Unit(StrEnum):
    """Units, by Grafana's names."""

    NUMBER = "short"
    SHARE = "percentunit"
    SECONDS = "s"
    FROM_NOW = "dateTimeFromNow"
    """Of a time in milliseconds since the epoch."""


class Drawn(StrEnum):
    """How series over time are drawn."""

    LINES = "lines"
    AREAS = "areas"
    """Of parts that sum up to a whole."""
    BARS = "bars"
    """Of what happened meanwhile."""


class Colour(StrEnum):
    """Colours, by Grafana's names."""

    GOOD = "green"
    ODD = "orange"
    BAD = "red"
    PLAIN = "blue"


@dataclass(frozen=True, slots=True)
class Bounds:
    """Colours by value: ``lowest``, and from each of ``steps`` on another one; ``drawn`` as lines, too."""

    lowest: Colour
    steps: tuple[tuple[float, Colour], ...] = ()
    drawn: bool = True

    def to_json(self) -> Json:
        """As ``thresholds``."""
        steps: list[Json] = [{"color": self.lowest.value, "value": None}]
        steps += [{"color": colour.value, "value": value} for value, colour in self.steps]
        return {"mode": "absolute", "steps": steps}


NEUTRAL: Final = Bounds(Colour.PLAIN, drawn=False)


@dataclass(frozen=True, slots=True)
class Query:
    """An expression of PromQL, and what its series are called (``{{label}}`` stands for the label's value)."""

    expression: str
    legend: str


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel. ``description`` is what a newcomer reads behind the (i); ``words`` are shown for values."""

    kind: Kind
    title: str
    description: str
    queries: Sequence[Query]
    unit: Unit = Unit.NUMBER
    bounds: Bounds = NEUTRAL
    words: Mapping[int, tuple[str, Colour]] = field(default_factory=dict)
    width: int = 8
    height: int = 7
    drawn: Drawn = Drawn.LINES
    top: float | None = None
    """The end of the axis where it is fixed."""
    columns: Mapping[str, str] = field(default_factory=dict)
    """Of a table: label, and the heading of its column; the others are hidden."""

    def to_json(self) -> Json:
        """As Grafana has it, but for its place and its number."""
        defaults: Json = {
            "unit": self.unit.value,
            "thresholds": self.bounds.to_json(),
            "color": {"mode": "palette-classic" if self.kind is Kind.SERIES else "thresholds"},
            "mappings": self._mappings(),
            "noValue": "none",
            "custom": self._custom(),
        }
        if self.top is not None:
            defaults |= {"min": 0, "max": self.top}
        shown: Json = {
            "type": self.kind.value,
            "title": self.title,
            "description": self.description,
            "datasource": DATASOURCE,
            "fieldConfig": {"defaults": defaults, "overrides": []},
            "options": self._options(),
            "targets": [self._target(number, query) for number, query in enumerate(self.queries)],
        }
        return {**shown, "transformations": self._transformations()} if self.columns else shown

    def _target(self, number: int, query: Query) -> Json:
        at_once = self.kind in {Kind.STAT, Kind.TABLE}
        return {
            "refId": chr(ord("A") + number),
            "datasource": DATASOURCE,
            "editorMode": "code",
            "expr": query.expression,
            "legendFormat": query.legend,
            "format": "table" if self.kind is Kind.TABLE else "time_series",
            "instant": at_once,
            "range": not at_once,
        }

    def _mappings(self) -> list[Json]:
        options = {
            str(value): {"text": text, "color": colour.value, "index": index}
            for index, (value, (text, colour)) in enumerate(self.words.items())
        }
        return [{"type": "value", "options": options}] if options else []

    def _custom(self) -> Json:
        match self.kind:
            case Kind.SERIES:
                stacked = self.drawn is not Drawn.LINES
                return {
                    "drawStyle": "bars" if self.drawn is Drawn.BARS else "line",
                    "lineInterpolation": "stepAfter",
                    "lineWidth": 1 if stacked else 2,
                    "fillOpacity": 60 if stacked else 8,
                    # a cycle a day leaves points that no line joins
                    "showPoints": "never" if self.drawn is Drawn.BARS else "auto",
                    "spanNulls": False,
                    "stacking": {"mode": "normal" if stacked else "none", "group": "A"},
                    "thresholdsStyle": {"mode": "dashed" if self.bounds.drawn else "off"},
                    "axisSoftMin": 0,
                }
            case Kind.TIMELINE:
                return {"fillOpacity": 80, "lineWidth": 0}
            case Kind.TABLE:
                return {"align": "auto", "cellOptions": {"type": "auto"}}
            case Kind.STAT:
                return {}

    def _options(self) -> Json:
        tooltip = {"mode": "multi", "sort": "desc"}
        match self.kind:
            case Kind.SERIES:
                legend = {"showLegend": True, "displayMode": "list", "placement": "bottom", "calcs": []}
                return {"legend": legend, "tooltip": tooltip}
            case Kind.TIMELINE:
                legend = {"showLegend": False, "displayMode": "list", "placement": "bottom"}
                return {
                    "legend": legend,
                    "tooltip": tooltip,
                    "mergeValues": True,
                    "showValue": "auto",
                    "rowHeight": 0.8,
                }
            case Kind.TABLE:
                return {"showHeader": True, "cellHeight": "sm"}
            case Kind.STAT:
                return {
                    "colorMode": "background",
                    "graphMode": "none",
                    "justifyMode": "auto",
                    "orientation": "auto",
                    "textMode": "value_and_name" if len(self.queries) > 1 else "auto",
                    "reduceOptions": {"calcs": ["lastNotNull"], "fields": "", "values": False},
                }

    def _transformations(self) -> list[Json]:
        """The columns of a table, in their order, by the headings that people read."""
        keep = {"id": "filterFieldsByName", "options": {"include": {"names": list(self.columns)}}}
        rename = {
            "id": "organize",
            "options": {
                "indexByName": {name: index for index, name in enumerate(self.columns)},
                "renameByName": dict(self.columns),
            },
        }
        return [keep, rename]
