"""What processes and requests cost, from /proc and from the servers' own counters."""

import asyncio
import os
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from navixy_operator.core.vocabulary import CUSTOMERS, GROUP
from navixy_operator.sandbox.control_plane import ControlPlane
from navixy_operator.sandbox.f11.launch import Simulator
from navixy_operator.sandbox.request_counts import Request

TICKS: Final = os.sysconf("SC_CLK_TCK")
CPU_FIELDS: Final = slice(11, 13)  # utime and stime, counted from the process's state
START_FIELD: Final = 19  # starttime, in ticks since the machine started
QUIET_SECONDS: Final = 0.5  # as long as no request came in, nothing more is under way
WATCH: Final = "WATCH"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, its own and the kernel's for it."""
    return sum(map(int, _stat(pid)[CPU_FIELDS])) / TICKS


def started_at(pid: int) -> float:
    """When a process began, in seconds since the epoch, to the hundredth."""
    since_boot = int(_stat(pid)[START_FIELD]) / TICKS
    return time.time() - (time.clock_gettime(time.CLOCK_BOOTTIME) - since_boot)


def resident_megabytes(pid: int) -> float:
    """The memory that a process has resident, in 10^6 bytes."""
    return _status(pid, "VmRSS")


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has ever had resident, in 10^6 bytes."""
    return _status(pid, "VmHWM")


def _stat(pid: int) -> list[str]:
    return Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()


def _status(pid: int, name: str) -> float:
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith(name + ":"):
            return int(line.split()[1]) * 1024 / 1e6
    message = f"/proc/{pid}/status names no {name}"
    raise RuntimeError(message)


@dataclass(frozen=True, slots=True)
class Requests:
    """What the operator asked of the API server and of F1.1. ``answers``: F1.1's, by status."""

    reads: int
    customer_lists: int
    customer_writes: int
    other_writes: int
    forwarding: Mapping[str, int]
    answers: Mapping[str, int]

    @property
    def writes(self) -> int:
        """All writes to the API server."""
        return self.customer_writes + self.other_writes


def of_operator(counts: Counter[Request]) -> Counter[Request]:
    """Only what the operator asks for: this group, and the Events and Secrets that it touches."""
    ours = {("", "events"), ("", "secrets")}
    return Counter(
        {
            request: count
            for request, count in counts.items()
            if (request.group == GROUP or (request.group, request.resource) in ours) and request.verb != WATCH
        }
    )


def requests_of(spent: Counter[Request], forwarding: Mapping[str, Mapping[str, int]], *, own: int = 0) -> Requests:
    """Sort the requests; ``own``: writes that are the bench's, to what is no customer."""
    writes = {request: count for request, count in spent.items() if request.is_write}
    customers = sum(count for request, count in writes.items() if request.resource == CUSTOMERS)
    answers: Counter[str] = Counter()
    for outcomes in forwarding.values():
        answers.update(outcomes)
    return Requests(
        reads=spent.total() - sum(writes.values()),
        customer_lists=sum(
            n for request, n in spent.items() if (request.verb, request.resource) == ("LIST", CUSTOMERS)
        ),
        customer_writes=customers,
        other_writes=sum(writes.values()) - customers - own,
        forwarding={name: sum(outcomes.values()) for name, outcomes in forwarding.items()},
        answers=dict(answers),
    )


class Meter:
    """Requests between two moments at which none is under way. Leases and what is nobody's here are left out."""

    def __init__(self, plane: ControlPlane, forwarding: Simulator) -> None:
        self._plane = plane
        self._forwarding = forwarding
        self._before: Counter[Request] = Counter()

    async def start(self) -> None:
        """Begin to count once it is quiet."""
        self._before = await self._quiet()
        await self._forwarding.requests(reset=True)

    async def stop(self, *, own: int = 0) -> Requests:
        """What came in since, once it is quiet; ``own`` as in :func:`requests_of`."""
        after = await self._quiet()
        after.subtract(self._before)
        return requests_of(after, await self._forwarding.requests(), own=own)

    async def _quiet(self) -> Counter[Request]:
        last = None
        while (now := of_operator(await self._plane.request_counts())) != last:
            last = now
            await asyncio.sleep(QUIET_SECONDS)
        return now
