"""The figures of a run as tables, with verdicts on the budgets."""

from collections.abc import Iterator, Mapping, Sequence
from typing import Final

from rich.console import Console
from rich.table import Table

from bench.figures import Cycle, Passes, Size
from bench.verdicts import verdicts

OF_CYCLES: Final = ("wall s", "reported s", "times bare", "ms each", "API reads", "writes", "on customers", "F1.1")
OF_AUDIT: Final = ("entries", "batches", "stored in s", "made in s", "of the cycle")
OF_CPU: Final = ("operator CPU s", "API server CPU s", "F1.1 CPU s", "peak MB")
OF_PASSES: Final = (
    "pass s",
    "slowest s",
    "waited s",
    "connected s",
    "decided on",
    "API reads",
    "writes",
    "F1.1",
    "CPU s",
)
OF_PINS: Final = ("p50 s", "p90 s", "p99 s", "the command's own s")
OF_STARTS: Final = ("ready s", "leads s", "first pass ended s", "that pass s", "pages listed", "CPU s", "MB", "peak MB")

Row = tuple[str, ...]


def show(sizes: Sequence[Size], console: Console) -> None:
    """Print tables and verdicts."""
    for size in sizes:
        title = f"{size.customers:,} customers"
        console.print(_table(title, OF_CYCLES + OF_CPU, _cycles(size)))
        console.print(_table(f"{title}, audit trail (SQLite)", OF_AUDIT, _audited(size)))
        console.print(_table(f"{title}, drift passes", OF_PASSES, _passes(size)))
        console.print(_table(f"{title}, pins", OF_PINS, _pins(size)))
        console.print(_table(f"{title}, starts and takeovers", OF_STARTS, _starts(size)))
    for verdict in verdicts(sizes):
        word = "[green]holds[/]" if verdict.held else "[bold red]BROKEN[/]"
        console.print(f"{word}  {verdict.budget}: {verdict.measured}", highlight=False)


def _table(title: str, headings: Sequence[str], rows: Iterator[Row]) -> Table:
    table = Table(title=title, title_justify="left")
    table.add_column("")
    for heading in headings:
        table.add_column(heading, justify="right")
    for row in rows:
        table.add_row(*row)
    return table


def _cycles(size: Size) -> Iterator[Row]:
    for name, one in zip(("bare limit before", "bare limit after"), size.bare, strict=True):
        wall = one["create"] + one["status"]
        client, server = f"{one['cpu']:.1f} (client)", f"{one['apiserver_cpu']:.1f}"
        each, writes = f"{wall / size.customers * 1000:.2f}", f"{2 * size.customers}"
        yield (name, f"{wall:.2f}", "", f"{wall / size.limit:.2f}", each, "0", writes, writes, "0", client, server)
    for name, cycle in size.cycles.items():
        yield (name, *_cells(size, cycle))


def _audited(size: Size) -> Iterator[Row]:
    for name, cycle in size.cycles.items():
        spent = cycle.audited
        share = f"{spent.seconds / cycle.wall:.1%}"
        yield (name, f"{spent.entries}", f"{spent.batches}", f"{spent.storing:.2f}", f"{spent.making:.2f}", share)


def _cells(size: Size, cycle: Cycle) -> Row:
    spent = cycle.requests
    return (
        f"{cycle.wall:.2f}",
        f"{cycle.reported:.2f}",
        f"{cycle.wall / size.limit:.2f}",
        f"{cycle.wall / size.customers * 1000:.2f}",
        f"{spent.reads}",
        f"{spent.writes}",
        f"{spent.customer_writes}",
        f"{sum(spent.forwarding.values())}",
        f"{cycle.operator_cpu:.1f}",
        f"{cycle.apiserver_cpu:.1f}",
        f"{cycle.forwarding_cpu:.1f}",
        f"{cycle.peak_megabytes:.0f}",
    )


def _passes(size: Size) -> Iterator[Row]:
    """Passes without change: the median, and requests and CPU of one with the pause before it; each repair."""
    for name, passes in size.passes.items():
        yield (f"unchanged, {name}", *_pass_cells(passes))
    for one in size.repairs:
        spent = one.requests
        yield (
            f"repair of {one.lost}",
            f"{one.whole:.2f}",
            "",
            f"{one.waited:.2f}",
            f"{one.connected:.2f}",
            f"{one.decided}",
            f"{spent.reads}",
            f"{spent.writes}",
            _by_status(spent.answers),
            f"{one.operator_cpu:.2f}",
        )


def _pass_cells(passes: Passes) -> Row:
    count, spent = len(passes.seconds), passes.requests
    return (
        f"{passes.median:.3f}",
        f"{max(passes.seconds):.3f}",
        "",
        "",
        f"{passes.decided}",
        f"{spent.reads / count:.1f}",
        f"{spent.writes / count:g}",
        _by_status({status: number // count for status, number in spent.answers.items()}),
        f"{passes.operator_cpu / count:.2f}",
    )


def _by_status(answers: Mapping[str, int]) -> str:
    return ", ".join(f"{number} x {status}" for status, number in sorted(answers.items()))


def _pins(size: Size) -> Iterator[Row]:
    for name, found in size.pins.items():
        yield (name, *(f"{found.rank(share):.2f}" for share in (0.5, 0.9, 0.99)), f"{found.own:.2f}")


def _starts(size: Size) -> Iterator[Row]:
    for one in size.restarts:
        yield (
            "restart",
            f"{one.ready:.2f}",
            "",
            f"{one.first_pass:.2f}",
            f"{one.pass_seconds:.2f}",
            f"{one.requests.customer_lists}",
            f"{one.operator_cpu:.1f}",
            f"{one.resident_megabytes:.0f}",
            f"{one.peak_megabytes:.0f}",
        )
    for how, found in size.takeovers.items():
        for each in found:
            yield (f"takeover after {how}", "", f"{each.leads:.2f}", f"{each.first_pass:.2f}")
