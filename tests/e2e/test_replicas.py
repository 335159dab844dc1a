"""Two replicas on one namespace: one works, the other takes over, and never do both act (production's durations)."""

import asyncio
import json
import signal
import time
from collections.abc import AsyncIterator
from datetime import datetime
from itertools import pairwise
from pathlib import Path
from typing import Any, Final

import aiohttp
import pytest

from navixy_operator.sandbox.deployment import Operator
from navixy_operator.sandbox.sample_data import eligible_customers
from support import telling
from support.operator import Site

pytestmark = [pytest.mark.server, pytest.mark.e2e]

FLEET: Final = 40
TAKEOVER_SECONDS: Final = 20.0
HANDOVER_SECONDS: Final = 5.0
CHANGES: Final = ("POST /v1/connections", "DELETE /v1/connections/{id}")
ENDS: Final = {"LeadershipReleased", "LeadershipLost"}


def logged(operator: Operator, *events: str) -> list[dict[str, Any]]:
    """The lines of these events in an operator's log, over all its lives."""
    lines = operator.log.read_text("utf-8").splitlines()
    found = [json.loads(line) for line in lines if line.startswith("{") and line.endswith("}")]
    return [line for line in found if line["event"] in events]


async def told(operator: Operator, event: str, *, times: int = 1, seconds: float = 60.0) -> None:
    """Wait until an operator has logged an event so often. Raises TimeoutError."""
    async with asyncio.timeout(seconds):
        while len(logged(operator, event)) < times:  # noqa: ASYNC110 - another process's log
            await asyncio.sleep(0.05)


@pytest.fixture
async def standby(site: Site, tmp_path: Path) -> AsyncIterator[Operator]:
    """A second operator beside the site's own, which leads."""
    await told(site.operator, "LeadershipAcquired")
    operator = Operator(site.plane, tmp_path / "standby", site.namespace, environment={"POD_NAME": "standby"})
    async with operator:
        await told(operator, "StandingBy")
        yield operator


async def in_mid_cycle(site: Site) -> None:
    """Begin the cycle ``cut``, of a patient operator that does more at once."""
    # answers that were under way while a process was frozen are taken, and the next requests would follow at once
    await telling.in_mid_cycle(site, concurrency=4, timeoutSeconds=60)


async def changes(site: Site) -> dict[str, int]:
    """How often F1.1 was asked to open or close a connection."""
    return {name: await site.f11.count(name) for name in CHANGES}


async def assert_all_is_put_right(site: Site) -> None:
    """The cycle that was cut is marked, the next one finishes its work, and nobody was opened twice."""
    await site.f11.settings(latency_seconds=0)
    cut = (await site.kubectl.ended("cut"))["status"]
    assert (cut["phase"], cut["reason"]) == ("failed", "Interrupted")
    status = await site.cycle("after")
    assert (status["phase"], status["counts"]["actual"]) == ("completed", FLEET)
    assert all(len(found) == 1 for found in (await site.open_connections()).values())
    opened = [change["customer_ref"] for change in await site.f11.history() if change["after"] == "pending"]
    assert len(opened) == len(set(opened)) == FLEET, "no customer was opened twice"


async def test_one_of_two_works(site: Site, standby: Operator) -> None:
    """All cycles are the leader's; the other is as ready as it, says for whom it stands by, and ends at once with 0."""
    site.fill(list(eligible_customers(5)))
    await site.deploy()
    for name in ("one", "two", "three"):
        await site.cycle(name)
    started = [line["cycle"] for line in logged(site.operator, "SynchronizationStarted")]
    assert started == ["one", "two", "three"]
    assert logged(standby, "LeadershipAcquired", "SynchronizationStarted") == []
    assert await changes(site) == {CHANGES[0]: 5, CHANGES[1]: 0}
    (waiting,) = logged(standby, "StandingBy")
    assert waiting["holder"] == logged(site.operator, "LeadershipAcquired")[0]["identity"]
    async with aiohttp.ClientSession() as session:
        for path in ("healthz", "readyz"):
            async with session.get(f"http://127.0.0.1:{standby.port}/{path}") as answer:
                assert (answer.status, await answer.json()) == (200, {"status": "ok"})
    began = time.monotonic()
    standby.process.send(signal.SIGTERM)
    assert await asyncio.to_thread(standby.process.wait, 10) == 0
    assert time.monotonic() - began < 2.0
    assert (await site.cycle("four"))["phase"] == "completed"


async def test_the_other_takes_over_from_one_that_was_killed(site: Site, standby: Operator) -> None:
    """SIGKILL in mid-cycle: within 20 s the other leads, marks the cycle, and the next cycle finishes."""
    await in_mid_cycle(site)
    began = time.monotonic()
    site.operator.process.send(signal.SIGKILL)
    await told(standby, "LeadershipAcquired", seconds=TAKEOVER_SECONDS)
    await site.kubectl.in_phase("cut", "failed", seconds=began + TAKEOVER_SECONDS - time.monotonic())
    await assert_all_is_put_right(site)


