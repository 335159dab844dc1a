"""Suspended customers with a connection: an alert from the moment a cycle finds them to the sight of the close."""

from dataclasses import replace

from navixy_operator.core.fact import Fact, Run
from navixy_operator.core.vocabulary import AlertName, Discrepancy, EventName, EventStatus, Kind, RunKind
from navixy_operator.errors import ForwardingUnavailable
from support.alerting import AlertStage
from support.builders import NOW, connection, row

FAILURE = AlertName.SYNCHRONIZATION_FAILURE
SUSPENDED = AlertName.SUSPENDED_CONNECTED


class Suspended(AlertStage):
    """A suspended customer has a connection; the lookout has its turn while F1.1 is asked to close it."""

    def __init__(self, seconds: float, *, looks: int = 2) -> None:
        super().__init__()
        self.world.database.rows = [row("off", state="suspended")]
        self.world.connect(connection("on-off", "off"))
        self.seconds, self.looks = seconds, looks
        self.rests: list[float] = []
        self.meanwhile: list[tuple[set[str], dict[str, bool], int | None]] = []
        self.close = self.world.forwarding.close_connection
        self.world.forwarding.close_connection = self.close_connection  # type: ignore[method-assign]

    async def close_connection(self, connection_id: str) -> bool:
        """F1.1 takes a while."""
        await self.look()
        self.rests.append(self.runner.lookout.alarm.rest())
        await self.pass_time(self.seconds)
        if self.looks > 1:
            await self.look()
        count = self.status(Kind.SYNC, "main").get("suspendedConnected")
        self.meanwhile.append((self.alerting.firing(), self.kept(), count))
        return await self.close(connection_id)


async def test_what_a_cycle_puts_right_soon_is_told_and_not_written() -> None:
    """The alert comes and goes, as the spec wants it, and costs the API server two Events."""
    stage = Suspended(seconds=1)
    await stage.run_cycle("first")
    assert stage.meanwhile == [({SUSPENDED}, {}, None)]
    assert (stage.told("AlertFiring"), stage.told("AlertResolved")) == ([SUSPENDED], [SUSPENDED])
    assert stage.is_over(SUSPENDED)
    assert stage.world.journal.count("status main") == 3, "the cycle's two, and when the next one is due"


async def test_what_a_cycle_takes_long_for_is_written_meanwhile() -> None:
    """Another process would know of it; the cycle's end takes it away."""
    stage = Suspended(seconds=5)
    await stage.run_cycle("first")
    assert (stage.meanwhile, stage.rests) == ([({SUSPENDED}, {SUSPENDED: False}, 1)], [5])
    assert stage.status(Kind.SYNC, "main")["suspendedConnected"] == 0
    assert stage.is_over(SUSPENDED)


async def test_what_has_ended_by_the_next_look_is_not_written_any_more() -> None:
    """The cycle took longer than that, and nobody looked in between."""
    stage = Suspended(seconds=6, looks=1)
    await stage.run_cycle("first")
    assert stage.is_over(SUSPENDED)
    assert stage.world.journal.count("status main") == 3, "the cycle's two, and when the next one is due"


async def test_suspended_and_removed_customers_are_counted_together() -> None:
    """One alert for both."""
    stage = AlertStage()
    stage.world.database.rows = [row("off", state="suspended"), row("gone", number=2, state="removed")]
    stage.world.connect(connection("on-off", "off"), connection("on-gone", "gone"))
    await stage.run_cycle("first")
    (told,) = stage.posted("AlertFiring")
    assert "2 suspended or removed customers have an open connection: off, gone;" in told


async def test_other_connections_that_should_not_be_are_no_alert() -> None:
    """A leftover in F1.1, and a customer who has lost its gateways: closed, and told in other ways."""
    stage = AlertStage(alerts={"skipRatePercent": 100})
    stage.world.database.rows = [row("bare", gateway_count=0)]
    stage.world.connect(connection("on-bare", "bare"), connection("on-left", "left"))
    await stage.run_cycle("first")
    assert stage.world.forwarding.states() == {}
    assert (stage.alerting.tried, stage.told("AlertFiring")) == (0, [])


async def test_what_a_cycle_closes_before_anybody_looks_is_told_all_the_same() -> None:
    """Spec: any suspended customer with a connection is an alert, however soon it is over."""
    stage = AlertStage()
    stage.world.database.rows = [row("off", state="suspended")]
    stage.world.connect(connection("on-off", "off"))
    await stage.run_cycle("first")
    assert [[alert.labels["alertname"] for alert in alerts] for _, alerts in stage.alerting.pushes] == [[SUSPENDED]] * 2
    assert stage.is_over(SUSPENDED)


async def test_what_a_failed_cycle_has_seen_lasts_until_it_is_looked_at_again() -> None:
    """F1.1 fails in the middle: whether the connection was closed, the next drift pass sees."""
    stage = Suspended(seconds=0)
    stage.world.forwarding.stuck = {"on-off"}
    stage.world.forwarding.list_errors[2] = ForwardingUnavailable("F1.1 did not answer")
    await stage.run_cycle("first")
    assert stage.status(Kind.SYNC, "main")["lastCycle"]["phase"] == "failed"
    assert stage.kept() == {FAILURE: False, SUSPENDED: False}
    assert stage.status(Kind.SYNC, "main")["suspendedConnected"] == 1
    stage.restart()
    stage.world.forwarding.stuck = set()
    for _ in range(5):  # what has failed is tried again after a pause
        await stage.turn()
        await stage.pass_time(600)
    assert stage.status(Kind.SYNC, "main")["suspendedConnected"] == 0
    assert stage.is_over(SUSPENDED)
    assert stage.told("AlertFiring").count(SUSPENDED) == 1


async def test_each_cycle_counts_for_itself() -> None:
    """Nobody has looked since the one before found some, too: facts of one cycle add up, those of two do not."""
    stage = AlertStage()
    alarm = stage.runner.lookout.alarm
    for cycle, ref in (("first", "one"), ("second", "two"), ("second", "three")):
        found = {"connections": [{"customer": ref}]}
        run = Run("0" * 32, RunKind.CYCLE, cycle, "default", "main")
        fact = Fact(
            NOW, EventName.EXTRA_DETECTED, run, 0, EventStatus.FOUND, None, Discrepancy.SUSPENDED, details=found
        )
        assert alarm.heard(fact)
    sync = stage.world.resources.objects[Kind.SYNC, "main"]
    sync = replace(sync, status={**sync.status, "activeCycle": "second"})
    stage.put(sync)
    stage.runner.lookout.desk.status.saw(sync)
    await stage.look()
    description = stage.alerting.known[SUSPENDED].annotations["description"]
    assert "2 suspended or removed customers have an open connection: two, three; second has found" in description
