"""What Alertmanager is told of one NavixySync's alerts, and when.

Each push says that what lasts ends a few repeats from now, so that Alertmanager resolves it by itself should the
operator fall silent. Where ``alertmanagerUrl`` changes or goes, the old one hears nothing more and does just that; the
new one is told of everything that lasts, at once.
"""

import math
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from navixy_operator.core.alertbook import Book, Standing, without_ended
from navixy_operator.core.alerttext import fit
from navixy_operator.core.vocabulary import FIELD_MANAGER, LogEvent
from navixy_operator.errors import AlertmanagerUnavailable
from navixy_operator.ports import Alert, Cluster, Resource

REPEATS: Final = 4
"""So many pushes in a row may be lost before Alertmanager takes an alert for over; Prometheus does likewise."""
RUNBOOK: Final = "docs/alerts.md#{}"
"""Where the repository says what an alert means; its anchor is the alert's name in lower case."""


@dataclass(slots=True)
class Pager:
    """Pushes all alerts of a NavixySync together: when one of them is news, and every ``repeat`` seconds."""

    cluster: Cluster
    repeat: float
    _pushed: object = None
    """What was pushed last, and where to."""
    _due_at: float = 0.0
    _down: bool = False

    async def push(self, sync: Resource, url: str | None, book: Book, now: datetime) -> Book:
        """Push what is due, and give the book without what is over and has been taken, or can be told to nobody.

        One that is over is pushed until it has been taken. That nobody takes them is told once, until somebody does.
        """
        alerting, clock = self.cluster.alerting, self.cluster.clock
        if url is None or alerting is None:
            self._pushed = None
            return without_ended(book)
        if not book or (self._pushed == (url, book) and clock.monotonic() < self._due_at):
            return book
        try:
            await alerting.push(url, [self._alert(sync, one, now) for one in book.values()])
        except AlertmanagerUnavailable as error:
            await self._note_down(sync, error)
        else:
            self._note_taken(sync)
            book = without_ended(book)
        self._pushed, self._due_at = (url, book), clock.monotonic() + self.repeat
        return book

    @property
    def due_at(self) -> float:
        """When to push again, by the monotonic clock, although nothing has changed; never, where there is nobody to."""
        return math.inf if self._pushed is None else self._due_at

    def _alert(self, sync: Resource, one: Standing, now: datetime) -> Alert:
        labels = {
            "alertname": one.firing.name.value,
            "severity": one.firing.severity.value,
            "namespace": sync.namespace,
            "sync": sync.name,
            "operator": FIELD_MANAGER,
        }
        annotations = {
            "summary": one.firing.summary,
            "description": fit(one.firing.description),
            "runbook": RUNBOOK.format(one.firing.name.lower()),
        }
        ends = one.over or max(now, one.since) + REPEATS * timedelta(seconds=self.repeat)
        return Alert(labels, annotations, one.since, ends)

    async def _note_down(self, sync: Resource, error: AlertmanagerUnavailable) -> None:
        self._tell_board(sync, taken=False)
        if self._down:
            return
        self._down = True
        self._log(sync).warning(LogEvent.ALERTS_NOT_TAKEN, reason=error.reason.value, problem=str(error))
        await self.cluster.recorder.record(sync, warning=True, reason=error.reason.value, message=str(error))

    def _note_taken(self, sync: Resource) -> None:
        self._tell_board(sync, taken=True)
        if self._down:
            self._log(sync).info(LogEvent.ALERTS_TAKEN_AGAIN)
        self._down = False

    def _tell_board(self, sync: Resource, *, taken: bool) -> None:
        if self.cluster.board is not None:
            self.cluster.board.alerts_pushed(sync.namespace, sync.name, taken=taken)

    @staticmethod
    def _log(sync: Resource) -> Any:
        return structlog.get_logger("navixy_operator.alerts").bind(namespace=sync.namespace, sync=sync.name)
