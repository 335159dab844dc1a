"""``python -m bench``: run it, print it."""

import asyncio
import sys
import tempfile
from pathlib import Path

import click
import orjson
from rich.console import Console

from bench import profile
from bench.measure import peak_megabytes
from bench.report import Size, show
from bench.stage import Stage, stage
from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.progress import Progress, progress_for

SIZES = (1_000, 10_000)
NEW_HASHES = 3
WARM_UP = 300  # customers written before anything is measured: a fresh API server is slow at first
WIDTH = 160  # columns of the table where the output is no terminal


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
    """Measure cycles of the operator beside the bare limit of this machine's API server.

    For each size, with a fresh control plane: the bare limit (a minimal client that does the same creates and status
    writes), a first cycle, an unchanged one, one with 1% of changes, and the bare limit again. Budgets are shown as
    held or broken; the exit code is 0 unless something did not work.
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
    with tempfile.TemporaryDirectory(prefix="navixy-bench-") as name:
        command = () if profiles is None else profile.command(profiles, count)
        async with stage(Path(name), progress, command=command) as on:
            return await _play(on, count, progress)


async def _play(on: Stage, count: int, progress: Progress) -> Size:
    with progress.phase(f"{count:,} customers: the bare limit"):
        await on.bare(WARM_UP, "warm-up")
        before = await on.bare(count, "bare-before")
    sample_data.fill(on.database_url, sample_data.eligible_customers(count))
    cycles = {}
    async with on.operator as operator:
        idle = peak_megabytes(operator.process.pid)
        for name in ("first", "unchanged", "changed"):
            if name == "changed":
                _change(on.database_url, count)
            with progress.phase(f"{count:,} customers: the {name} cycle"):
                cycles[name] = await on.cycle(name)
    with progress.phase(f"{count:,} customers: the bare limit again"):
        after = await on.bare(count, "bare-after")
    return Size(count, (before, after), idle, cycles)


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
