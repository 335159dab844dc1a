"""The Investigations of one NavixySync: opened by a trigger, kept up to date, resolved (spec: Investigation Workflows).

One is open for each trigger. Looking again where nothing has happened asks for nothing, and writes nothing.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core import investigation
from navixy_operator.core.conditions import find
from navixy_operator.core.history import past_cycles
from navixy_operator.core.investigation import BY_HAND, GONE, phase_of
from navixy_operator.core.triggers import Facts, Sighting, sightings
from navixy_operator.core.vocabulary import LABEL_SYNC, LABEL_TRIGGER, Condition, InvestigationPhase, Kind, Trigger
from navixy_operator.execution import Desk
from navixy_operator.findings import tell_change
from navixy_operator.gathering import Gathering
from navixy_operator.ports import Cluster, Resource

LONGEST_SILENCE: Final = 600.0
"""Seconds after which they are listed although nothing was heard of them: what a silent watch costs at most."""
RESOLVED: Final = InvestigationPhase.RESOLVED
ANOTHER: Final = "an older investigation of the same trigger is open"


@dataclass(slots=True)
class Inquiries:
    """Where the Investigations of one NavixySync are looked after, beside its status."""

    desk: Desk
    _news: bool = True
    """Whether the Investigations may be others than those that were looked at last."""
    _facts: tuple[object, ...] = ()
    _looked_at: float = 0.0

    @property
    def cluster(self) -> Cluster:
        """The API server, and time."""
        return self.desk.cluster

    def heard(self) -> None:
        """An Investigation was made, changed or deleted, by a person or by us: the next look lists them."""
        self._news = True

    async def look(self, sync: Resource, spec: NavixySyncSpec, cycles: Sequence[Resource]) -> None:
        """Open, update, resolve and prune, by what is known now. ``cycles``: all SyncCycles of this NavixySync.

        May be repeated at any time. Raises OperatorError: it must be.
        """
        now = self.cluster.clock.monotonic()
        facts = _facts_of(sync, spec, cycles)
        if not self._news and facts == self._facts and now - self._looked_at < LONGEST_SILENCE:
            return
        self._news, self._facts, self._looked_at = False, facts, now
        try:
            await self._look(sync, spec, cycles)
        except BaseException:
            self._news = True
            raise

    async def _look(self, sync: Resource, spec: NavixySyncSpec, cycles: Sequence[Resource]) -> None:
        past = past_cycles((cycle.name, cycle.resource_version, cycle.spec, cycle.status) for cycle in cycles)
        facts = Facts(sync.status, past, spec.alerts.persistent_cycles)
        look = _Look(self.desk, sync, Gathering(self.cluster, sync, spec, facts))
        found = await self.cluster.resources.list(Kind.INVESTIGATION, sync.namespace)
        mine = [item for item in found if item.spec.get("sync") == sync.name and not item.deleting]
        kept = await look.through(mine, {item.name for item in found})
        kept = await self._prune(kept, spec.history.cycles)
        if self.cluster.board is not None:
            self.cluster.board.investigations_seen(sync.namespace, sync.name, kept)

    async def _prune(self, items: Sequence[Resource], keep: int) -> list[Resource]:
        """Delete all but the newest of those that are resolved; those that are left."""
        over = [item for item in items if phase_of(item.status) is RESOLVED]
        over.sort(key=lambda item: (item.status.get("resolvedTime", ""), item.created_at, item.name), reverse=True)
        for item in over[keep:]:
            await self.cluster.resources.delete(item)
        gone = {item.name for item in over[keep:]}
        return [item for item in items if item.name not in gone]


def _facts_of(sync: Resource, spec: NavixySyncSpec, cycles: Sequence[Resource]) -> tuple[object, ...]:
    """All that opens or ends an investigation, and the bound on those that are kept."""
    status = sync.status
    forwarding = find(status.get("conditions", ()), Condition.FORWARDING_AVAILABLE) or {}
    told = status.get("lastCycle", {}).get("name"), status.get("suspendedConnected"), forwarding.get("reason")
    bounds = spec.history.cycles, spec.alerts.persistent_cycles
    return sync.uid, *told, *bounds, *((c.name, c.resource_version, c.status.get("phase")) for c in cycles)


@dataclass(frozen=True, slots=True)
class _Look:
    """One look at all triggers of one NavixySync."""

    desk: Desk
    sync: Resource
    gathering: Gathering

    async def through(self, items: Sequence[Resource], taken: Collection[str]) -> list[Resource]:
        """Trigger by trigger; the investigations as they are then. ``taken``: the names that there are."""
        seen = {sighting.trigger: sighting for sighting in sightings(self.gathering.facts)}
        kept = [item for item in items if phase_of(item.status) is RESOLVED]
        unresolved = [item for item in items if phase_of(item.status) is not RESOLVED]
        for trigger in Trigger:
            pending = [item for item in unresolved if item.spec.get("trigger") == trigger]
            pending.sort(key=lambda item: (item.created_at, item.name))
            sighting = seen.get(trigger)
            if sighting is not None and not pending:
                pending = await self._open(trigger, taken)
            for position, item in enumerate(pending):
                over = ANOTHER if position else None
                kept += [now for now in [await self._update(item, sighting, over)] if now is not None]
        return kept

    async def _open(self, trigger: Trigger, taken: Collection[str]) -> list[Resource]:
        """A new one. What is there by that name was made by a request whose answer was lost."""
        name, resources = investigation.name_for(self.sync.name, trigger, taken), self.desk.cluster.resources
        spec = {"sync": self.sync.name, "trigger": trigger.value}
        labels = {LABEL_SYNC: self.sync.name, LABEL_TRIGGER: trigger.value}
        made = await resources.create(Kind.INVESTIGATION, self.sync.namespace, name, spec=spec, labels=labels)
        made = made or await resources.get(Kind.INVESTIGATION, self.sync.namespace, name)
        return [] if made is None else [made]

    async def _update(self, item: Resource, sighting: Sighting | None, over: str | None) -> Resource | None:
        """Write what has changed, and tell it; None: it is gone."""
        now = self.desk.cluster.clock.now()
        status = await self._found(item, sighting, now)
        if over is None and sighting is None and investigation.is_over(status, self.gathering.facts.cycles):
            over = GONE
        by = investigation.acknowledged_by(item.annotations)
        status = investigation.in_phase(status, by, over=over, generation=item.generation, now=now)
        written = await self.desk.cluster.resources.write_status(item, status)
        if written is not None:
            await tell_change(self.desk, self.sync, written, item.status)
        return written

    async def _found(self, item: Resource, sighting: Sighting | None, now: datetime) -> dict[str, Any]:
        """The status with what is seen; evidence is gathered only where there is news."""
        facts, before = self.gathering.facts, item.status
        if sighting is None:
            status = investigation.not_seen(before, created=datetime.fromisoformat(item.created_at), now=now)
            if "evidence" in status:
                return status
            by_hand = Sighting(Trigger(item.spec["trigger"]), BY_HAND, None)
            return status | (await self.gathering.report(by_hand)).to_status()
        if not investigation.is_news(before, sighting, facts):
            return dict(before)
        report = await self.gathering.report(sighting)
        return investigation.seen(before, sighting, report, facts, now=now)
