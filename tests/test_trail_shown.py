"""What a NavixySync says of the audit trail, and what else is told of the operator's own doings."""

import asyncio
from dataclasses import dataclass, field, replace

from navixy_operator.attendant import Attendant
from navixy_operator.core.fact import Fact
from navixy_operator.core.vocabulary import FINALIZER, Kind, Origin, Reason, RunKind
from navixy_operator.errors import KubernetesUnavailable
from navixy_operator.execution import Desk
from navixy_operator.ports import AuditState, Cluster
from navixy_operator.runner import Runner
from navixy_operator.supervisor import Supervisor
from navixy_operator.syncstatus import SyncStatus
from support.builders import resource
from support.fakes import World
from support.stage import Stage

AWAY = AuditState((Reason.AUDIT_UNAVAILABLE, "the audit trail's database does not answer"), spooled=3)


@dataclass
class FakeTrail:
    """An audit trail that is as the test says."""

    state: AuditState = field(default_factory=AuditState)
    flushed: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def heard(self, fact: Fact) -> None:
        """Keep it."""
        self.facts.append(fact)

    def head(self, run_id: str) -> str | None:
        """A digest of the right form."""
        self.flushed.append(run_id)
        return run_id * 2

    async def flush(self, seconds: float) -> None:
        """At once."""
        assert 0 < seconds < 5
        self.flushed.append("flush")


class Audited(Stage):
    """A stage whose cluster has an audit trail."""

    def __init__(self, *, suspend: bool = True) -> None:
        super().__init__(suspend=suspend)
        self.trail = FakeTrail()
        self.cluster = replace(self.cluster, trail=self.trail, observers=(*self.cluster.observers, self.trail.heard))
        desk = Desk(self.cluster, self.connect, SyncStatus(self.cluster, "default", "main"))
        self.runner = Runner("default", "main", ("default",), desk)

    @property
    def shown(self) -> tuple[str, str, str]:
        """Status, reason and message of AuditAvailable."""
        conditions = self.status(Kind.SYNC, "main").get("conditions", ())
        (found,) = [entry for entry in conditions if entry["type"] == "AuditAvailable"]
        return found["status"], found["reason"], found["message"]

    @property
    def events(self) -> list[str]:
        """The reasons of the Events about it."""
        return [reason for _, reason, _, _ in self.world.recorder.events if reason.startswith("Audit")]


async def test_a_sync_says_how_the_audit_trail_is() -> None:
    """Each turn looks; what has not changed is not written again, and only beginning and end of trouble are Events."""
    stage = Audited()
    await stage.runner.turn()
    assert stage.shown == ("True", "Available", "all entries are stored in the audit trail's database")
    assert stage.ready() == ("True", "NotYetRun")
    assert stage.events == []
    stage.trail.state = AWAY
    await stage.runner.turn()
    assert stage.shown == ("False", *(AWAY.trouble or ()))
    stage.trail.state = replace(AWAY, spooled=5000, lost=7)
    stage.world.journal.clear()
    await stage.runner.turn()
    assert "status main" not in stage.world.journal, "counts are the metrics' business"
    stage.trail.state = replace(AWAY, trouble=(Reason.AUDIT_SPOOL_FULL, "the spool is full, too"))
    await stage.runner.turn()
    assert stage.shown[:2] == ("False", "AuditSpoolFull")
    assert stage.events == ["AuditUnavailable"]
    stage.trail.state = AuditState()
    await stage.runner.turn()
    assert stage.shown[:2] == ("True", "Available")
    assert stage.events == ["AuditUnavailable", "AuditRestored"]


async def test_a_cycle_keeps_what_is_said_and_names_its_digest() -> None:
    """The condition stands through a cycle; the SyncCycle has the digest of what was told of it, after a flush."""
    stage = Audited()
    stage.trail.state = AWAY
    stage.cycle("now")
    await stage.runner.turn()
    assert stage.shown[0] == "False"
    (run,) = {fact.run for fact in stage.trail.facts if fact.run.kind is RunKind.CYCLE}
    assert stage.trail.flushed[:2] == ["flush", run.id]
    assert stage.status(Kind.CYCLE, "now")["auditDigest"] == run.id * 2


async def test_it_is_said_at_once_also_in_mid_cycle() -> None:
    """The trail's news reaches every runner, whatever it is busy with."""
    stage = Audited()
    supervisor = Supervisor(stage.cluster, stage.connect, ("default",))
    supervisor.sync_reported("default", "main")
    (runner,) = supervisor._runners.values()
    while not stage.status(Kind.SYNC, "main").get("phase"):  # noqa: ASYNC110 - the runner's first turn
        await asyncio.sleep(0)
    stage.trail.state = AWAY
    runner._woken.clear()
    supervisor.audit_changed()
    await asyncio.gather(*supervisor._errands)
    assert stage.shown[0] == "False"
    assert not runner._woken.is_set(), "without a turn, which a cycle would hold up"
    await supervisor.stop()
    supervisor.audit_changed()
    assert supervisor._errands == set(), "who stops says nothing more"


async def test_an_api_server_that_is_away_is_no_fault_of_the_trail() -> None:
    """The next turn makes up for it."""
    stage = Audited()
    await stage.runner.turn()
    stage.trail.state = AWAY
    real = stage.world.resources.write_status

    async def refuse(*_: object) -> None:
        raise KubernetesUnavailable

    stage.world.resources.write_status = refuse  # type: ignore[method-assign, assignment]
    await stage.runner.say_audited()
    stage.world.resources.write_status = real  # type: ignore[method-assign]
    assert stage.shown[0] == "True"
    await stage.runner.turn()
    assert stage.shown[0] == "False"


async def test_a_restored_customer_is_in_the_trail() -> None:
    """A projection that somebody deleted comes back: a fact beside all passes, of its NavixySync."""
    world = World()
    cluster = Cluster(world.resources, world.recorder, world.clock, (world.facts.append,))

    async def attend(names: frozenset[str]) -> frozenset[str]:
        return names

    attendant = Attendant(cluster, "main", attend)
    spec = {"customerRef": "acme", "sync": "main", "source": "Database", "state": "active"}
    attendant.heard("DELETED", resource(Kind.CUSTOMER, "acme", spec=spec))
    await attendant._restore()
    (fact,) = world.facts
    assert (fact.event, fact.customer, fact.run.kind) == ("CustomerRestored", "acme", RunKind.OPERATOR)
    assert (fact.run.namespace, fact.run.sync, fact.details) == ("default", "main", {"resource": "acme"})


async def test_a_declaration_that_is_let_go_is_in_the_trail() -> None:
    """Its NavixySync is gone: nobody closes its connection, and the trail of that NavixySync says so."""
    world = World()
    cluster = Cluster(world.resources, world.recorder, world.clock, (world.facts.append,))
    spec = {"customerRef": "acme", "sync": "gone", "source": "Manual", "state": "active"}
    item = resource(Kind.CUSTOMER, "mine", spec=spec, finalizers=(FINALIZER,), deleting=True)
    world.resources.objects[Kind.CUSTOMER, "mine"] = item
    supervisor = Supervisor(cluster, Stage().connect, ("default",))
    supervisor.customer_reported("MODIFIED", item)
    await asyncio.gather(*supervisor._errands)
    (fact,) = world.facts
    assert (fact.event, fact.customer, fact.origin) == ("DeclarationReleased", "acme", Origin.MANUAL)
    assert (fact.run.kind, fact.run.sync, fact.details["closed"]) == (RunKind.OPERATOR, "gone", False)
    assert world.resources.objects == {}
