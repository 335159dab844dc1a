"""Run as a program beside each child: ends the child and all its descendants when the caller dies, however it dies.

The caller holds the writing end of the control pipe. The first line of it is the order (JSON: argv, env, cwd, user,
stop_signal); each byte after it is a signal for the child; its end means that the caller is gone, be it by SIGKILL.
A death signal (PR_SET_PDEATHSIG) of the child alone would not do: it fires when the *thread* that forked ends, and it
does not reach grandchildren. Here the child's death signal watches this single-threaded program, and descendants that
lose their parent are handed to this program (PR_SET_CHILD_SUBREAPER), which ends them. Standard library only.
"""

import contextlib
import ctypes
import json
import os
import select
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any, Final

PR_SET_PDEATHSIG: Final = 1
PR_SET_CHILD_SUBREAPER: Final = 36
ORPHAN_GRACE_SECONDS: Final = 5.0
SIGNALLED: Final = 128
NOT_STARTED: Final = 127


def main(control: int, status: int) -> int:
    """Start the ordered child, report its pid or the error on ``status``, and see it out; gives its exit code."""
    libc = ctypes.CDLL(None, use_errno=True)
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    wake = _wake_on_signals()
    order = _read_order(control)
    guard = os.getpid()

    def become() -> None:
        if order["user"] is not None:
            uid, gid = order["user"]
            os.setgroups([])
            os.setgid(gid)
            os.setuid(uid)
        # after the change of user, which clears it
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guard:
            os._exit(NOT_STARTED)

    try:
        # preexec_fn is safe here: this program has one thread; a group of its own lets us kill the child's group
        child = subprocess.Popen(  # noqa: S603 - the caller's own order
            order["argv"],
            env=order["env"],
            cwd=order["cwd"],
            stdin=subprocess.DEVNULL,
            preexec_fn=become,  # noqa: PLW1509 - one thread
            process_group=0,
        )
    except (OSError, subprocess.SubprocessError) as error:
        os.write(status, json.dumps({"error": str(error)}).encode())
        return NOT_STARTED
    os.write(status, json.dumps({"pid": child.pid}).encode())
    os.close(status)
    try:
        _supervise(child, control, wake, signal.Signals(order["stop_signal"]))
    finally:
        _end_descendants(child.pid)
    return child.returncode if child.returncode >= 0 else SIGNALLED - child.returncode


def _wake_on_signals() -> int:
    """Give a descriptor that becomes readable when a child ended or we are told to end."""
    reading, writing = os.pipe()
    os.set_blocking(writing, False)
    signal.set_wakeup_fd(writing)
    for number in (signal.SIGCHLD, signal.SIGTERM):
        signal.signal(number, lambda *_: None)
    for number in (signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    return reading


def _read_order(control: int) -> Any:
    line = bytearray()
    while not line.endswith(b"\n"):
        byte = os.read(control, 1)
        if not byte:  # the caller died before it said what to start
            sys.exit(NOT_STARTED)
        line += byte
    return json.loads(line)


def _supervise(child: subprocess.Popen[bytes], control: int, wake: int, stop_signal: signal.Signals) -> None:
    """Return when the child has ended: by itself, by a signal that the caller sent, or because the caller is gone."""
    deadline: float | None = None
    watched = [control, wake]
    while child.poll() is None:
        left = None if deadline is None else deadline - time.monotonic()
        if left is not None and left <= 0:
            child.kill()
            child.wait()
            return
        readable, _, _ = select.select(watched, [], [], left)
        told_to_end = wake in readable and signal.SIGTERM in os.read(wake, 512)
        orders = os.read(control, 64) if control in readable else None
        for number in orders or b"":
            child.send_signal(number)
        if orders == b"":
            watched.remove(control)
            told_to_end = True
        if told_to_end and deadline is None:
            child.send_signal(stop_signal)
            deadline = time.monotonic() + ORPHAN_GRACE_SECONDS


def _end_descendants(group: int) -> None:
    """Kill what is left: the child's group, then those that left it and were handed to us, until none is there."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(group, signal.SIGKILL)
    while True:
        for pid in _children():
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        try:
            os.waitpid(-1, 0)
        except ChildProcessError:
            return


def _children() -> list[int]:
    """The processes whose parent is this one."""
    found = []
    for entry in Path("/proc").iterdir():
        if not entry.name.isdigit():
            continue
        try:
            # the command, in parentheses, may hold anything; the state and the parent follow the last parenthesis
            parent = int((entry / "stat").read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError, ValueError):
            continue
        if parent == os.getpid():
            found.append(int(entry.name))
    return found


if __name__ == "__main__":
    sys.exit(main(int(sys.argv[1]), int(sys.argv[2])))
