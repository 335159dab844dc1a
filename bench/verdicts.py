"""The budgets, and what was measured of them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from bench.figures import Size

RATIO_LIMIT: Final = 2.5
RATIO_AIM: Final = 1.5
UNCHANGED_SECONDS: Final = 5.0
UNCHANGED_WRITES: Final = 8  # two of the SyncCycle, up to four of the NavixySync, one Event, one in reserve
AUDIT_SHARE: Final = 0.1
MEGABYTES: Final = 300.0
PASS_SECONDS: Final = 1.5
PIN_SECONDS: Final = 2.0
TAKEOVER_SECONDS: Final = 20.0
WALL_NOISE: Final = 0.25  # the bare limit itself differs by as much from minute to minute on a shared machine
CPU_NOISE: Final = 0.1
JUDGED_FROM: Final = 10_000  # customers: the budgets are stated for this size


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
            yield from _of_cycles(size)
            yield from _of_passes(size)
            yield from _of_persons(size)
    if sizes[0].customers < sizes[-1].customers:
        yield from _of_growth(sizes[0], sizes[-1])


def _of_cycles(size: Size) -> Iterator[Verdict]:
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
    audited = size.cycles["first"].audited.seconds / size.cycles["first"].wall
    yield Verdict(
        f"{at}: audit trail of the first cycle under {AUDIT_SHARE:.0%} of it", f"{audited:.1%}", audited < AUDIT_SHARE
    )
    yield Verdict(f"{at}: peak memory under {MEGABYTES:g} MB", f"{size.peak:.0f} MB", size.peak < MEGABYTES)


def _of_passes(size: Size) -> Iterator[Verdict]:
    for name, passes in size.passes.items():
        writes = passes.requests.writes
        yield Verdict(
            f"at {size.customers:,}: unchanged drift pass ({name}) under {PASS_SECONDS:g} s without a write",
            f"{passes.median:.3f} s, at most {max(passes.seconds):.3f}; {writes} writes",
            passes.median < PASS_SECONDS and writes == 0,
        )


def _of_persons(size: Size) -> Iterator[Verdict]:
    at = f"at {size.customers:,}"
    for name, latencies in size.pins.items():
        slowest = latencies.rank(0.99)
        yield Verdict(
            f"{at}: {name} under {PIN_SECONDS:g} s (p99)",
            f"{slowest:.2f} s, p50 {latencies.rank(0.5):.2f}",
            slowest < PIN_SECONDS,
        )
    for how, found in size.takeovers.items():
        leads, passed = max(one.leads for one in found), max(one.first_pass for one in found)
        yield Verdict(
            f"{at}: takeover after {how} under {TAKEOVER_SECONDS:g} s, first drift pass included",
            f"{leads:.1f} s to the lease, {passed:.1f} s to the end of the pass",
            passed < TAKEOVER_SECONDS,
        )


def _of_growth(small: Size, large: Size) -> Iterator[Verdict]:
    """Growth for each customer: of the time, which other load on the machine disturbs, and of the operator's CPU."""
    span = f"from {small.customers:,} to {large.customers:,}"
    for what, field, noise in (("time", "wall", WALL_NOISE), ("operator's CPU", "operator_cpu", CPU_NOISE)):
        before, after = (getattr(each.cycles["first"], field) / each.customers * 1000 for each in (small, large))
        budget = f"first cycle, {what} {span} no worse than linear (within {noise:.0%})"
        yield Verdict(budget, f"{before:.2f} ms to {after:.2f} ms for each customer", after <= (1 + noise) * before)
