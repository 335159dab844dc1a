"""Who attends to single customers goes on, whatever one of them brings about."""

import asyncio
from collections import Counter

import pytest
import structlog
from structlog.testing import capture_logs

from navixy_operator.attendant import Attendant
from navixy_operator.core.vocabulary import PIN, Kind
from navixy_operator.errors import KubernetesUnavailable
from navixy_operator.ports import Cluster
from support.builders import resource
from support.fakes import World


class Stage:
    """An attendant, what it was asked to attend to, and who makes that fail with what, so often."""

    def __init__(self, *, failing: Exception | None = None, times: int = 1000) -> None:
        world = World()
        self.asked: Counter[str] = Counter()
        self.attended: set[str] = set()
        self.failing, self.times = failing, times
        self.attendant = Attendant(Cluster(world.resources, world.recorder, world.clock), "main", self.attend)

    async def attend(self, names: frozenset[str]) -> frozenset[str]:
        """One pass."""
        self.asked.update(names)
        if self.failing is not None and "bad" in names and self.asked["bad"] <= self.times:
            raise self.failing
        self.attended |= names
        return frozenset()

    def pin(self, name: str) -> None:
        """Let it hear of a pin that nobody has heeded."""
        self.attendant.heard("MODIFIED", resource(Kind.CUSTOMER, name, annotations={PIN: "hold"}))

    async def until_attended(self, name: str) -> None:
        """Wait for it. Raises TimeoutError."""
        async with asyncio.timeout(5):
            while name not in self.attended:  # noqa: ASYNC110 - the passes are another task's
                await asyncio.sleep(0.01)


@pytest.fixture(autouse=True)
def _at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """No pause after what failed."""
    monkeypatch.setattr("navixy_operator.attendant.random.uniform", lambda *_: 0.0)


async def test_a_fault_of_ours_is_told_and_stops_nobody_else() -> None:
    """The customer who brings it about is not asked for again: each pass would fail as this one did."""
    stage = Stage(failing=ZeroDivisionError("a fault of ours"))
    structlog.reset_defaults()
    with capture_logs() as logs:
        attending = asyncio.create_task(stage.attendant.run())
        stage.pin("bad")
        await asyncio.sleep(0.2)
        stage.pin("good")
        await stage.until_attended("good")
    assert not attending.done()
    assert stage.asked == {"bad": 1, "good": 1}
    assert [(line["event"], line["log_level"], line["customers"]) for line in logs] == [("AttendBroke", "error", 1)]
    attending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attending


async def test_what_does_not_answer_is_asked_again() -> None:
    """An error that passes costs a pause: the same customers are attended to afterwards."""
    stage = Stage(failing=KubernetesUnavailable("the API server did not answer"), times=2)
    attending = asyncio.create_task(stage.attendant.run())
    stage.pin("bad")
    await stage.until_attended("bad")
    assert stage.asked == {"bad": 3}
    attending.cancel()
    with pytest.raises(asyncio.CancelledError):
        await attending
