"""The cycles of one NavixySync that are over, as their SyncCycles tell: what an investigation goes by."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from navixy_operator.core.vocabulary import Discrepancy, Outcome, Phase, Reason

_ENDED: Final = frozenset({Phase.COMPLETED.value, Phase.FAILED.value})
_CLOSED: Final = frozenset({Discrepancy.SUSPENDED.value, Discrepancy.REMOVED.value})


@dataclass(frozen=True, slots=True)
class PastCycle:
    """One that has ended, and was no dry run. ``status``: its report; ``version`` grows with each write of it.

    ``approved``: it carried out held closes that a person had approved.
    """

    name: str
    status: Mapping[str, Any]
    version: int = 0
    approved: bool = False

    @property
    def completed(self) -> bool:
        """Whether it came to its end."""
        return bool(self.status.get("phase") == Phase.COMPLETED)

    @property
    def reason(self) -> str:
        """How it ended, in one word."""
        return str(self.status.get("reason", ""))

    @property
    def interrupted(self) -> bool:
        """Whether the operator was stopped in its middle."""
        return not self.completed and self.reason == Reason.INTERRUPTED

    @property
    def failed(self) -> bool:
        """Whether it failed for another reason than that."""
        return not self.completed and not self.interrupted

    @property
    def began(self) -> datetime:
        """When it started."""
        return datetime.fromisoformat(self.status.get("startTime") or self.status["completionTime"])

    @property
    def ended(self) -> datetime:
        """When it ended."""
        return datetime.fromisoformat(self.status["completionTime"])

    def count(self, name: str) -> int:
        """One of its counts; 0 where it did not come that far."""
        return int(self.status.get("counts", {}).get(name, 0))

    @property
    def expected_and_actual(self) -> tuple[int, int] | None:
        """The connections that its validation expected and found (AC7); None: it did not come that far."""
        found = self.status.get("validation")
        return None if found is None else (int(found["expected"]), int(found["actual"]))

    @property
    def skips(self) -> Mapping[str, str]:
        """Customers that it skipped, and why; the first hundred that have a reference."""
        listed = self.status.get("skips", ())
        return {skip["customerRef"]: skip["reason"] for skip in listed if "customerRef" in skip}

    @property
    def left_open(self) -> tuple[str, ...]:
        """Suspended and removed customers whose connection it found, and could not or may not close, as far as listed.

        A customer without a reference goes by the connection's id.
        """
        found = {_who(entry) for entry in self.status.get("discrepancies", ()) if entry["type"] in _CLOSED}
        acted = (entry for entry in self.status.get("actions", ()) if entry.get("outcome") != Outcome.SUCCEEDED)
        return tuple(sorted({who for entry in acted if (who := _who(entry)) in found}))


def _who(entry: Mapping[str, Any]) -> str:
    return str(entry.get("customerRef") or entry.get("connectionId", ""))


def past_cycles(cycles: Iterable[tuple[str, str, Mapping[str, Any], Mapping[str, Any]]]) -> tuple[PastCycle, ...]:
    """Those that have ended and were no dry runs, newest first; given as name, resourceVersion, spec and status."""
    ended = [
        PastCycle(name, status, int(version) if version.isdecimal() else 0, approved=bool(spec.get("approves")))
        for name, version, spec, status in cycles
        if status.get("phase") in _ENDED and "completionTime" in status and not spec.get("dryRun")
    ]
    return tuple(sorted(ended, key=lambda cycle: (cycle.ended, cycle.began, cycle.version), reverse=True))
