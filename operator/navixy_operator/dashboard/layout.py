"""Where panels stand: rows from top to bottom, panels from left to right, 24 columns wide."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from navixy_operator.dashboard.panels import WIDTH, Json, Panel


@dataclass(frozen=True, slots=True)
class Row:
    """Panels under a heading. ``folded``: it is opened with a click."""

    title: str
    panels: Sequence[Panel]
    folded: bool = False


def place(rows: Sequence[Row]) -> list[Json]:
    """All panels, with places and numbers; those of a folded row inside its heading, as Grafana wants it."""
    placed: list[Json] = []
    top, number = 0, 0
    for row in rows:
        number += 1
        heading: Json = {
            "id": number,
            "type": "row",
            "title": row.title,
            "collapsed": row.folded,
            "gridPos": {"x": 0, "y": top, "w": WIDTH, "h": 1},
            "panels": [],
        }
        shown = [{"id": number + index, **panel} for index, panel in enumerate(_stacked(row.panels, top + 1), 1)]
        number += len(shown)
        if row.folded:
            placed.append({**heading, "panels": shown})
            top += 1
        else:
            placed += [heading, *shown]
            top = max(panel["gridPos"]["y"] + panel["gridPos"]["h"] for panel in shown)
    return placed


def _stacked(panels: Sequence[Panel], top: int) -> Iterator[Json]:
    """Side by side as long as they fit, then below the highest of these."""
    left, height = 0, 0
    for panel in panels:
        if left + panel.width > WIDTH:
            left, top, height = 0, top + height, 0
        place_of_it = {"x": left, "y": top, "w": panel.width, "h": panel.height}
        yield {**panel.to_json(), "gridPos": place_of_it}
        left, height = left + panel.width, max(height, panel.height)
