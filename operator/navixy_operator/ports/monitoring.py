"""Who hears of what happens, and what alerts and metrics need (design section 5)."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from navixy_operator.core.fact import Fact
from navixy_operator.ports.cluster import Resource

Observer = Callable[[Fact], None]
"""Hears of every fact, in order, on the event loop: cheap, never waits, never raises."""


class Board(Protocol):
    """What the metrics show beside what the facts tell, told as it is seen anyway. Cheap, never waits, never raises."""

    def sync_seen(self, sync: Resource) -> None:
        """A NavixySync as it is now."""

    def sync_gone(self, namespace: str, name: str) -> None:
        """A NavixySync is gone, or this process no longer looks after it."""

    def cycles_seen(self, namespace: str, sync: str, cycles: Sequence[Resource]) -> None:
        """All SyncCycles of a NavixySync that are kept."""

    def investigations_seen(self, namespace: str, sync: str, investigations: Sequence[Resource]) -> None:
        """All Investigations of a NavixySync that are kept."""

    def waiting_seen(self, namespace: str, sync: str, count: int) -> None:
        """How many customers wait for the attendant."""

    def drift_passed(self, namespace: str, sync: str, seconds: float) -> None:
        """A drift pass came to its end after so long."""

    def alerts_pushed(self, namespace: str, sync: str, *, taken: bool) -> None:
        """Alertmanager took what was posted to it, or did not."""

    def batch_written(self, entries: int, seconds: float) -> None:
        """So many entries of the audit trail went into its database in one batch that took so long."""


@dataclass(frozen=True, slots=True)
class Alert:
    """An alert as Alertmanager's API v2 takes it. ``ends_at`` in the past resolves it."""

    labels: Mapping[str, str]
    annotations: Mapping[str, str]
    starts_at: datetime
    ends_at: datetime


class Alerting(Protocol):
    """Alertmanager."""

    async def push(self, url: str, alerts: Sequence[Alert]) -> None:
        """Post alerts to the Alertmanager with this base URL. Raises AlertmanagerUnavailable."""
