"""`navixy-operator demo` as its user runs it: a process of its own, and nothing left of it, however it ends."""

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

import pytest

from navixy_operator.sandbox import sample_data
from navixy_operator.sandbox.demo.changes import NEW_HASH_SEED
from navixy_operator.sandbox.sample_data import demo_customers, sample_hash

pytestmark = [pytest.mark.server, pytest.mark.e2e, pytest.mark.usefixtures("control_plane_assets")]

ROOT: Final = Path(__file__).parents[2]
SECONDS: Final = 240.0
LOOK_SECONDS: Final = 0.05
KEY_LINES: Final = (
    r"✓ cycle first: 149 of 149 expected connections are connected; 149 established, 2 closed, 15 customers skipped",
    r"✓ cycle second: 146 of 146 expected connections are connected; 3 established, 6 closed, 15 customers skipped",
    r"✓ F1\.1's open connections are exactly those of the 149 eligible customers, each with its own hash",
    r"✓ F1\.1's open connections are exactly those of the 146 eligible customers, each with its own hash",
    r"✓ each of these 9 customers is as it should be",
    r"✓ the other 169 NavixyCustomers were not written",
    r"\$ kubectl get navixysyncs,synccycles -n navixy-operator",
    r"navixysync\.dataforwarding\.io/main +completed +149 +149 .* True +Synchronized .*",
    r"c-\S+ +C-10001 +active +5 +Connected +connected +True +Connected .*",
    r"\(12 of 176 rows, chosen for their different reasons\)",
    r"\$ kubectl navixy explain C-10032 -n navixy-operator",
    r"Verdict +not eligible, InvalidHash: .*",
    r"\$ kubectl navixy plan -n navixy-operator",
    r"C-10201 +- +Connected +Establish +Eligible",
    r"second +main +completed +146 +146 +9 +3 +6 +0 +0 +Synchronized .*",
    r"✓ C-10001 is closed in F1\.1, and nobody else",
    r"✓ C-10002 has a new connection after \d+ s, without a cycle",
    r"✓ cycle third holds 40 closes, and made none",
    r"Cycle  third-approved-1 completed: 106 of 106 expected connections are connected; 40 closed, .*",
    r"✓ these 40 are closed, and nobody else",
    r"✓ the approval is used up: it counts once",
    r"✓ cycle fourth failed \(DatabaseUnavailable\), and opened and closed nothing",
    r"NavixySynchronizationFailure firing, severity high: The last synchronization failed",
    r"navixy_sync_last_cycle_success\{.*\} 0\.0",
    r"navixy_alerts\{alertname=\"NavixySynchronizationFailure\",.*\} 1\.0",
    r"main-synchronizationfailure-1 +main +SynchronizationFailure +Open +DatabaseUnavailable .*",
    r"✓ NavixySynchronizationFailure is resolved, and the webhook was told",
    r"main-synchronizationfailure-1 +main +SynchronizationFailure +Resolved +DatabaseUnavailable .*",
    r"\$ kubectl navixy status -n navixy-operator",
    r"\$ kubectl navixy audit --customer C-10019 -n navixy-operator",
    r"\S+ +second +ConnectionClosed +C-10019 +SuspendedConnected +automatic +Succeeded +Suspended; .*",
    r"No flaw: everything is as it was written\.",
    r"✓ none of 181 hashes is in the operator's log",
    r"✓ none of 181 hashes is in the audit trail",
    r"✓ All is as it should be\. The demo took \d+ s\.",
)


class Demo:
    """A demo that runs in a directory for temporary files of its own."""

    def __init__(self, directory: Path, *options: str, **environment: str) -> None:
        self.temporary = directory / "tmp"
        self.temporary.mkdir()
        self._output = directory / "output"
        with self._output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "navixy_operator", "demo", *options],
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env=os.environ | {"TMPDIR": str(self.temporary), "PYTHONPATH": str(ROOT / "operator")} | environment,
            )

    @property
    def output(self) -> str:
        """All that it has printed."""
        return self._output.read_text("utf-8")

    def has(self, pattern: str) -> bool:
        """Whether a whole line matches."""
        return re.search(f"^{pattern}$", self.output, re.MULTILINE) is not None

    def wait_for(self, pattern: str) -> None:
        """Wait until a whole line matches."""
        self.until(lambda: self.has(pattern) or self.process.poll() is not None, pattern)
        assert self.has(pattern), self.output

    def end(self) -> int:
        """Wait for its end: the exit code."""
        return self.process.wait(SECONDS)

    def until(self, condition: Callable[[], bool], what: str, seconds: float = SECONDS) -> None:
        """Wait until the condition holds."""
        deadline = time.monotonic() + seconds
        while not condition():
            assert time.monotonic() < deadline, f"{what}: not within {seconds:.0f} s; the output:\n{self.output}"
            time.sleep(LOOK_SECONDS)

    def left(self) -> list[str]:
        """Processes whose arguments or environment name the temporary directory, and what lies in it."""
        found = [str(path) for path in self.temporary.iterdir()]
        mark = str(self.temporary).encode()
        for process in Path("/proc").glob("[0-9]*"):
            try:
                arguments, environment = ((process / name).read_bytes() for name in ("cmdline", "environ"))
            except OSError:  # it has ended, or is not ours to look at
                continue
            if mark in arguments or mark in environment:
                found.append(arguments.replace(b"\0", b" ").decode("utf-8", "replace"))
        return found

    def leaves_nothing(self) -> None:
        """Fail when a process or a file is left."""
        assert self.left() == []


