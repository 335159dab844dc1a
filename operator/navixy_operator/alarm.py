"""One NavixySync's alerts: told when they begin and when they are over (spec: Alerting Rules; design section 5).

The status keeps when each began, and what Alertmanager has yet to hear of, so that a restart changes neither. Without
an Alertmanager nothing is pushed; status, log, audit trail and Events tell of alerts all the same.

While a NavixySync is stalled (InvalidSpec, ForwardingShared), no pass finds anything that could raise or end an alert:
what lasts is repeated.
"""

import asyncio
import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final

import structlog

from navixy_operator.api.sync import Alerts
from navixy_operator.chronicle import Chronicle
from navixy_operator.core.alertbook import RIPE, Book, Standing, lasting, noted, read_book, turned, unripe
from navixy_operator.core.alerts import Facts, Sighting, Thresholds, active
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.fact import Fact
from navixy_operator.core.history import past_cycles
from navixy_operator.core.vocabulary import Discrepancy, EventName, EventStatus, LogEvent, RunKind
from navixy_operator.execution import Desk, post
from navixy_operator.pager import Pager
from navixy_operator.ports import Resource

LAST_WORDS_SECONDS: Final = 10.0
"""Time to tell Alertmanager that the alerts of a deleted NavixySync are over."""
REFS_KEPT: Final = 10
_SUSPENDED: Final = frozenset({Discrepancy.SUSPENDED, Discrepancy.REMOVED})


@dataclass(slots=True)
class Alarm:
    """Looks at a NavixySync when it is asked to, and tells Alertmanager, the status and people what that says."""

    desk: Desk
    _pager: Pager = field(init=False)
    _book: Book | None = None
    """None: nothing was looked at yet."""
    _sync: Resource | None = None
    _settings: Alerts = field(default_factory=lambda: Alerts.model_validate({}))
    _sighting: Sighting | None = None
    """What the comparison of a cycle has found, until the status says how that ended."""
    _told: bool = True
    """Whether a look has taken account of it."""
    _look_at: float = 0.0

    def __post_init__(self) -> None:
        self._pager = Pager(self.desk.cluster, self.desk.alert_repeat_seconds)

    def heard(self, fact: Fact) -> bool:
        """Whether a fact is worth a look at once: a cycle has found suspended customers that are connected."""
        of_a_cycle = (fact.event, fact.run.kind) == (EventName.EXTRA_DETECTED, RunKind.CYCLE)
        if not of_a_cycle or fact.discrepancy not in _SUSPENDED:
            return False
        found: Any = fact.details["connections"]
        refs = [str(entry["customer"] or entry.get("connection_id")) for entry in found[:REFS_KEPT]]
        known = self._sighting
        if known is None or known.cycle != fact.run.name:
            known = Sighting(fact.run.name, 0)
        self._sighting = replace(known, count=known.count + len(found), refs=(*known.refs, *refs))
        self._told = False
        return True

    async def look(self, sync: Resource, settings: Alerts | None, cycles: Sequence[Resource]) -> None:
        """Tell what has begun and what is over, push what is due, write the status where the set of alerts changed.

        ``settings`` None: ``spec.alerts`` cannot be read, and what was read last still counts. Raises OperatorError for
        the API server's trouble: the next look tries again.
        """
        now = self.desk.cluster.clock.now()
        self._sync, self._settings = sync, settings or self._settings
        book = read_book(sync.status, now) if self._book is None else self._book
        facts = self._facts(sync, book, cycles)
        page = turned(book, active(facts), now)
        self._book, self._told = page.book, True
        await self._tell(sync, page.begun, page.ended, now)
        await self._write(sync, facts.sighting, now)
        soon = self._let_go(sync, facts.sighting)
        wait = RIPE.total_seconds() if unripe(self._book, sync.status, self._sighting, now) else math.inf
        self._look_at = self.desk.cluster.clock.monotonic() + (0.0 if soon else wait)

    async def last_words(self) -> None:
        """The NavixySync is gone: what lasted is over. What Alertmanager does not hear of in time ends by itself."""
        if self._book is None or self._sync is None:
            return
        now = self.desk.cluster.clock.now()
        page = turned(self._book, (), now)
        self._book = page.book
        try:
            async with asyncio.timeout(LAST_WORDS_SECONDS):
                await self._tell(self._sync, (), page.ended, now)
        except TimeoutError:
            log = structlog.get_logger("navixy_operator.alerts")
            log.warning(LogEvent.LAST_WORDS_CUT_OFF, namespace=self._sync.namespace, sync=self._sync.name)

    def rest(self) -> float:
        """Seconds until the next look is due although nothing has changed."""
        moment = min(self._look_at, self._pager.due_at) if self._book else self._look_at
        return max(0.0, moment - self.desk.cluster.clock.monotonic())

    def _facts(self, sync: Resource, book: Book, cycles: Iterable[Resource]) -> Facts:
        said, seen = self._settings, self._sighting
        thresholds = Thresholds(said.persistent_cycles, said.skip_rate_percent, said.establish_success_percent)
        past = past_cycles((cycle.name, cycle.resource_version, cycle.spec, cycle.status) for cycle in cycles)
        if seen is not None and self._told and not (seen.is_running(sync.status) or seen.was_cut_off(sync.status)):
            seen = None
        return Facts(sync.status, thresholds, past, lasting(book), seen)

    async def _tell(self, sync: Resource, begun: Sequence[Standing], ended: Sequence[Standing], now: datetime) -> None:
        """Log and audit trail first, then Alertmanager, then an Event each."""
        chronicle = self._narrate(sync, begun, ended) if begun or ended else None
        self._book = await self._pager.push(sync, self._settings.alertmanager_url, self._book or {}, now)
        if chronicle is not None:
            await post(self.desk.cluster, chronicle)

    def _narrate(self, sync: Resource, begun: Iterable[Standing], ended: Iterable[Standing]) -> Chronicle:
        cycle = sync.status.get("activeCycle") or sync.status.get("lastCycle", {}).get("name", "alerts")
        chronicle = self.desk.chronicle(sync, cycle, RunKind.OPERATOR)
        for one in begun:
            firing, event = one.firing, EventName.ALERT_FIRING
            chronicle.tell(event, status=EventStatus.FOUND, warning=True, **_named(one), problem=firing.description)
            chronicle.headline(event, f"{firing.name} ({firing.severity}): {firing.description}", warning=True)
        for one in ended:
            event = EventName.ALERT_RESOLVED
            chronicle.tell(event, **_named(one))
            chronicle.headline(event, f"{one.firing.name} is over; it began at {timestamp(one.since)}")
        return chronicle

    async def _write(self, sync: Resource, sighting: Sighting | None, now: datetime) -> None:
        book = self._book or {}
        if noted(sync.status, book, sighting, now) != sync.status:
            await self.desk.status.change(lambda current: noted(current.status, book, sighting, now))

    def _let_go(self, sync: Resource, sighting: Sighting | None) -> bool:
        """Forget what a cycle has found when it no longer runs; whether to look again at once, without it."""
        if sighting is None or self._sighting is not sighting or sighting.is_running(sync.status):
            return False
        self._sighting = None
        return True


def _named(one: Standing) -> dict[str, Any]:
    firing = one.firing
    return {
        "alert": firing.name.value,
        "severity": firing.severity.value,
        "summary": firing.summary,
        "since": timestamp(one.since),
    }
