"""What the trail tells of itself: to the log and the observers as facts, to the metrics, and to who shows its state."""

from collections.abc import Callable
from datetime import datetime
from typing import Final

import structlog

from navixy_operator.chronicle import aside
from navixy_operator.core.audit import Entry
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.vocabulary import EventName, EventStatus
from navixy_operator.ports import Board, Clock, Observer
from navixy_operator.trail.hearer import Trouble
from navixy_operator.trail.losses import Losses

NAME: Final = "audit-trail"
"""The name of the runs in which the trail tells of itself."""
FULL: Final = "neither the database nor the disk takes entries, and the memory for them is full"


class Teller:
    """Implements :class:`navixy_operator.trail.hearer.Hearer`. Facts of no NavixySync are told of ``namespace``."""

    def __init__(self, clock: Clock, namespace: str, has_room: Callable[[], bool]) -> None:
        self.observers: list[Observer] = []
        self.listeners: list[Callable[[], None]] = []
        self.board: Board | None = None
        self.losses = Losses()
        self._clock = clock
        self._has_room = has_room
        self._own = aside(clock, self.observers, NAME, namespace, "")

    def trouble_began(self, trouble: Trouble) -> None:
        """Say so at once; the entry about it is the first that waits."""
        reason, problem = trouble
        event = EventName.AUDIT_UNAVAILABLE
        self._own.tell(event, status=EventStatus.FAILED, warning=True, reason=reason.value, problem=problem)
        self.trouble_changed()

    def trouble_changed(self) -> None:
        """Let it be shown."""
        for listener in self.listeners:
            listener()

    def trouble_ended(self, delivered: int) -> None:
        """Say how many entries had to wait."""
        self._own.tell(EventName.AUDIT_RESTORED, delivered=delivered)
        self.trouble_changed()

    def wrote(self, entries: int, seconds: float) -> None:
        """Let it be measured."""
        if self.board is not None:
            self.board.batch_written(entries, seconds)

    def purged(self, count: int, before: datetime) -> None:
        """Entries whose time is over were deleted."""
        self._own.tell(EventName.AUDIT_PURGED, count=count, before=timestamp(before))

    def lost(self, entry: Entry) -> None:
        """Count it; a log line says when it begins."""
        if not self.losses:
            log = structlog.get_logger("navixy_operator.audit")
            log.warning(EventName.AUDIT_LOST.value, problem=FULL)
        self.losses.add(entry)

    def made_room(self) -> None:
        """Put into the trail of each NavixySync how much is missing in it, once there is room for that."""
        if not self.losses or not self._has_room():
            return
        for (namespace, sync), loss in self.losses.take().items():
            aside(self._clock, self.observers, NAME, namespace, sync).tell(
                EventName.AUDIT_LOST,
                status=EventStatus.FAILED,
                warning=True,
                count=loss.count,
                since=timestamp(loss.since),
                until=timestamp(loss.until),
                problem=FULL,
            )
