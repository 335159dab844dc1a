"""Child processes: started, watched, stopped, and never left behind."""

import json
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from navixy_operator.sandbox.errors import ProcessError
from navixy_operator.sandbox.process import Process, Program

# a child with a child of its own that has left for another session, as daemons do; both write their pids
FAMILY = 'echo $$ >>"$0"; setsid sh -c \'echo $$ >>"$0"; exec sleep 600\' "$0" & exec sleep 600'


@pytest.fixture
def log(tmp_path: Path) -> Path:
    """Where a process writes."""
    return tmp_path / "log"


def until(condition: Callable[[], bool], what: str, seconds: float = 15.0) -> None:
    """Wait until the condition holds."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, what
        time.sleep(0.02)


def alive(pid: int) -> bool:
    """Whether the process exists (a zombie does not count)."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False


def pids(file: Path, count: int) -> list[int]:
    """The pids in ``file``, once there are ``count``."""
    until(lambda: file.exists() and len(file.read_text().split()) == count, f"{count} pids in {file}")
    return [int(pid) for pid in file.read_text().split()]


def test_stop_ends_the_child_and_its_daemons(log: Path, tmp_path: Path) -> None:
    """Nothing of the family is left after a stop, not even what left the session."""
    with Process(Program(name="family", argv=["sh", "-c", FAMILY, str(tmp_path / "pids")], log=log)) as process:
        family = pids(tmp_path / "pids", 2)
        assert process.pid == family[0]
        assert all(map(alive, family))
        assert process.poll() is None
    assert not any(map(alive, family))


def test_a_child_that_ends_takes_its_daemons_with_it(log: Path, tmp_path: Path) -> None:
    """A server that crashes leaves no worker behind."""
    with Process(Program(name="family", argv=["sh", "-c", FAMILY, str(tmp_path / "pids")], log=log)) as process:
        family = pids(tmp_path / "pids", 2)
        process.send(signal.SIGKILL)
        assert process.wait(10) == 128 + signal.SIGKILL
    assert not any(map(alive, family))


def test_nothing_outlives_a_caller_that_is_killed(tmp_path: Path) -> None:
    """SIGKILL of the caller ends the family; the end of the thread that started it does not."""
    source = f"""
        import pathlib, threading, time
        from navixy_operator.sandbox.process import Process, Program
        argv = ["sh", "-c", {FAMILY!r}, {str(tmp_path / "pids")!r}]
        process = Process(Program(name="family", argv=argv, log=pathlib.Path({str(tmp_path / "log")!r})))
        thread = threading.Thread(target=process.start)
        thread.start()
        thread.join()
        print("started", flush=True)
        time.sleep(600)
    """
    with subprocess.Popen([sys.executable, "-c", textwrap.dedent(source)], stdout=subprocess.PIPE) as caller:
        assert caller.stdout is not None
        assert caller.stdout.readline() == b"started\n"
        family = pids(tmp_path / "pids", 2)
        guard = int(Path(f"/proc/{family[0]}/stat").read_text().rpartition(")")[2].split()[1])
        assert all(map(alive, [*family, guard]))
        caller.kill()
    until(lambda: not any(map(alive, [*family, guard])), "the family has ended")


def test_a_killed_guard_takes_the_child_with_it(log: Path) -> None:
    """The child's death signal watches the guard."""
    with Process(Program(name="sleeper", argv=["sleep", "600"], log=log)) as process:
        child = process.pid
        guard = int(Path(f"/proc/{child}/stat").read_text().rpartition(")")[2].split()[1])
        os.kill(guard, signal.SIGKILL)
        until(lambda: not alive(child), "the child has ended")


