"""A candidate's life: standing by, leading, losing, giving up; on a scripted API server and a clock of ours."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from structlog.testing import capture_logs

from navixy_operator.errors import ConfigurationError, KubernetesForbidden
from support.leases import Rig, lease_rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """An API server with a lease that nobody holds."""
    async with lease_rig() as rig:
        yield rig


async def test_a_candidate_stands_by_and_takes_over_when_the_holder_is_silent(rig: Rig) -> None:
    """It says once for whom it waits, looks every two seconds, and at the very moment of the expiry."""
    rig.leases.put(holderIdentity="other", leaseDurationSeconds=15)
    one = rig.candidate("pod-1")
    with capture_logs() as logs:
        await one.acquire()
    assert [(line["event"], line.get("holder")) for line in logs] == [
        ("StandingBy", "other"),
        ("LeadershipAcquired", None),
    ]
    assert logs[1]["waited_seconds"] == pytest.approx(15.0, abs=0.1)
    assert one.standing_by_for is None
    assert rig.tenures[0].left > 0
    await one.release()


async def test_a_candidate_waits_for_a_server_and_not_for_a_right(rig: Rig) -> None:
    """503 passes; 403 does not, nor does a namespace that is not there."""
    rig.leases.before = lambda _method: (503, {}) if len(rig.leases.asked) < 2 else (403, {})
    one = rig.candidate("pod-1")
    with pytest.raises(KubernetesForbidden, match="leases"):
        await one.acquire()
    rig.leases.lease = None
    rig.leases.before = lambda method: (404, {"message": 'namespaces "n" not found'}) if method == "POST" else None
    with pytest.raises(ConfigurationError, match="namespaces"):
        await one.acquire()


async def test_a_leader_that_finds_another_holder_ends_at_once(rig: Rig) -> None:
    """It does not wait for its own deadline; failures on the way there are told and not fatal."""
    one = rig.candidate("pod-1")
    await one.acquire()
    answers: list[Any] = [(503, {}), "steal"]

    def before(_method: str) -> Any:
        answer = answers.pop(0) if answers else None
        if answer == "steal":
            rig.leases.put(holderIdentity="other", leaseDurationSeconds=15)
            return None
        return answer

    rig.leases.before = before
    await asyncio.wait_for(rig.died.wait(), 10)
    assert rig.deaths == ["other holds it"]
    await one.release()
    assert rig.leases.spec["holderIdentity"] == "other", "what is another's is not cleared"


async def test_release_shuts_the_fence_first_and_lets_the_next_one_in(rig: Rig) -> None:
    """The holder is emptied, with a length of one second; transitions and acquisition stay truthful."""
    one, two = rig.candidate("pod-1"), rig.candidate("pod-2")
    await one.acquire()
    held: list[bool] = []
    rig.leases.before = lambda _method: held.append(rig.tenures[0].held)
    await one.release()
    assert not any(held[-1:])
    spec = rig.leases.spec
    assert (spec["holderIdentity"], spec["leaseDurationSeconds"], spec["leaseTransitions"]) == ("", 1, 1)
    assert await two.attempt()
    assert rig.leases.spec["leaseTransitions"] == 2
    await one.release()
    assert rig.leases.spec["holderIdentity"] == two.identity


async def test_release_without_a_server_is_told_and_over_soon(rig: Rig) -> None:
    """The next one then waits for the expiry; the stop does not."""
    one = rig.candidate("pod-1")
    await one.acquire()
    rig.leases.before = lambda _method: (500, {})
    with capture_logs() as logs:
        await one.release()
    assert [line["event"] for line in logs][-1] == "LeaseNotCleared"
    assert not rig.tenures[0].held


async def test_a_candidate_that_never_wrote_has_nothing_to_release(rig: Rig) -> None:
    """Told to stop while it stands by, it asks nothing more."""
    rig.leases.put(holderIdentity="other", leaseDurationSeconds=15)
    one = rig.candidate("pod-1")
    await one.attempt()
    await one.release()
    assert rig.leases.asked == ["GET"]


async def test_a_candidate_stopped_while_its_write_was_under_way_clears_it(rig: Rig) -> None:
    """The write came through, the answer did not: a lease of a process that is gone would hold up the next one."""
    one = rig.candidate("pod-1")
    written = asyncio.Event()

    def after(method: str) -> str | None:
        if method != "PUT":
            return None
        written.set()
        return "hang"

    rig.leases.after = after
    acquiring = asyncio.create_task(one.acquire())
    await asyncio.wait_for(written.wait(), 5)
    acquiring.cancel()
    await asyncio.gather(acquiring, return_exceptions=True)
    assert rig.leases.spec["holderIdentity"] == one.identity
    await one.release()
    assert rig.leases.spec["holderIdentity"] == ""