async def test_the_other_takes_over_at_once_from_one_that_was_told_to_stop(site: Site, standby: Operator) -> None:
    """SIGTERM in mid-cycle: the leader marks the cycle, gives the lease up, ends with 0; the other leads in seconds."""
    await in_mid_cycle(site)
    site.operator.process.send(signal.SIGTERM)
    await told(standby, "LeadershipAcquired", seconds=HANDOVER_SECONDS)
    assert await asyncio.to_thread(site.operator.process.wait, 10) == 0
    stopped = logged(site.operator, "LeadershipReleased", "OperatorStopped")
    assert [line["event"] for line in stopped] == ["LeadershipReleased", "OperatorStopped"]
    await assert_all_is_put_right(site)


async def test_the_other_knows_the_customers_when_it_takes_over(site: Site, standby: Operator) -> None:
    """It has watched them while it stood by: no list of 10,000 between the end of one and the work of the other."""
    site.fill(list(eligible_customers(5)))
    await site.deploy()
    await site.cycle("one")
    before = await site.plane.request_counts()
    site.operator.process.send(signal.SIGTERM)
    await told(standby, "LeadershipAcquired", seconds=HANDOVER_SECONDS)
    assert (await site.cycle("two"))["counts"]["actual"] == 5
    spent = await site.plane.request_counts() - before
    assert [request for request in spent if (request.verb, request.resource) == ("LIST", "navixycustomers")] == []


async def test_a_leader_that_was_frozen_sends_nothing_more(site: Site, standby: Operator) -> None:
    """SIGSTOP in mid-cycle, and SIGCONT after the other took over: it ends itself, and F1.1 never hears of it again."""
    await in_mid_cycle(site)
    site.operator.process.send(signal.SIGSTOP)
    await told(standby, "LeadershipAcquired", seconds=TAKEOVER_SECONDS)
    assert (await changes(site))[CHANGES[0]] < FLEET, "there was more to do for the one that is frozen"
    await assert_all_is_put_right(site)
    before, resources = await changes(site), await site.kubectl.list("synccycles")
    site.operator.process.send(signal.SIGCONT)
    assert await asyncio.to_thread(site.operator.process.wait, 5) == 1
    assert [line["level"] for line in logged(site.operator, "LeadershipLost")] == ["error"]
    assert logged(site.operator, "LeadershipReleased") == []
    await asyncio.sleep(1.0)
    assert await changes(site) == before
    assert await site.kubectl.list("synccycles") == resources, "nor did the API server"
    assert (await site.cycle("last"))["phase"] == "completed"


async def test_the_times_of_leading_never_overlap(site: Site, standby: Operator) -> None:
    """Each is restarted in turn while cycles run: by their logs, one leads after the other, and no two cycles meet."""
    site.fill(list(eligible_customers(FLEET)))
    await site.f11.settings(latency_seconds=0.05, settle_seconds=0.2)
    await site.deploy(forwarding={"concurrency": 4})
    leader, other = site.operator, standby
    for number in range(6):
        site.sql(f"UPDATE customers SET state = '{'suspended' if number % 2 else 'active'}'")
        await site.kubectl.start_cycle(f"cycle-{number}", sync="main")
        async with site.waiting():
            while f"cycle-{number}" not in [line["cycle"] for line in logged(leader, "SynchronizationStarted")]:
                await site.pause()
        terms = len(logged(other, "LeadershipAcquired"))
        leader.process.send(signal.SIGTERM)
        await told(other, "LeadershipAcquired", times=terms + 1, seconds=HANDOVER_SECONDS)
        await leader.stop()
        await leader.start()
        leader, other = other, leader
    await leader.stop()
    await other.stop()
    for begins, ends in (({"LeadershipAcquired"}, ENDS), ({"SynchronizationStarted"}, CYCLE_ENDS)):
        spans = sorted(span for operator in (site.operator, standby) for span in times(operator, begins, ends))
        assert len(spans) >= 6
        assert all(before[1] <= after[0] for before, after in pairwise(spans)), spans


CYCLE_ENDS: Final = {"SynchronizationCompleted", "SynchronizationFailed", *ENDS}


def times(operator: Operator, begins: set[str], ends: set[str]) -> list[tuple[datetime, datetime]]:
    """From each line that begins something to the next one that ends it."""
    spans: list[tuple[datetime, datetime]] = []
    began: datetime | None = None
    for line in logged(operator, *begins, *ends):
        at = datetime.fromisoformat(line["timestamp"])
        if line["event"] in begins:
            assert began is None
            began = at
        elif began is not None:
            spans.append((began, at))
            began = None
    assert began is None
    return spans