@pytest.mark.parametrize("state", ["stubborn", "frozen"])
def test_stop_ends_what_does_not_listen(state: str, log: Path) -> None:
    """A child that ignores the stop signal is killed after the grace; a frozen one hears the signal."""
    trap = "trap '' TERM; " if state == "stubborn" else ""
    process = Process(Program(name=state, argv=["sh", "-c", f"{trap}echo on; while :; do sleep 0.1; done"], log=log))
    process.start().wait_ready(lambda: "on" in process.log_tail())
    child = process.pid
    if state == "frozen":
        process.send(signal.SIGSTOP)
    process.stop(grace=0.3 if state == "stubborn" else 10)
    assert not alive(child)


def test_readiness_ends_with_the_log_when_the_child_dies(log: Path) -> None:
    """The error says the exit code and what the program wrote last."""
    with (
        Process(Program(name="server", argv=["sh", "-c", "echo no such option >&2; exit 3"], log=log)) as process,
        pytest.raises(ProcessError, match=r"(?s)server ended with exit code 3 before .*no such option"),
    ):
        process.wait_ready(lambda: False)


def test_readiness_has_a_deadline(log: Path) -> None:
    """The error says for how long and the last reason."""

    def refuse() -> bool:
        message = "connection refused"
        raise ConnectionRefusedError(message)

    with (
        Process(Program(name="server", argv=["sleep", "600"], log=log)) as process,
        pytest.raises(ProcessError, match=r"not ready within 0 s: connection refused"),
    ):
        process.wait_ready(refuse, timeout=0.1)


def test_no_such_program(log: Path) -> None:
    """A missing program is told at once, and nothing runs."""
    process = Process(Program(name="ghost", argv=["/no/such/program"], log=log))
    with pytest.raises(ProcessError, match=r"ghost could not be started: .*No such file"):
        process.start()
    assert process.poll() is None


def test_environment_directory_and_restart(log: Path, tmp_path: Path) -> None:
    """The child gets exactly the environment and directory given; the same object starts again; the log goes on."""
    program = Program(
        name="env", argv=["/usr/bin/env"], log=log, env={"TOKEN": "s3cret", "LD_LIBRARY_PATH": "/nowhere"}, cwd=tmp_path
    )
    process = Process(program)
    for _ in range(2):
        with process:
            assert process.wait(10) == 0
    assert log.read_text().split().count("TOKEN=s3cret") == 2
    assert "HOME" not in log.read_text()
    assert "s3cret" not in repr(program)


def test_the_environment_is_on_no_command_line(log: Path) -> None:
    """Neither the guard's nor the child's arguments show the environment."""
    with Process(Program(name="sleeper", argv=["sleep", "600"], log=log, env={"TOKEN": "s3cret"})) as process:
        guard = Path(f"/proc/{process.pid}/stat").read_text().rpartition(")")[2].split()[1]
        shown = [Path(f"/proc/{pid}/cmdline").read_bytes() for pid in (guard, process.pid)]
    assert not any(b"s3cret" in line for line in shown)


def test_another_user(log: Path) -> None:
    """Root's child runs as the user that is named, without root's groups; another one's child as its caller."""
    code = "import os, json; print(json.dumps([os.getuid(), os.getgroups()]))"
    with Process(Program(name="id", argv=["python3", "-c", code], log=log, user="nobody")) as process:
        assert process.wait(10) == 0
    uid, groups = json.loads(log.read_text())
    assert (uid, groups) == (65534, []) if os.geteuid() == 0 else uid == os.getuid()


def test_starting_twice_is_an_error(log: Path) -> None:
    """A second start of what runs would lose the first."""
    with Process(Program(name="sleeper", argv=["sleep", "600"], log=log)) as process:
        with pytest.raises(ProcessError, match="runs already"):
            process.start()
        assert alive(process.pid)


async def test_asynchronous_use(log: Path) -> None:
    """As an asynchronous context manager it starts and stops without blocking the loop."""
    async with Process(Program(name="sleeper", argv=["sleep", "600"], log=log)) as process:
        child = process.pid
        assert alive(child)
    assert not alive(child)
