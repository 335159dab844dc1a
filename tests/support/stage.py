"""One NavixySync and its runner, with the ports in memory."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

from navixy_operator.api.sync import NavixySyncSpec
from navixy_operator.core.vocabulary import PIN, PIN_BY, Kind, PinMode
from navixy_operator.execution import Desk
from navixy_operator.ports import Cluster, Outside, Resource
from navixy_operator.runner import Runner
from navixy_operator.syncstatus import SyncStatus
from support.builders import resource, row
from support.fakes import World

SPEC: dict[str, Any] = {
    "schedule": "0 3 * * *",
    "database": {"urlSecretRef": {"name": "db", "key": "url"}},
    "forwarding": {"url": "http://f11", "tokenSecretRef": {"name": "f11", "key": "token"}},
}


class Stage:
    """One NavixySync ``main``, its runner, and the world around it."""

    def __init__(self, **spec: Any) -> None:
        self.world = World()
        self.world.database.rows = [row("acme"), row("beta", number=2)]
        self.refusal: Exception | None = None
        self.connections = 0
        self.put(resource(Kind.SYNC, "main", spec={**SPEC, **spec}, created_at="2026-03-01T01:00:00Z"))
        hearers = (self.world.facts.append,)
        self.cluster = Cluster(self.world.resources, self.world.recorder, self.world.clock, hearers)
        desk = Desk(self.cluster, self.connect, SyncStatus(self.cluster, "default", "main"))
        self.runner = Runner("default", "main", ("default",), desk)

    @asynccontextmanager
    async def connect(self, sync: Resource, spec: NavixySyncSpec) -> AsyncIterator[Outside]:
        """What the cycle talks to, or a refusal."""
        assert (sync.name, spec.policy) == ("main", "Full")
        self.connections += 1
        if self.refusal is not None:
            raise self.refusal
        yield self.world.outside

    def put(self, item: Resource) -> None:
        """Let an object be there."""
        self.world.resources.objects[item.kind, item.name] = item

    def cycle(self, name: str, created_at: str = "2026-03-01T02:00:00Z", *, dry_run: bool = False, **more: Any) -> None:
        """Let a SyncCycle be there."""
        spec = {"sync": "main", **({"dryRun": True} if dry_run else {})}
        self.put(resource(Kind.CYCLE, name, spec=spec, created_at=created_at, **more))

    def ran_last(self, moment: str) -> None:
        """Let the last scheduled cycle have been at that moment: none is due before the next."""
        sync = self.world.resources.objects[Kind.SYNC, "main"]
        self.put(replace(sync, status={**sync.status, "lastScheduleTime": moment}))

    def put_pin(self, item: Resource, mode: PinMode, *, by: str) -> None:
        """Let a customer be pinned by somebody."""
        self.put(replace(item, annotations={**item.annotations, PIN: mode.value, PIN_BY: by}))

    def status(self, kind: Kind, name: str) -> dict[str, Any]:
        """What stands in a status."""
        return dict(self.world.resources.objects[kind, name].status)

    def ready(self) -> tuple[str, str]:
        """The NavixySync's Ready: status and reason."""
        entry = next(c for c in self.status(Kind.SYNC, "main")["conditions"] if c["type"] == "Ready")
        return entry["status"], entry["reason"]
