"""``python -m bench``: run it, print it."""

import asyncio
import sys
import tempfile
from collections.abc import Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from pathlib import Path

import click
import orjson
from rich.console import Console

from bench import between, lives, pins, profile
from bench.figures import Cycle, Latencies, Passes, Repair, Restart, Size, Takeover
from bench.measure import peak_megabytes
from bench.report import show
from bench.stage import Stage, stage
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.progress import Progress, progress_for

SIZES = (1_000, 10_000)
NEW_HASHES = 3
WARM_UP = 300  # customers written before anything is measured: a fresh API server is slow at first
WIDTH = 160  # columns of the table where the output is no terminal

Bare = tuple[dict[str, float], dict[str, float]]


@click.command()
@click.option("--customers", multiple=True, type=click.IntRange(200), default=SIZES, show_default=True, help="A size.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON instead of tables.")
@click.option(
    "--profile",
    "profiles",
    type=click.Path(file_okay=False, path_type=Path),
    help="Run the operator under cProfile, which slows it, and keep the profiles in this directory.",
)
def main(customers: tuple[int, ...], *, as_json: bool, profiles: Path | None) -> None:
    """Measure the operator, its cycles beside the bare limit of this machine's API server.

    For each size, with a fresh control plane: the bare limit (a minimal client that does the same creates and status
    writes), a first cycle, an unchanged one, one with 1% of changes, and the bare limit again; then drift passes
    without change, the repair of 1% lost connections, pins, restarts and takeovers. Budgets are shown as held or
    broken; the exit code is 0 unless something did not work.
    """
    progress = progress_for()
    sizes = asyncio.run(_measure_all(sorted(set(customers)), progress, profiles))
    if as_json:
        sys.stdout.write(orjson.dumps([size.as_json() for size in sizes], option=orjson.OPT_INDENT_2).decode() + "\n")
        return
    console = Console(width=None if sys.stdout.isatty() else WIDTH)
    show(sizes, console)
    if profiles is not None:
        profile.show(profiles)


async def _measure_all(customers: list[int], progress: Progress, profiles: Path | None) -> list[Size]:
    return [await _measure(count, progress, profiles) for count in customers]


async def _measure(count: int, progress: Progress, profiles: Path | None) -> Size:
    def command(role: str) -> tuple[str, ...]:
        return () if profiles is None else profile.command(profiles, f"{count}-{role}")

    with tempfile.TemporaryDirectory(prefix="navixy-bench-") as name:
        async with stage(Path(name), progress) as on:
            act = Act(on, count, progress)
            bare, idle, cycles = await act.cycles(command("cycles"))
            passes, repairs, pinned = await act.between(command("between"))
            started, taken_over = await act.lives()
    return Size(count, bare, idle, cycles, passes, repairs, pinned, started, taken_over)


@dataclass(frozen=True, slots=True)
class Act:
    """What is done on one stage, in this order."""

    on: Stage
    count: int
    progress: Progress

    async def cycles(self, command: Sequence[str]) -> tuple[Bare, float, dict[str, Cycle]]:
        """Three cycles, between two measurements of the bare limit; the operator's memory before the first."""
        on, count = self.on, self.count
        with self._phase("the bare limit"):
            await on.bare(WARM_UP, "warm-up")
            before = await on.bare(count, "bare-before")
        sample_data.fill(on.database_url, sample_data.eligible_customers(count))
        found = {}
        async with on.replica("cycles", level="INFO", command=command) as operator:
            idle = peak_megabytes(operator.process.pid)
            for name in ("first", "unchanged", "changed"):
                if name == "changed":
                    _change(on.database_url, count)
                with self._phase(f"the {name} cycle"):
                    found[name] = await on.cycle(operator, name)
        with self._phase("the bare limit again"):
            after = await on.bare(count, "bare-after")
        return (before, after), idle, found

    async def between(self, command: Sequence[str]) -> tuple[dict[str, Passes], list[Repair], dict[str, Latencies]]:
        """Drift passes without change, the repair of what is lost, and pins."""
        on = self.on
        async with on.replica("between", command=command) as operator:
            with self._phase("drift passes without change"):
                lines = await between.begin(on, operator)
                passes = {
                    "304": await between.unchanged(on, operator, lines, etags=True),
                    "whole list": await between.unchanged(on, operator, lines, etags=False),
                }
                await on.forwarding.settings(etags=True)
            with self._phase("repair of 1% lost connections"):
                repairs = [await between.repair(on, operator, lines, number) for number in range(between.REPAIRS)]
            with self._phase("pins"):
                pinned = await pins.latencies(on, self.count)
        return passes, repairs, pinned

    async def lives(self) -> tuple[list[Restart], dict[str, list[Takeover]]]:
        """Restarts of one operator, and takeovers between two."""
        async with self.on.replica("one") as one, self.on.replica("two") as two:
            await two.stop()
            with self._phase("restarts"):
                restarts = await lives.restarts(self.on, one)
            with self._phase("takeovers"):
                return restarts, await lives.takeovers(self.on, one, two)

    def _phase(self, what: str) -> AbstractContextManager[object]:
        return self.progress.phase(f"{self.count:,} customers: {what}")


def _change(url: str, count: int) -> None:
    """Change 1%: half are suspended, the rest are new, but for a few who get another hash."""
    half = count // 200
    refs = [str(one.customer_ref) for one in sample_data.eligible_customers(half + NEW_HASHES)]
    sample_data.suspend(url, *refs[:half])
    sample_data.fill(url, sample_data.eligible_customers(half - NEW_HASHES, first_id=count + 1))
    for number, ref in enumerate(refs[half:]):
        sample_data.set_hash(url, ref, sample_data.sample_hash(count + number))


if __name__ == "__main__":
    main()
