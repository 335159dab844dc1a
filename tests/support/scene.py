"""One NavixySync's Investigations with the ports in memory: cycles end one after the other, and somebody looks."""

import asyncio
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, cast

import pytest

from navixy_operator import ports
from navixy_operator.api.investigation import InvestigationSpec, InvestigationStatus
from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core.audit import Entry
from navixy_operator.core.fact import Fact
from navixy_operator.core.history import PastCycle
from navixy_operator.core.vocabulary import ACKNOWLEDGE, Kind, RunKind
from navixy_operator.errors import OperatorError
from navixy_operator.execution import Desk
from navixy_operator.inquiries import Inquiries
from navixy_operator.ports import AuditPage, AuditQuery, AuditReader, Cluster, Resource
from navixy_operator.syncstatus import SyncStatus
from support.builders import NOW, resource
from support.fakes import World
from support.models import fits
from support.stage import SPEC


class Trail:
    """What is asked of the audit trail: gives these entries of a type, or raises."""

    def __init__(self) -> None:
        self.asked: list[AuditQuery] = []
        self.entries: dict[str, list[Entry]] = {}
        self.error: OperatorError | None = None
        self.hangs = False

    async def page(self, query: AuditQuery) -> AuditPage:
        """The entries of the type that is asked for."""
        self.asked.append(query)
        if self.hangs:
            await asyncio.Event().wait()
        if self.error is not None:
            raise self.error
        return AuditPage(tuple(self.entries.get(query.event or "", ())), None)


class Board:
    """Keeps what the metrics would show of investigations."""

    def __init__(self) -> None:
        self.shown: dict[str, str] = {}

    def investigations_seen(self, namespace: str, sync: str, investigations: Sequence[Resource]) -> None:
        """Those that are kept, with their phases."""
        assert (namespace, sync) == ("default", "main")
        self.shown = {item.name: str(item.status["phase"]) for item in investigations}


class Scene:
    """A NavixySync ``main``, its cycles, and what looks at them; time is that of the last cycle's end."""

    def __init__(self, **spec: Any) -> None:
        self.world, self.trail, self.board = World(), Trail(), Board()
        hearers = (self.world.facts.append,)
        fakes = (self.world.resources, self.world.recorder, self.world.clock, hearers)
        cluster = Cluster(*fakes, audit=cast("AuditReader", self.trail), board=cast("ports.Board", self.board))
        self.sync = resource(Kind.SYNC, "main", spec=SPEC)
        self.spec = NavixySyncSpec.model_validate({**SPEC, **spec})
        self.cycles: list[Resource] = []
        self.audited_by(cluster)

    def audited_by(self, cluster: Cluster) -> None:
        """Begin, with these ports."""
        status = SyncStatus(cluster, "default", "main")
        desk = Desk(cluster, lambda *_: pytest.fail("nothing outside is asked"), status)
        self.cluster, self.inquiries = cluster, Inquiries(desk)

    async def look(self) -> None:
        """Look once."""
        await self.inquiries.look(self.sync, self.spec, self.cycles)
        for kind, name in list(self.world.resources.objects):
            if kind is Kind.INVESTIGATION:
                assert fits(InvestigationSpec, self.found[name].spec)
                assert fits(InvestigationStatus, self.found[name].status)

    async def look_again(self) -> None:
        """Look once more, at the list as it is now."""
        self.inquiries.heard()
        await self.look()

    async def ran(self, past: PastCycle, *, dry_run: bool = False) -> None:
        """A cycle has ended; somebody looks ten seconds later."""
        spec = {"sync": "main", **({"dryRun": True} if dry_run else {})}
        self.cycles.append(
            resource(Kind.CYCLE, past.name, spec=spec, status=past.status, resource_version=str(past.version))
        )
        if not dry_run:
            self.sync = replace(self.sync, status={**self.sync.status, "lastCycle": {"name": past.name}})
        self.world.clock.seconds = (past.ended - NOW).total_seconds() + 10
        await self.look()

    async def suspended(self, count: int, after: float = 60.0) -> None:
        """A drift pass saw so many suspended customers that are connected."""
        self.sync = replace(self.sync, status={**self.sync.status, "suspendedConnected": count})
        self.world.clock.seconds += after
        await self.look()

    async def annotate(self, name: str, who: str | None) -> None:
        """Somebody acknowledges an investigation, or takes that back."""
        await self.world.resources.annotate(self.found[name], {ACKNOWLEDGE: who})
        self.world.clock.seconds += 5
        await self.look_again()

    @property
    def found(self) -> dict[str, Resource]:
        """The Investigations by name."""
        return {name: item for (kind, name), item in self.world.resources.objects.items() if kind is Kind.INVESTIGATION}

    @property
    def phases(self) -> dict[str, str]:
        """Name and phase of each."""
        return {name: item.status["phase"] for name, item in self.found.items()}

    def told(self) -> list[tuple[str, str]]:
        """What was told of investigations since the last time: event and run."""
        facts: list[Fact] = [*self.world.facts]
        self.world.facts.clear()
        assert {fact.run.kind for fact in facts} <= {RunKind.OPERATOR}
        return [(fact.event.value, fact.run.name) for fact in facts]
