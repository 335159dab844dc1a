"""Entries of the audit trail as lines of a table, as JSON lines and as CSV."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, Protocol

import click
from rich.cells import cell_len

from navixy_operator.cli.auditwords import details_of, what
from navixy_operator.cli.common import plain
from navixy_operator.core.audit import Entry
from navixy_operator.core.conditions import timestamp

FORMS: Final = ("text", "json", "csv")
COLUMNS: Final = ("TIME", "CYCLE", "EVENT", "CUSTOMER", "DISCREPANCY", "ORIGIN", "STATUS", "WHAT")
CSV_COLUMNS: Final = (
    *("timestamp", "event", "cycle", "namespace", "sync", "run", "run_kind", "seq"),
    *("customer", "discrepancy", "origin", "status", "details"),
)
_FORMULA: Final = (*"=+-@\t\r\n", *"\uff1d\uff0b\uff0d\uff20", "'")
"""How a cell begins that a spreadsheet takes for a formula, also in full width; and the mark that is put before it."""


class Writer(Protocol):
    """One form of the answer, page by page."""

    def write(self, entries: Iterable[Entry]) -> None:
        """Put entries on standard output."""


def writer(form: str) -> Writer:
    """The writer of a form."""
    forms: Mapping[str, Callable[[], Writer]] = {"json": JsonLines, "csv": Csv}
    return forms.get(form, Table)()


def document(entry: Entry) -> dict[str, Any]:
    """An entry with the names that the structured log has for it; what does not apply is left out, as there."""
    found: dict[str, Any] = dict(zip(CSV_COLUMNS, _fields(entry), strict=False))
    found = {key: value for key, value in found.items() if value is not None}
    for key, value in details_of(entry).items():
        found[f"details.{key}" if key in found else key] = value
    return found


class Table:
    """A line for each entry under a head of capitals. Later pages keep the columns of the first; none is cut.

    ``columns``: the head's; none of them: no head. ``indent``: what stands before each line.
    """

    def __init__(self, columns: Sequence[str] = COLUMNS, indent: str = "") -> None:
        self._columns = columns
        self._indent = indent
        self._widths: list[int] = []

    def write(self, entries: Iterable[Entry]) -> None:
        """Print the lines, the head before the first."""
        self.print([row(entry) for entry in entries])

    def print(self, rows: Sequence[Sequence[str]]) -> None:
        """Print rows of cells."""
        if not rows:
            return
        if not self._widths:
            rows = [self._columns, *rows] if self._columns else rows
            self._widths = [max(map(cell_len, cells)) for cells in zip(*rows, strict=True)]
        for cells in rows:
            padded = (cell + " " * (width - cell_len(cell)) for cell, width in zip(cells, self._widths, strict=True))
            click.echo(f"{self._indent}{'  '.join(padded)}".rstrip())


class JsonLines:
    """One JSON object on each line."""

    def write(self, entries: Iterable[Entry]) -> None:
        """Print the objects."""
        for entry in entries:
            text = json.dumps(document(entry), ensure_ascii=False, separators=(",", ":"))
            click.echo(text.encode("utf-8", "backslashreplace"))  # what is no UTF-8 becomes an escape of JSON


class Csv:
    """RFC 4180 with a head; no cell is a formula to a spreadsheet."""

    def __init__(self) -> None:
        self._begun = False

    def write(self, entries: Iterable[Entry]) -> None:
        """Print the records, the head before the first."""
        text = io.StringIO(newline="")
        records = csv.writer(text)
        if not self._begun:
            records.writerow(CSV_COLUMNS)
            self._begun = True
        for entry in entries:
            records.writerow([_cell(value) for value in (*_fields(entry), entry.details)])
        click.echo(text.getvalue().encode("utf-8", "backslashreplace"), nl=False)


def row(entry: Entry) -> tuple[str, ...]:
    """The cells of one line."""
    told = (entry.run.name, entry.event, entry.customer, entry.discrepancy, entry.origin, entry.status)
    return (timestamp(entry.at), *(plain(cell) if cell else "-" for cell in told), what(entry))


def exact(moment: datetime) -> str:
    """RFC 3339 in UTC with microseconds, as the trail has it."""
    return f"{moment.isoformat(timespec='microseconds')[:26]}Z"


def _fields(entry: Entry) -> tuple[str | int | None, ...]:
    run = entry.run
    return (
        *(exact(entry.at), entry.event, run.name, run.namespace, run.sync, run.id, run.kind.value, entry.seq),
        *(entry.customer, entry.discrepancy, entry.origin, entry.status),
    )


def _cell(value: str | int | None) -> str:
    """A cell that is text and nothing else: what would begin a formula has a ``'`` before it."""
    text = "" if value is None else str(value)
    return f"'{text}" if text.startswith(_FORMULA) else text
