"""Child processes that never outlive the caller, even one that is killed: each runs beside a guard (``guard.py``)."""

import json
import os
import pwd
import select
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final, NoReturn, Self

from navixy_operator.sandbox.errors import ProcessError
from navixy_operator.sandbox.lifespan import Lifespan

GUARD: Final = Path(__file__).with_name("guard.py")
START_SECONDS: Final = 20.0
STOP_SECONDS: Final = 15.0
POLL_SECONDS: Final = (0.02, 0.25)
LOG_TAIL_BYTES: Final = 16_384


@dataclass(frozen=True, slots=True, kw_only=True)
class Program:
    """What to run. Its output is appended to the file ``log``; ``env`` None: the caller's environment.

    ``user``: run as this user (name or uid) where the caller is root, as servers that refuse root need it; ignored
    otherwise. ``stop_signal`` asks the program to stop in good order. Never put a secret into ``argv``.
    """

    name: str
    argv: Sequence[str]
    log: Path
    env: Mapping[str, str] | None = field(default=None, repr=False)
    cwd: Path | None = None
    user: str | int | None = None
    stop_signal: signal.Signals = signal.SIGTERM


class Process(Lifespan):
    """A running ``Program``. A context manager, synchronous and asynchronous, that starts and stops it."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self._guard: subprocess.Popen[bytes] | None = None
        self._control: int | None = None
        self._pid: int | None = None

    @property
    def pid(self) -> int:
        """The program's own process id (not its guard's)."""
        if self._pid is None:
            message = f"{self.program.name} was not started"
            raise ProcessError(message)
        return self._pid

    def start(self) -> Self:
        """Start it; does not wait until it is ready.

        Raises:
            ProcessError: it runs already, or there is no such program.
        """
        if self.poll() is None and self._guard is not None:
            message = f"{self.program.name} runs already"
            raise ProcessError(message)
        self.stop()
        control, self._control = os.pipe()
        answer, status = os.pipe()
        try:
            self._guard = self._start_guard(control, status)
        finally:
            os.close(control)
            os.close(status)
        try:
            self._pid = self._hand_over(answer)
        except BaseException:
            self.stop(grace=1)
            raise
        finally:
            os.close(answer)
        return self

    def wait_ready(self, ready: Callable[[], bool], *, timeout: float = 30.0) -> None:
        """Wait until ``ready()`` is true; an OSError of it means not yet. ``timeout`` in seconds.

        Raises:
            ProcessError: the program ended, or was not ready in time.
        """
        deadline = time.monotonic() + timeout
        pause, longest = POLL_SECONDS
        last = ""
        while True:
            try:
                if ready():
                    return
            except OSError as error:
                last = f": {error}"
            if (code := self.poll()) is not None:
                self._fail(f"ended with exit code {code} before it was ready")
            if time.monotonic() > deadline:
                self._fail(f"was not ready within {timeout:.0f} s{last}")
            time.sleep(pause)
            pause = min(pause * 1.5, longest)

    def poll(self) -> int | None:
        """The exit code (128 and more: ended by that signal), or None while it runs or was never started."""
        return self._guard.poll() if self._guard else None

    def wait(self, timeout: float) -> int:
        """Wait at most ``timeout`` seconds for its end and give the exit code.

        Raises:
            ProcessError: it still runs.
        """
        if self._guard is None:
            self._fail("was not started")
        try:
            return self._guard.wait(timeout)
        except subprocess.TimeoutExpired:
            self._fail(f"still runs after {timeout:.0f} s")

    def send(self, number: signal.Signals) -> None:
        """Send it a signal, for instance to freeze or kill it in a fault test; nothing if it has ended."""
        if self._control is not None:
            try:
                os.write(self._control, bytes([number]))
            except BrokenPipeError:
                return

    def stop(self, *, grace: float = STOP_SECONDS) -> None:
        """Stop it in good order, or kill it when ``grace`` seconds are over. Nothing if it does not run."""
        if self._guard is None:
            return
        self.send(self.program.stop_signal)
        self.send(signal.SIGCONT)  # a frozen one would not hear of it
        try:
            self._guard.wait(grace)
        except subprocess.TimeoutExpired:
            self.send(signal.SIGKILL)
            self._guard.wait(grace)
        finally:
            if self._control is not None:
                os.close(self._control)
            self._guard = self._control = self._pid = None

    def log_tail(self, lines: int = 20) -> str:
        """The last lines of its log."""
        if not self.program.log.exists():
            return ""
        with self.program.log.open("rb") as log:
            log.seek(max(0, log.seek(0, os.SEEK_END) - LOG_TAIL_BYTES))
            text = log.read().decode(errors="replace")
        return "\n".join(text.splitlines()[-lines:])

    def _start_guard(self, control: int, status: int) -> subprocess.Popen[bytes]:
        self.program.log.parent.mkdir(parents=True, exist_ok=True)
        arguments = [sys.executable, "-I", "-S", str(GUARD), str(control), str(status), self.program.name]
        with self.program.log.open("ab") as log:
            return subprocess.Popen(  # noqa: S603 - our own program
                arguments,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                # the program's environment may name other libraries, so that the guard must not have it
                env={},
                cwd="/",
                pass_fds=(control, status),
                start_new_session=True,
            )

    def _hand_over(self, answer: int) -> int:
        """Tell the guard what to start and give the pid that it answers."""
        program = self.program
        order = {
            "argv": [str(part) for part in program.argv],
            "env": dict(os.environ if program.env is None else program.env),
            "cwd": str(program.cwd or Path.cwd()),
            "user": _user(program.user),
            "stop_signal": program.stop_signal,
        }
        if self._control is None:
            self._fail("was not started")
        with os.fdopen(os.dup(self._control), "wb") as control:
            control.write(json.dumps(order).encode() + b"\n")
        readable, _, _ = select.select([answer], [], [], START_SECONDS)
        told: dict[str, Any] = json.loads((os.read(answer, 4096) if readable else b"") or b"{}")
        if "pid" not in told:
            self._fail(f"could not be started: {told.get('error', 'its guard did not answer')}")
        return int(told["pid"])

    def _fail(self, what: str) -> NoReturn:
        tail = self.log_tail()
        told = f"; the end of {self.program.log}:\n{tail}" if tail else ""
        message = f"{self.program.name} {what}{told}"
        raise ProcessError(message) from None


def _user(user: str | int | None) -> tuple[int, int] | None:
    """The uid and gid to become, or None where nothing is asked or we are not root anyway."""
    if user is None or os.geteuid() != 0:
        return None
    entry = pwd.getpwnam(user) if isinstance(user, str) else pwd.getpwuid(user)
    return entry.pw_uid, entry.pw_gid
