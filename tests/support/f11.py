"""The F1.1 simulator as a process: one for the session, emptied for each test."""

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest

from navixy_operator.adapters.forwarding import Clock
from navixy_operator.sandbox.f11.launch import Simulator

TOKEN = "token-of-the-tests"


class FakeTime:
    """A clock whose sleeps take no time."""

    def __init__(self) -> None:
        self.now = 1000.0
        self.slept: list[float] = []

    async def sleep(self, seconds: float) -> None:
        """Move the clock."""
        self.slept.append(seconds)
        self.now += seconds
        await asyncio.sleep(0)

    @property
    def clock(self) -> Clock:
        """For the code under test; chance always draws the most."""
        return Clock(monotonic=lambda: self.now, wall=lambda: self.now, sleep=self.sleep, uniform=lambda _, high: high)


@pytest.fixture(scope="session")
def f11_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulator]:
    """A simulator that lives as long as the session."""
    with Simulator(tmp_path_factory.mktemp("f11")) as simulator:
        yield simulator


@pytest.fixture
async def f11(f11_process: Simulator) -> Simulator:
    """An empty F1.1: ``url``, ``token``, and the methods of ``navixy_operator.sandbox.f11.launch.Simulator``.

    It may be killed and started again; tests find it running, empty, with the settings of its start.
    """
    f11_process.ensure()
    f11_process.write_token(TOKEN)
    await f11_process.reload_token()
    await f11_process.reset()
    return f11_process


@pytest.fixture
def own_f11(tmp_path: Path) -> Iterator[Simulator]:
    """A simulator of the test's own, not started yet: for tests that kill it or look at its files."""
    simulator = Simulator(tmp_path / "f11")
    yield simulator
    simulator.stop()
