"""What processes and requests cost, from /proc and from the servers' own counters."""

import os
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from navixy_operator.core.vocabulary import CUSTOMERS, GROUP
from navixy_operator.sandbox.request_counts import Request

TICKS: Final = os.sysconf("SC_CLK_TCK")
CPU_FIELDS: Final = slice(11, 13)  # utime and stime, counted from the process's state
WATCH: Final = "WATCH"


def cpu_seconds(pid: int) -> float:
    """CPU time of a process so far, its own and the kernel's for it."""
    fields = Path(f"/proc/{pid}/stat").read_text("utf-8").rpartition(")")[2].split()
    return sum(map(int, fields[CPU_FIELDS])) / TICKS


def peak_megabytes(pid: int) -> float:
    """The most memory that a process has ever had resident, in 10^6 bytes."""
    for line in Path(f"/proc/{pid}/status").read_text("utf-8").splitlines():
        if line.startswith("VmHWM:"):
            return int(line.split()[1]) * 1024 / 1e6
    message = f"/proc/{pid}/status names no VmHWM"
    raise RuntimeError(message)


@dataclass(frozen=True, slots=True)
class Requests:
    """What the operator asked of the API server and of F1.1 during a cycle."""

    reads: int
    customer_writes: int
    other_writes: int
    forwarding: Mapping[str, int]

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


def requests_of(spent: Counter[Request], forwarding: Mapping[str, Mapping[str, int]]) -> Requests:
    """Sort the requests; one creation of a SyncCycle is the bench's own."""
    writes = {request: count for request, count in spent.items() if request.is_write}
    customers = sum(count for request, count in writes.items() if request.resource == CUSTOMERS)
    return Requests(
        reads=spent.total() - sum(writes.values()),
        customer_writes=customers,
        other_writes=sum(writes.values()) - customers - 1,
        forwarding={name: sum(outcomes.values()) for name, outcomes in forwarding.items()},
    )
