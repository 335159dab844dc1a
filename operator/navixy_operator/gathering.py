"""What an investigation gathers: the customers' resources, and a few pages of the audit trail; once for one look."""

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core.audit import Entry
from navixy_operator.core.casefile import LOOKED_UP, Case, Logbook, Page, Told
from navixy_operator.core.causes import conclude
from navixy_operator.core.evidence import evidence
from navixy_operator.core.investigation import Report
from navixy_operator.core.resolutions import suggestions
from navixy_operator.core.survey import Survey, survey
from navixy_operator.core.triggers import Facts, Sighting
from navixy_operator.core.vocabulary import EventName, Kind, LogEvent, RunKind
from navixy_operator.errors import OperatorError
from navixy_operator.ports import AuditQuery, AuditReader, Cluster, Resource

AUDIT_SECONDS: Final = 10.0
"""For all pages together; what the audit trail does not give by then is told without it."""
PAGE: Final = 100
HISTORY: Final = 50
"""Ends of cycles that are looked at."""
FIRST_SPAN: Final = timedelta(days=1)
"""How far back to look where no cycle tells."""
NO_TRAIL: Final = "no audit trail is kept; what follows is what the SyncCycles tell"


@dataclass(slots=True)
class Gathering:
    """Evidence about one NavixySync: a list of customers and one page for each type of event, however many they are."""

    cluster: Cluster
    sync: Resource
    spec: NavixySyncSpec
    facts: Facts
    _survey: Survey | None = None
    _logbook: Logbook | None = None

    async def report(self, sighting: Sighting) -> Report:
        """Evidence, cause and suggestions. Raises OperatorError for the API server's trouble, not for the trail's."""
        if self._survey is None:
            self._survey = await self._count_customers()
        if self._logbook is None:
            self._logbook = await self._look_up()
        place = (self.sync.namespace, self.sync.name, self.spec.policy)
        case = Case(*place, sighting, self.facts, self._survey, self._logbook)
        conclusion = conclude(case)
        told = evidence(case, conclusion)
        return Report(told, conclusion.cause.value, conclusion.message, suggestions(case, conclusion.cause))

    async def _count_customers(self) -> Survey:
        """In a thread: 100,000 of them take longer than the loop should stand still."""
        found = await self.cluster.resources.list(Kind.CUSTOMER, self.sync.namespace)
        mine = [(item.spec, item.status) for item in found if item.spec.get("sync") == self.sync.name]
        return await asyncio.to_thread(survey, mine)

    async def _look_up(self) -> Logbook:
        if self.cluster.audit is None:
            return Logbook(trouble=NO_TRAIL)
        since = self._since()
        try:
            async with asyncio.timeout(AUDIT_SECONDS):
                pages = {event: await self._page(self.cluster.audit, event, since) for event in LOOKED_UP}
        except OperatorError as error:
            return Logbook(trouble=_without(f"{error.reason}: {error}"))
        except TimeoutError:
            return Logbook(trouble=_without(f"it did not answer within {AUDIT_SECONDS:g} seconds"))
        return Logbook(since, pages)

    async def _page(self, audit: AuditReader, event: EventName, since: datetime) -> Page:
        """The newest entries of one type: ends of cycles however old, of all else those since ``since``."""
        of_cycles = event is EventName.SYNCHRONIZATION_COMPLETED
        page = await audit.page(
            AuditQuery(
                self.sync.namespace,
                self.sync.name,
                event=event.value,
                since=None if of_cycles else since,
                limit=HISTORY if of_cycles else PAGE,
            )
        )
        told = tuple(_told(entry) for entry in page.entries if entry.run.kind is not RunKind.DRY_RUN)
        return Page(told, more=page.next is not None)

    def _since(self) -> datetime:
        """The beginning of the completed cycle before the last one: what was in order then, and is not any more."""
        completed = self.facts.completed[:2]
        return completed[-1].began if completed else self.cluster.clock.now() - FIRST_SPAN


def _without(trouble: str) -> str:
    structlog.get_logger("navixy_operator.inquiries").warning(LogEvent.EVIDENCE_WITHOUT_AUDIT, problem=trouble)
    return f"the audit trail could not be asked ({trouble}); what follows is what the SyncCycles tell"


def _told(entry: Entry) -> Told:
    return Told(entry.at, entry.run.name, entry.status, entry.customer, _details(entry.details))


def _details(text: str) -> Mapping[str, Any]:
    """What an entry's JSON says; nothing where it says nothing that can be used."""
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
