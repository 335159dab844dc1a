"""What is measured, as numbers: seconds of wall time unless a name says otherwise."""

import math
import statistics
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any

from bench.audited import Audited
from bench.measure import Requests


@dataclass(frozen=True, slots=True)
class Cycle:
    """One cycle: seconds from its creation to its end, and what it took."""

    wall: float
    reported: float
    requests: Requests
    operator_cpu: float
    apiserver_cpu: float
    forwarding_cpu: float
    peak_megabytes: float
    counts: dict[str, int]
    audited: Audited


@dataclass(frozen=True, slots=True)
class Passes:
    """Drift passes that found nothing changed: the seconds of each, and what all of them and the time between took.

    ``decided``: customers that were decided on one by one.
    """

    seconds: tuple[float, ...]
    decided: int
    requests: Requests
    operator_cpu: float

    @property
    def median(self) -> float:
        """The pass in the middle."""
        return statistics.median(self.seconds)


@dataclass(frozen=True, slots=True)
class Repair:
    """Connections that F1.1 lost, and the drift pass that brought them back.

    ``waited``: from the last loss to the beginning of the pass. ``connected``: from there to the last connection;
    ``whole``: to the end of the pass, with all statuses written.
    """

    lost: int
    decided: int
    waited: float
    connected: float
    whole: float
    requests: Requests
    operator_cpu: float


@dataclass(frozen=True, slots=True)
class Latencies:
    """From a person's word to its effect in F1.1; ``own``: what of it the command itself took, in the median."""

    seconds: tuple[float, ...]
    own: float

    def rank(self, share: float) -> float:
        """The nearest rank: with 50, the 99th percentile is the slowest."""
        return nearest_rank(self.seconds, share)


@dataclass(frozen=True, slots=True)
class Restart:
    """A start, from the process's first moment, until it says that it is ready and its first drift pass has ended."""

    ready: float
    first_pass: float
    pass_seconds: float
    requests: Requests
    operator_cpu: float
    resident_megabytes: float
    peak_megabytes: float


@dataclass(frozen=True, slots=True)
class Takeover:
    """From a signal to the leader, until the other has the lease, and until its first drift pass has ended."""

    leads: float
    first_pass: float


@dataclass(frozen=True, slots=True)
class Size:
    """All that was measured for one number of customers. ``bare`` before the cycles and after them, seconds."""

    customers: int
    bare: tuple[dict[str, float], dict[str, float]]
    idle_megabytes: float
    cycles: dict[str, Cycle]
    passes: dict[str, Passes]
    repairs: list[Repair]
    pins: dict[str, Latencies]
    restarts: list[Restart]
    takeovers: dict[str, list[Takeover]]

    @property
    def limit(self) -> float:
        """The bare limit in seconds: the mean of both measurements, as other load on the machine comes and goes."""
        return sum(one["create"] + one["status"] for one in self.bare) / len(self.bare)

    @property
    def peak(self) -> float:
        """The operator's peak memory in 10^6 bytes, of all that were started."""
        of_cycles = (cycle.peak_megabytes for cycle in self.cycles.values())
        return max(*of_cycles, *(one.peak_megabytes for one in self.restarts))

    def ratio(self, name: str) -> float:
        """How many times the bare limit a cycle took."""
        return self.cycles[name].wall / self.limit

    def as_json(self) -> dict[str, Any]:
        """Everything, with what was computed of it."""
        ratios = {name: self.ratio(name) for name in self.cycles}
        return {**asdict(self), "limit": self.limit, "ratios": ratios, "peak_megabytes": self.peak}


def nearest_rank(values: Sequence[float], share: float) -> float:
    """The smallest value that at least this share of all do not exceed."""
    return sorted(values)[max(0, math.ceil(share * len(values)) - 1)]
