"""Real monitoring for a test: a webhook, an Alertmanager that sends to it, and Prometheus as the test wants it."""

import itertools
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any, Protocol

import pytest
from aiohttp import web

from navixy_operator.sandbox.errors import ProvisioningError
from navixy_operator.sandbox.monitoring import Alertmanager, Prometheus, Promtool, Setup, WebhookReceiver, programs
from navixy_operator.sandbox.monitoring.answers import Notification, Status
from navixy_operator.sandbox.progress import progress_for
from support.control_plane import unavailable


class StartPrometheus(Protocol):
    """Starts a Prometheus in a directory of its own; it is stopped when the test ends."""

    async def __call__(
        self,
        targets: Sequence[str] = (),
        *,
        rules: Sequence[Mapping[str, Any]] = (),
        alertmanager: str | None = None,
        setup: Setup | None = None,
    ) -> Prometheus:
        """Start it with these arguments of ``Prometheus``."""
        ...


class Exposed:
    """What a target shows: gauges by name, to be changed by the test."""

    def __init__(self, address: str, gauges: dict[str, float]) -> None:
        self.address = address
        self.gauges = gauges


def alert(name: str, expression: str) -> dict[str, Any]:
    """A rule file with one alert."""
    rule = {"alert": name, "expr": expression, "annotations": {"summary": "{{ $value }} of {{ $labels.site }}"}}
    return {"groups": [{"name": name, "rules": [rule]}]}


def came(name: str, status: Status) -> Callable[[Sequence[Notification]], bool]:
    """Whether there is a notification of the alert with that status."""
    return lambda notifications: any(name in one.names(status) for one in notifications)


@pytest.fixture(scope="session")
def monitoring_programs() -> None:
    """The programs are there; without them the test is skipped, or fails under CI."""
    progress = progress_for()
    try:
        for name in programs.PACKAGES:
            programs.find(name, progress)
    except ProvisioningError as error:
        unavailable("Prometheus, which these tests need,", error)


@pytest.fixture
async def webhook() -> AsyncIterator[WebhookReceiver]:
    """A running webhook."""
    async with WebhookReceiver() as receiver:
        yield receiver


@pytest.fixture
async def alertmanager(
    monitoring_programs: None, webhook: WebhookReceiver, tmp_path: Path
) -> AsyncIterator[Alertmanager]:
    """A running Alertmanager that sends to ``webhook``, and repeats nothing within a test."""
    del monitoring_programs
    async with Alertmanager(tmp_path / "alertmanager", webhook.url) as server:
        yield server


@pytest.fixture
async def start_prometheus(monitoring_programs: None, tmp_path: Path) -> AsyncIterator[StartPrometheus]:
    """Starts Prometheus, as often as it is called."""
    del monitoring_programs
    numbers = itertools.count(1)
    async with AsyncExitStack() as running:

        async def start(targets: Sequence[str] = (), **options: Any) -> Prometheus:
            directory = tmp_path / f"prometheus-{next(numbers)}"
            return await running.enter_async_context(Prometheus(directory, targets, **options))

        yield start


@pytest.fixture
def promtool(monitoring_programs: None) -> Promtool:
    """Checks rules and metrics."""
    del monitoring_programs
    return Promtool()


@pytest.fixture
async def exposed() -> AsyncIterator[Exposed]:
    """A target with two gauges, both 0."""
    gauges = {"jobs_failed": 0.0, "jobs_late": 0.0}

    async def show(_: web.BaseRequest) -> web.Response:
        return web.Response(text="".join(f"{name} {value}\n" for name, value in gauges.items()))

    runner = web.ServerRunner(web.Server(show))
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Exposed(f"127.0.0.1:{runner.addresses[0][1]}", gauges)
    await runner.cleanup()
