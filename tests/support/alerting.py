"""Alertmanager in memory, and a NavixySync whose alerts are pushed to it."""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Final

from navixy_operator.core.vocabulary import AlertName, Kind
from navixy_operator.errors import AlertmanagerUnavailable
from navixy_operator.execution import Desk
from navixy_operator.ports import Alert
from navixy_operator.runner import Runner
from navixy_operator.syncstatus import SyncStatus
from support.fakes import FakeClock
from support.stage import Stage

URL: Final = "http://alertmanager:9093"


@dataclass
class FakeAlerting:
    """Keeps what is pushed, as Alertmanager does: one alert for a set of labels, over when its end has come."""

    clock: FakeClock
    down: bool = False
    tried: int = 0
    pushes: list[tuple[str, tuple[Alert, ...]]] = field(default_factory=list)

    async def push(self, url: str, alerts: Sequence[Alert]) -> None:
        """Take them, or be down."""
        self.tried += 1
        if self.down:
            message = f"the Alertmanager at {url} did not take the alerts"
            raise AlertmanagerUnavailable(message)
        assert all(alert.starts_at <= alert.ends_at for alert in alerts), "Alertmanager refuses the others"
        self.pushes.append((url, tuple(alerts)))

    @property
    def known(self) -> dict[str, Alert]:
        """The alerts by name, as they were pushed last."""
        return {alert.labels["alertname"]: alert for _, alerts in self.pushes for alert in alerts}

    def firing(self) -> set[str]:
        """Names of the alerts that have not ended."""
        return {name for name, alert in self.known.items() if alert.ends_at > self.clock.now()}

    def resolved(self) -> set[str]:
        """Names of those that have."""
        return self.known.keys() - self.firing()


class AlertStage(Stage):
    """A NavixySync ``main`` with an Alertmanager; no cycle is due by itself."""

    def __init__(self, *, url: str | None = URL, alerts: dict[str, Any] | None = None, **spec: Any) -> None:
        told = {**({} if url is None else {"alertmanagerUrl": url}), **(alerts or {})}
        super().__init__(alerts=told, **spec)
        self.ran_last("2026-03-01T03:00:00Z")
        self.alerting = FakeAlerting(self.world.clock)
        self.cluster = replace(self.cluster, alerting=self.alerting)
        self.restart()

    def restart(self) -> None:
        """Another process goes on with what the status says."""
        desk = Desk(self.cluster, self.connect, SyncStatus(self.cluster, "default", "main"))
        self.runner = Runner("default", "main", ("default",), desk)

    async def run_cycle(self, name: str, **more: Any) -> None:
        """One cycle, a minute after all else; the turn that follows it, and the looks that these ask for."""
        await self.pass_time(60)
        self.cycle(name, created_at=self.cluster.clock.now().strftime("%Y-%m-%dT%H:%M:%SZ"), **more)
        await self.runner.turn()
        await self.turn()

    async def turn(self) -> None:
        """One turn of the runner, with a drift pass if one is due, and the looks that it asks for."""
        await self.runner.turn()
        await self.look()

    async def look(self) -> None:
        """Look until no other look is due at once."""
        assert await self.runner.lookout.look()
        while self.runner.lookout.alarm.rest() == 0:
            assert await self.runner.lookout.look()

    async def pass_time(self, seconds: float) -> None:
        """Nothing happens for so long."""
        await self.world.clock.sleep(seconds)

    def kept(self) -> dict[str, bool]:
        """The alerts of the status, and whether each is over."""
        entries = self.status(Kind.SYNC, "main").get("alerts", ())
        return {entry["name"]: entry.get("resolved", False) for entry in entries}

    def told(self, event: str) -> list[str]:
        """The alerts of which observers have heard this, in order."""
        return [str(fact.details["alert"]) for fact in self.world.facts if fact.event == event]

    def posted(self, event: str) -> list[str]:
        """The messages of the Events of this name, all of them about the NavixySync."""
        found = [entry for entry in self.world.recorder.events if entry[1] == event]
        assert all(about == "NavixySync/main" for about, _, _, _ in found)
        return [message for _, _, message, _ in found]

    def is_over(self, name: AlertName) -> bool:
        """Whether an alert was pushed, and its end as well, and nothing of it is left."""
        return name in self.alerting.resolved() and name not in self.kept()
