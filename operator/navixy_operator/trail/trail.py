"""The audit trail as the rest of the process sees it; implements :class:`navixy_operator.ports.AuditTrail`."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import structlog

from navixy_operator.core.fact import Fact
from navixy_operator.core.vocabulary import EventName, LogEvent
from navixy_operator.ports import AuditSpool, AuditState, AuditStore, Board, Clock, Observer
from navixy_operator.trail.backlog import BOUND, Backlog
from navixy_operator.trail.chains import Chains, Masked
from navixy_operator.trail.delivery import Delivery, Pace
from navixy_operator.trail.retention import Rhythm, keep_purged
from navixy_operator.trail.teller import Teller


@dataclass(frozen=True, slots=True)
class Manner:
    """How a trail works, apart from where to; by default as in production.

    ``masked``: see :mod:`navixy_operator.trail.chains`. ``bound``: entries in memory at the most.
    """

    masked: Masked = dict
    pace: Pace = field(default_factory=Pace)
    rhythm: Rhythm = field(default_factory=Rhythm)
    bound: int = BOUND


class Trail:
    """Hears facts, and delivers them while ``run`` runs. ``namespace``: where it tells of itself."""

    def __init__(
        self, store: AuditStore, spool: AuditSpool, clock: Clock, namespace: str, manner: Manner | None = None
    ) -> None:
        manner = manner or Manner()
        self._store = store
        self._clock = clock
        self._rhythm = manner.rhythm
        self._chains = Chains(manner.masked)
        self._backlog = Backlog(spool, bound=manner.bound)
        self._teller = Teller(clock, namespace, lambda: self._backlog.has_room)
        self._delivery = Delivery(store, self._backlog, self._teller, manner.pace)
        self._teller.observers.append(self._heard_own)

    @property
    def state(self) -> AuditState:
        """How it goes now."""
        return AuditState(self._delivery.trouble, self._backlog.spooled, self._teller.losses.total)

    def tell(self, *observers: Observer, changed: Callable[[], None] | None = None, board: Board | None = None) -> None:
        """Who else hears what the trail tells of itself; called when ``state.trouble`` is another one; the metrics."""
        self._teller.observers.extend(observers)
        self._teller.listeners.extend(() if changed is None else (changed,))
        self._teller.board = board or self._teller.board

    def heard(self, fact: Fact) -> None:
        """Take a fact. Never waits, never raises: what there is no room for is lost, and counted."""
        self._take(fact, always=False)

    def head(self, run_id: str) -> str | None:
        """The digest of a run's chain as far as its last entry; None: nothing was told of it lately."""
        return self._chains.head(run_id)

    async def flush(self, seconds: float) -> None:
        """Wait until all that was heard so far is stored or spooled; no longer than that."""
        try:
            async with asyncio.timeout(seconds):
                await self._backlog.until_kept()
        except TimeoutError:
            log = structlog.get_logger("navixy_operator.audit")
            log.warning(LogEvent.AUDIT_NOT_FLUSHED, waited_seconds=seconds, queued=self._backlog.queued)

    async def run(self) -> None:
        """Deliver, and purge, until cancelled; what is queued then is stored or spooled within a few seconds."""
        delivering = asyncio.create_task(self._delivery.run(), name="audit delivery")
        purging = asyncio.create_task(self._keep_purged(), name="audit retention")
        try:
            await asyncio.wait({delivering})
        finally:
            purging.cancel()
            await asyncio.gather(purging, return_exceptions=True)
            await self._end(delivering)
        delivering.result()

    async def hand_over(self) -> None:
        """For who never delivered: what a process of before has left on the disk, as far as it goes in some seconds."""
        await self._delivery.open()
        if self._backlog.spooled:
            await self._end(asyncio.create_task(self._delivery.run(), name="audit delivery"))

    def _heard_own(self, fact: Fact) -> None:
        """What the trail tells of itself: it is little, and must not be missing where much is."""
        self._take(fact, always=True)

    def _take(self, fact: Fact, *, always: bool) -> None:
        try:
            entry = self._chains.entry(fact)
        except Exception:
            log = structlog.get_logger("navixy_operator.audit")
            log.exception(LogEvent.AUDIT_TRAIL_BROKE, fact=fact.event.value)
        else:
            if not self._backlog.offer(entry, always=always):
                self._teller.lost(entry)

    async def _keep_purged(self) -> None:
        await self._delivery.prepared.wait()
        await keep_purged(self._store, self._clock, self._teller.purged, self._rhythm)

    async def _end(self, delivering: "asyncio.Task[None]") -> None:
        if lost := await self._delivery.end(delivering):
            log = structlog.get_logger("navixy_operator.audit")
            log.warning(EventName.AUDIT_LOST.value, count=lost, problem="stopped before they could be kept")
