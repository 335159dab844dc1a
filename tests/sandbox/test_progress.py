"""Long work is seen: on a terminal and in a log."""

import contextlib
import io
import threading

import pytest
from rich.console import Console

from navixy_operator.sandbox.progress import PlainProgress, TerminalProgress, progress_for


def test_plain_lines() -> None:
    """A line at the beginning, reminders while it lasts, one at the end with the time it took."""
    stream = io.StringIO()
    reminded = threading.Event()

    class Watched(io.StringIO):
        def write(self, text: str) -> int:
            if "so far" in text:
                reminded.set()
            return stream.write(text)

    with PlainProgress(Watched(), remind=0.01).phase("Building"):
        assert reminded.wait(5)
    lines = stream.getvalue().splitlines()
    assert lines[0] == "Building …"
    assert lines[1] == "Building: 0 s so far"
    assert lines[-1] == "Building: done in 0 s"


def test_a_phase_that_fails() -> None:
    """The failure passes through and is shown as one."""
    stream = io.StringIO()
    with pytest.raises(RuntimeError), PlainProgress(stream).phase("Building"):
        raise RuntimeError
    assert stream.getvalue().splitlines()[-1] == "Building: failed after 0 s"


@pytest.mark.parametrize("fails", [False, True])
def test_terminal(*, fails: bool) -> None:
    """A finished phase leaves one line with its outcome."""
    stream = io.StringIO()
    progress = TerminalProgress(Console(file=stream, force_terminal=True, color_system=None, width=80))
    outcome = contextlib.suppress(RuntimeError)
    with outcome, progress.phase("Building [x]"):
        if fails:
            raise RuntimeError
    progress.note("a note")
    assert f"{'✗' if fails else '✓'} Building [x] (0 s)" in stream.getvalue()
    assert stream.getvalue().endswith("a note\n")


def test_the_stream_decides() -> None:
    """No spinner in a log."""
    assert isinstance(progress_for(io.StringIO()), PlainProgress)