@contextmanager
def running(directory: Path, *options: str, **environment: str) -> Iterator[Demo]:
    """A demo that never outlives the test."""
    demo = Demo(directory, *options, **environment)
    try:
        yield demo
    finally:
        demo.process.kill()
        demo.process.wait()


def all_hashes() -> set[str]:
    """Every hash that the demo's customers ever have."""
    customers = [*demo_customers(200), *sample_data.eligible_customers(2, first_id=201)]
    held = {each.navixy_hash for customer in customers for each in customer.associations if each.navixy_hash}
    return {one.strip() for one in held if one.strip()} | {sample_hash(NEW_HASH_SEED)}


def test_the_demo_ends_by_itself(tmp_path: Path) -> None:
    """Exit code 0, the key lines in their order, no hash, no escape sequence, nothing left running or lying about."""
    with running(tmp_path) as demo:
        assert demo.end() == 0, demo.output
        demo.leaves_nothing()
        assert [line for line in KEY_LINES if not demo.has(line)] == []
        assert "✗" not in demo.output
        assert "Traceback" not in demo.output
        assert "\x1b" not in demo.output
        hashes = all_hashes()
        assert len(hashes) == 181
        assert [one for one in hashes if one in demo.output] == []
        acts = [int(number) for number in re.findall(r"^(\d)\. ", demo.output, re.MULTILINE)]
        assert acts == list(range(1, 10))


def test_keep_leaves_it_running_until_ctrl_c(tmp_path: Path) -> None:
    """The printed commands work as they are; Ctrl-C is its normal end, with nothing left."""
    with running(tmp_path, "--keep") as demo:
        demo.wait_for("Press Ctrl-C here to end it all; nothing stays behind.")
        usage = demo.output.partition("Everything keeps running")[2]
        commands = [line.strip() for line in usage.splitlines() if line.startswith("  ")]
        exports = [line for line in commands if line.startswith("export ")]
        tried = [line for line in commands if not line.startswith(("export ", "tail -f ", "curl "))]
        assert len(exports) == 3
        assert len(tried) == 12
        told = shell("\n".join(("set -e", *exports, *tried)))
        assert "C-10001  Shree Iyer Carriers  suspended" in told
        assert re.search(r"^C-10001 +connected +Disconnected +Close +Suspended$", told, re.MULTILINE), told
        assert re.search(r"^synccycle\.dataforwarding\.io/main-now-\w+ created$", told, re.MULTILINE), told
        explain = "\n".join((*exports, "kubectl navixy explain C-10001 -n navixy-operator"))
        demo.until(lambda: " disconnected since " in shell(explain), "the connection of C-10001 is closed")
        assert demo.process.poll() is None
        demo.process.send_signal(signal.SIGINT)
        assert demo.end() == 0, demo.output
        demo.leaves_nothing()
        assert demo.output.endswith("Stopping everything …\n")


@pytest.mark.parametrize(
    ("line", "number", "code"),
    [
        (r"1\. A cluster.*", signal.SIGINT, 130),
        (r" +[\d.]+ s +in_progress .*", signal.SIGTERM, 143),
    ],
    ids=["while etcd starts", "during a cycle"],
)
def test_a_signal_ends_it_at_any_time(tmp_path: Path, line: str, number: signal.Signals, code: int) -> None:
    """Stopped in the middle of it: said so, no traceback, nothing left."""
    with running(tmp_path) as demo:
        demo.wait_for(line)
        demo.process.send_signal(number)
        assert demo.end() == code, demo.output
        demo.leaves_nothing()
        assert demo.output.endswith("Stopping everything …\n")
        assert "Traceback" not in demo.output


def test_an_operator_that_does_not_start_fails_it(tmp_path: Path) -> None:
    """Exit code 1, the reason and the end of the operator's log; nothing left."""
    with running(tmp_path, LOG_LEVEL="NOISY") as demo:
        assert demo.end() == 1, demo.output
        demo.leaves_nothing()
        assert demo.has(r"✗ The demo failed: navixy-operator ended with exit code 3 before it was ready.*")
        assert "LOG_LEVEL must be one of DEBUG, INFO, WARNING, ERROR" in demo.output
        assert "Traceback" not in demo.output


def shell(script: str) -> str:
    """Run a script as a user would who pastes it into a shell; what it printed."""
    ended = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=SECONDS, check=False)  # noqa: S607 - as a user's
    assert ended.returncode == 0, ended.stderr
    return ended.stdout
