"""The deadline of a leader: the fence, the watchdog, and a process that ends itself whatever it is doing."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from navixy_operator.adapters.kube.client import KubeClient
from navixy_operator.adapters.kube.tenure import Tenure
from navixy_operator.errors import LeadershipLost
from support.kube_wire import Say, scripted

SOURCE = Path(__file__).parents[2] / "operator"
PATH = "/apis/dataforwarding.io/v1alpha1/namespaces/n/navixycustomers/x"


class Rig:
    """A tenure on a clock of ours; its deaths are written down, and wake who waits for one."""

    def __init__(self) -> None:
        self.now = 100.0
        self.deaths: list[str] = []
        self.died = threading.Event()
        self.tenure = Tenure(now=lambda: self.now, die=self._die)

    def _die(self, why: str) -> None:
        self.deaths.append(why)
        self.died.set()

    def passes(self) -> bool:
        """Whether the fence lets us act."""
        try:
            self.tenure.fence()
        except LeadershipLost:
            return False
        return True


@pytest.fixture
def rig() -> Iterator[Rig]:
    """A tenure that ends with the test."""
    rig = Rig()
    yield rig
    rig.tenure.end()


def test_the_fence_is_open_from_the_first_hold_to_the_deadline(rig: Rig) -> None:
    """Before: shut; within: open; from the deadline on: shut."""
    assert not rig.passes()
    rig.tenure.hold(110.0)
    assert rig.passes()
    assert rig.tenure.left == 10.0
    rig.now = 109.999
    assert rig.passes()
    rig.now = 110.0
    assert not rig.passes()
    assert rig.tenure.left == 0.0


def test_a_renewal_moves_the_deadline_and_never_back(rig: Rig) -> None:
    """An answer that was overtaken by a later one shortens nothing."""
    rig.tenure.hold(110.0)
    rig.tenure.hold(112.0)
    rig.tenure.hold(111.0)
    assert rig.tenure.left == 12.0
    assert rig.deaths == []


def test_a_renewal_after_the_deadline_comes_too_late(rig: Rig) -> None:
    """Its answer arrives when another may lead already: this is the end, not a new beginning."""
    rig.tenure.hold(110.0)
    rig.now = 130.0
    rig.tenure.hold(131.0)
    assert rig.deaths
    assert "in time" in rig.deaths[0]


def test_the_fence_is_shut_after_the_end_and_nobody_dies(rig: Rig) -> None:
    """Who gives up leading is past the fence at once; its deadline then means nothing."""
    rig.tenure.hold(110.0)
    rig.tenure.end()
    rig.tenure.end()
    assert not rig.passes()
    rig.now = 200.0
    rig.tenure.check()
    assert not rig.died.wait(0.5)


async def test_the_watchdog_sees_the_deadline_while_the_event_loop_is_blocked(rig: Rig) -> None:
    """It is a thread: a loop that does nothing any more does not hold it up."""
    rig.tenure.hold(110.0)
    assert not rig.died.wait(0.5)
    rig.now = 110.0
    assert rig.died.wait(2), "this blocks the loop"


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
async def test_no_write_passes_a_shut_fence_and_every_read_does(rig: Rig, method: str) -> None:
    """The client asks the fence before anything that changes the cluster."""
    async with scripted(Say(200, {})) as wire:
        client = KubeClient(wire.client._session, wire.url, fence=rig.tenure.fence)
        assert await client.request("GET", PATH) == {}
        with pytest.raises(LeadershipLost):
            await client.request(method, PATH, body={})
        assert [asked.method for asked in wire.asked] == ["GET"]
        rig.tenure.hold(110.0)
        assert await client.request(method, PATH, body={}) == {}


async def test_the_fence_is_asked_before_each_repeat(rig: Rig) -> None:
    """A write that failed is not repeated by a process whose time ran out in the pause."""

    async def sleep(seconds: float) -> None:
        rig.now += 60.0 + seconds

    async with scripted(Say(503), Say(200, {})) as wire:
        client = KubeClient(wire.client._session, wire.url, sleep=sleep, fence=rig.tenure.fence)
        rig.tenure.hold(110.0)
        with pytest.raises(LeadershipLost):
            await client.request("PATCH", PATH, body={})
        assert len(wire.asked) == 1


BEGIN = """
import signal, sys, time
from navixy_operator.adapters import logging_setup
from navixy_operator.adapters.kube.tenure import Tenure, since_boot
logging_setup.configure()
tenure = Tenure()
signal.signal(signal.SIGCONT, lambda *_: tenure.check())
tenure.hold(since_boot() + 1.0)
"""
BLOCKED = BEGIN + "time.sleep(60)"
BUSY = BEGIN + "while True: pass"
MUTE = BEGIN + "print('x' * 1_000_000, file=sys.stderr)"  # nobody reads: the pipe is full, the log is stuck
COUNTING = BEGIN + "while True: print(flush=True); time.sleep(0.001)"


def begun(program: str) -> "subprocess.Popen[bytes]":
    """A process whose time is a second."""
    environment = {**os.environ, "PYTHONPATH": str(SOURCE)}
    line = [sys.executable, "-c", program]
    return subprocess.Popen(line, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE)


@pytest.mark.slow
@pytest.mark.parametrize("program", [BLOCKED, BUSY, MUTE], ids=["blocked", "busy", "mute"])
def test_a_process_ends_itself_at_its_deadline(program: str) -> None:
    """With code 1, whatever it is doing, and with a last line where somebody reads it."""
    with begun(program) as process:
        try:
            assert process.wait(20) == 1
            assert process.stderr is not None
            said = process.stderr.read().decode()
        finally:
            process.kill()
    assert ("LeadershipLost" in said) is (program is not MUTE)


@pytest.mark.slow
def test_a_process_that_was_stopped_does_nothing_when_it_goes_on() -> None:
    """Stopped within its time and continued after it: the end comes before the next step of what it was doing."""
    with begun(COUNTING) as process:
        try:
            assert process.stdout is not None
            process.stdout.readline()
            process.send_signal(signal.SIGSTOP)
            os.set_blocking(process.stdout.fileno(), False)
            time.sleep(1.5)
            process.stdout.read()
            process.send_signal(signal.SIGCONT)
            assert process.wait(10) == 1
            assert not process.stdout.read()
        finally:
            process.kill()
