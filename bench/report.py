"""The figures of a run as a table, as verdicts on the budgets, and as JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final

from rich.console import Console
from rich.table import Table

from bench.stage import Cycle

RATIO_LIMIT: Final = 2.5
RATIO_AIM: Final = 1.5
UNCHANGED_SECONDS: Final = 5.0
UNCHANGED_WRITES: Final = 8  # two of the SyncCycle, up to four of the NavixySync, one Event, one in reserve
MEGABYTES: Final = 300.0
WALL_NOISE: Final = 0.25  # the bare limit itself differs by as much from minute to minute on a shared machine
CPU_NOISE: Final = 0.1
JUDGED_FROM: Final = 10_000  # customers: the budgets are stated for this size


@dataclass(frozen=True, slots=True)
class Size:
    """All that was measured for one number of customers. ``bare`` before the cycles and after them, seconds."""

    customers: int
    bare: tuple[dict[str, float], dict[str, float]]
    idle_megabytes: float
    cycles: dict[str, Cycle]

    @property
    def limit(self) -> float:
        """The bare limit in seconds: the mean of both measurements, as other load on the machine comes and goes."""
        return sum(one["create"] + one["status"] for one in self.bare) / len(self.bare)

    @property
    def peak(self) -> float:
        """The operator's peak memory in 10^6 bytes."""
        return max(cycle.peak_megabytes for cycle in self.cycles.values())

    def ratio(self, name: str) -> float:
        """How many times the bare limit a cycle took."""
        return self.cycles[name].wall / self.limit

    def as_json(self) -> dict[str, Any]:
        """Everything, with what was computed of it."""
        ratios = {name: self.ratio(name) for name in self.cycles}
        return {**asdict(self), "limit": self.limit, "ratios": ratios, "peak_megabytes": self.peak}


@dataclass(frozen=True, slots=True)
class Verdict:
    """One budget and what was measured."""

    budget: str
    measured: str
    held: bool


def verdicts(sizes: Sequence[Size]) -> Iterator[Verdict]:
    """The budgets, for the sizes they are stated for, and growth where there are two sizes."""
    for size in sizes:
        if size.customers >= JUDGED_FROM:
            yield from _of_size(size)
    if sizes[0].customers < sizes[-1].customers:
        yield from _of_growth(sizes[0], sizes[-1])


def _of_growth(small: Size, large: Size) -> Iterator[Verdict]:
    """Growth for each customer: of the time, which other load on the machine disturbs, and of the operator's CPU."""
    span = f"from {small.customers:,} to {large.customers:,}"
    for what, field, noise in (("time", "wall", WALL_NOISE), ("operator's CPU", "operator_cpu", CPU_NOISE)):
        before, after = (getattr(each.cycles["first"], field) / each.customers * 1000 for each in (small, large))
        budget = f"first cycle, {what} {span} no worse than linear (within {noise:.0%})"
        yield Verdict(budget, f"{before:.2f} ms to {after:.2f} ms for each customer", after <= (1 + noise) * before)


def _of_size(size: Size) -> Iterator[Verdict]:
    at, ratio, unchanged = f"at {size.customers:,}", size.ratio("first"), size.cycles["unchanged"]
    aim = f"aim {RATIO_AIM} {'reached' if ratio <= RATIO_AIM else 'not reached'}"
    yield Verdict(
        f"{at}: first cycle at most {RATIO_LIMIT} times the bare limit", f"{ratio:.2f}; {aim}", ratio <= RATIO_LIMIT
    )
    yield Verdict(
        f"{at}: unchanged cycle under {UNCHANGED_SECONDS:g} s",
        f"{unchanged.wall:.2f} s",
        unchanged.wall < UNCHANGED_SECONDS,
    )
    spent = unchanged.requests
    yield Verdict(
        f"{at}: unchanged cycle writes no customer",
        f"{spent.customer_writes} to customers, {spent.other_writes} to the SyncCycle, the NavixySync and Events",
        spent.customer_writes == 0 and spent.other_writes <= UNCHANGED_WRITES,
    )
    yield Verdict(f"{at}: peak memory under {MEGABYTES:g} MB", f"{size.peak:.0f} MB", size.peak < MEGABYTES)


def show(sizes: Sequence[Size], console: Console) -> None:
    """Print tables and verdicts."""
    for size in sizes:
        console.print(_table(size))
    for verdict in verdicts(sizes):
        word = "[green]holds[/]" if verdict.held else "[bold red]BROKEN[/]"
        console.print(f"{word}  {verdict.budget}: {verdict.measured}", highlight=False)


def _table(size: Size) -> Table:
    table = Table(title=f"{size.customers:,} customers", title_justify="left")
    table.add_column("")
    headings = ("wall s", "reported s", "times bare", "ms each", "API reads", "writes", "on customers", "F1.1")
    cpu = ("operator CPU s", "API server CPU s", "F1.1 CPU s", "peak MB")
    for heading in headings + cpu:
        table.add_column(heading, justify="right")
    for name, one in zip(("bare limit before", "bare limit after"), size.bare, strict=True):
        wall = one["create"] + one["status"]
        client, server = f"{one['cpu']:.1f} (client)", f"{one['apiserver_cpu']:.1f}"
        each = f"{wall / size.customers * 1000:.2f}"
        writes = f"{2 * size.customers}"
        table.add_row(
            name, f"{wall:.2f}", "", f"{wall / size.limit:.2f}", each, "0", writes, writes, "0", client, server
        )
    for name, cycle in size.cycles.items():
        table.add_row(name, *_cells(size, cycle))
    return table


def _cells(size: Size, cycle: Cycle) -> tuple[str, ...]:
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
