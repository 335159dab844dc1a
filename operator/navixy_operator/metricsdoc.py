"""docs/metrics.md, generated from the registry's catalogue: ``python -m navixy_operator.metricsdoc [--check] FILE``."""

import argparse
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import Final

from navixy_operator.adapters.metrics import CATALOGUE, Described, Row, Sort
from navixy_operator.core.vocabulary import Metric

HEADER: Final = "<!-- Generated from operator/navixy_operator/adapters/metrics by `make docs`; do not edit. -->"
INTRODUCTION: Final = """
# Metrics

`GET /metrics` at the port of the probes (`HEALTH_PORT`, 8080), in Prometheus' text format, or as OpenMetrics where the
request accepts that. Names and units follow Prometheus: seconds, shares from 0 to 1, `_total` on counters.

- Metrics about one NavixySync have the labels `namespace` and `sync`. Let Prometheus keep them (`honor_labels: true`,
  in a ServiceMonitor `honorLabels: true`): else it renames the first to `exported_namespace`. No label holds a
  customer, a hash or a URL, so that the number of series does not grow with the customers.
- Only the replica that holds the lease shows series about a NavixySync; one that stands by shows `navixy_leader` 0. The
  series of a NavixySync that is gone go with it.
- Gauges are read from the resources at each scrape, and are right again after a restart as soon as the operator has
  read them. Counters and histograms begin anew with each process and are made for `rate` and `increase`; those of rare
  things begin at 0, so that the first one counts.
- A share of nothing is absent, neither 0 nor 1. Dry runs change nothing, and are not counted.
"""
OTHERS: Final = "\n## The operator's own\n"
RESULTS: Final = """
`result` is `succeeded` or, for requests to F1.1, `throttled` (429), `client_error` (other 4xx: a refused hash is one),
`server_error` (5xx), `timeout` or `unreachable`; for queries of the customer database it is else the reason that also
stands in the resources, such as `DatabaseUnavailable`.
"""


def render() -> str:
    """The whole page."""
    ten = [(metric, described, described.row) for metric, described in CATALOGUE.items() if described.row is not None]
    others = [(metric, described) for metric, described in CATALOGUE.items() if described.row is None]
    return "".join(
        (
            f"{HEADER}\n{INTRODUCTION}\n## The ten of the specification\n\n",
            _table(("Metric", "Name", "Type", "Labels", "Threshold", "Collected", "What it says"), _rows_of(ten)),
            OTHERS,
            "\n",
            _table(("Name", "Type", "Labels", "What it says"), (_cells(*each) for each in others)),
            RESULTS,
        )
    )


def _rows_of(ten: Iterable[tuple[Metric, Described, Row]]) -> Iterator[tuple[str, ...]]:
    for metric, described, row in ten:
        name, sort, labels, told = _cells(metric, described)
        yield row.name, name, sort, labels, row.threshold, row.at, told


def _cells(metric: Metric, described: Described) -> tuple[str, str, str, str]:
    told = described.help
    if described.buckets:
        told += f" (buckets: {', '.join(f'{bucket:g}' for bucket in described.buckets)} s)"
    sort = Sort.GAUGE if described.sort is Sort.INFO else described.sort
    return f"`{metric}`", sort, ", ".join(f"`{label}`" for label in described.labels), told


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    lines = [head, ["---"] * len(head), *rows]
    return "".join(f"| {' | '.join(cells)} |\n" for cells in lines)


def main(argv: Sequence[str] | None = None) -> int:
    """Write the page, or with ``--check`` compare it: 0 up to date, 1 stale (told on stderr)."""
    parser = argparse.ArgumentParser(prog="python -m navixy_operator.metricsdoc", description=__doc__)
    parser.add_argument("file", type=Path, help="where the page is")
    parser.add_argument("--check", action="store_true", help="write nothing; fail when the file is not up to date")
    options = parser.parse_args(argv)
    file: Path = options.file
    if not options.check:
        file.write_text(render(), encoding="utf-8")
        return 0
    if file.is_file() and file.read_text(encoding="utf-8") == render():
        return 0
    sys.stderr.write(f"{file} is not what the catalogue says: run `make docs`\n")
    return 1


if __name__ == "__main__":
    sys.exit(main())
