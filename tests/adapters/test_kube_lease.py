"""One attempt at the lease, on a scripted API server and a clock of ours: who may write when, and what."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest

from navixy_operator.errors import KubernetesUnavailable
from support.leases import Rig, lease_rig


@pytest.fixture
async def rig() -> AsyncIterator[Rig]:
    """An API server with a lease that nobody holds."""
    async with lease_rig() as rig:
        yield rig


async def test_the_first_one_creates_the_lease(rig: Rig) -> None:
    """After the length of one, and the record is as Kubernetes' own: MicroTimes, no transitions."""
    rig.leases.lease = None
    one = rig.candidate("pod-1")
    assert not await one.attempt()
    rig.now += 14.9
    assert not await one.attempt()
    rig.now += 0.1
    assert await one.attempt()
    assert rig.leases.asked == ["GET", "GET", "GET", "POST"]
    moment = "2026-01-01T00:16:55.000000Z"
    assert rig.leases.spec == {
        "holderIdentity": one.identity,
        "leaseDurationSeconds": 15,
        "acquireTime": moment,
        "renewTime": moment,
        "leaseTransitions": 0,
    }
    assert one.identity.startswith("pod-1_")
    assert one.identity != rig.candidate("pod-1").identity
    assert rig.tenures[0].left == 10.0


async def test_a_renewal_is_one_write_on_what_was_written_last(rig: Rig) -> None:
    """Only renewTime changes; nothing is read; what others put on the lease stays."""
    one = rig.candidate("pod-1")
    await one.attempt()
    before = rig.leases.spec
    rig.now += 2.0
    assert await one.attempt()
    assert rig.leases.asked == ["GET", "PUT", "PUT"]
    assert rig.leases.spec == {**before, "renewTime": "2026-01-01T00:16:42.000000Z"}
    assert rig.tenures[0].left == 10.0


async def test_anothers_lease_is_left_until_it_expired_by_our_clock(rig: Rig) -> None:
    """Whatever the holder's clock says: 15 s from when we saw the record change, and not from what stands in it."""
    record = {"holderIdentity": "other", "leaseDurationSeconds": 15, "leaseTransitions": 4, "acquireTime": "then"}
    rig.leases.put(**record, renewTime="1999-01-01T00:00:00.000000Z")
    one = rig.candidate("pod-1")
    for _ in range(10):
        assert not await one.attempt()
        rig.now += 1.49
    rig.leases.put(**record, renewTime="2999-01-01T00:00:00.000000Z")
    assert not await one.attempt(), "it was renewed just before the end"
    rig.now += 14.9
    assert not await one.attempt()
    assert set(rig.leases.asked) == {"GET"}
    rig.now += 0.1
    assert await one.attempt()
    assert rig.leases.spec["holderIdentity"] == one.identity
    assert rig.leases.spec["leaseTransitions"] == 5
    assert rig.leases.spec["acquireTime"] == rig.leases.spec["renewTime"]


async def test_the_length_in_the_record_counts(rig: Rig) -> None:
    """Its holder acts by it: one that promised 60 s is given 60 s, and one that promised 3 s no more."""
    rig.leases.put(holderIdentity="other", leaseDurationSeconds=60)
    one = rig.candidate("pod-1")
    await one.attempt()
    rig.now += 59.0
    assert not await one.attempt()
    rig.leases.put(holderIdentity="other", leaseDurationSeconds=3)
    assert not await one.attempt()
    rig.now += 3.0
    assert await one.attempt()


@pytest.mark.parametrize("spec", [{}, {"holderIdentity": ""}, {"holderIdentity": None, "leaseTransitions": None}])
async def test_a_lease_of_nobody_is_taken_at_once(rig: Rig, spec: dict[str, Any]) -> None:
    """Given up, or made empty by a person."""
    rig.leases.put(**spec)
    assert await rig.candidate("pod-1").attempt()
    assert rig.leases.spec["leaseTransitions"] == 1


@pytest.mark.parametrize("there", [False, True], ids=["create", "take over"])
async def test_of_two_that_write_at_once_one_is_refused(rig: Rig, *, there: bool) -> None:
    """Both saw a lease that is free; the second to write has no time as a leader."""
    one, two = rig.candidate("pod-1"), rig.candidate("pod-2")
    if not there:
        rig.leases.lease = None
        assert not await one.attempt()
        rig.now += 15.0

    def meanwhile(method: str) -> None:
        if method != "GET":
            rig.leases.before = lambda _: None
            rig.leases.put(holderIdentity=two.identity, leaseDurationSeconds=15)

    rig.leases.before = meanwhile
    assert not await one.attempt()
    assert not rig.tenures[0].held
    assert not await one.attempt()
    assert rig.leases.spec["holderIdentity"] == two.identity


async def test_the_deadline_counts_from_the_beginning_of_the_request(rig: Rig) -> None:
    """Others may have seen the new record from the first moment on, however late we hear that it was written."""
    one = rig.candidate("pod-1")
    await one.attempt()
    rig.takes_up(4.0)
    assert await one.attempt()
    assert rig.tenures[0].left == 6.0


async def test_a_renewal_whose_answer_was_lost_is_found_and_goes_on(rig: Rig) -> None:
    """It was written, we did not hear of it: the next attempt reads, finds ourselves, and renews."""
    one = rig.candidate("pod-1")
    await one.attempt()
    rig.leases.after = lambda _method: (500, {})
    with pytest.raises(KubernetesUnavailable):
        await one.attempt()
    rig.leases.after = lambda _method: None
    assert await one.attempt()
    assert rig.leases.asked == ["GET", "PUT", "PUT", "GET", "PUT"]
    assert rig.leases.spec["leaseTransitions"] == 1


async def test_a_server_that_hangs_leaves_time_for_another_try(rig: Rig) -> None:
    """A call of the leader takes half of what is left at most."""
    one = rig.candidate("pod-1", seconds=3)
    await one.attempt()
    rig.leases.before = lambda _method: "hang"
    rig.now += 1.0
    loop = asyncio.get_running_loop()
    began = loop.time()
    with pytest.raises(KubernetesUnavailable, match=r"no answer about the lease navixy-operator within 0\.5 s"):
        await one.attempt()
    assert loop.time() - began < 1.0


async def test_a_deleted_lease_is_left_to_its_holder(rig: Rig) -> None:
    """Who saw a holder waits out what that one may count on; the holder makes the lease anew."""
    one, two = rig.candidate("pod-1"), rig.candidate("pod-2")
    await one.attempt()
    assert not await two.attempt()
    rig.leases.lease = None
    rig.now += 2.0
    assert not await two.attempt()
    assert not await one.attempt(), "it writes upon what is gone"
    assert await one.attempt()
    assert rig.leases.spec["holderIdentity"] == one.identity
    assert not await two.attempt()


async def test_who_starts_while_the_lease_is_deleted_leaves_it_to_its_holder(rig: Rig) -> None:
    """It never saw a holder, and yet there is one, who acts until its deadline."""
    one = rig.candidate("pod-1")
    await one.attempt()
    rig.leases.lease = None
    two = rig.candidate("pod-2")
    while rig.tenures[0].left:
        assert not await two.attempt()
        rig.now += 1.0
    assert not rig.tenures[1].held


async def test_a_renewal_just_before_the_deletion_counts(rig: Rig) -> None:
    """The candidate did not see it: it waits the whole length from when the lease is missing, of a longer one, too."""
    one, two = rig.candidate("pod-1", seconds=60), rig.candidate("pod-2")
    await one.attempt()
    assert not await two.attempt()
    rig.now += 30.0
    await one.attempt()
    rig.leases.lease = None
    assert not await two.attempt()
    rig.now += 59.9
    assert not await two.attempt()
    rig.now += 0.1
    assert await two.attempt()
