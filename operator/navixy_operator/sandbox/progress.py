"""Shows long work: a spinner with the elapsed time on a terminal, plain lines elsewhere, nothing when quiet."""

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.progress import Progress as Bars
from rich.progress import SpinnerColumn, TextColumn, TimeElapsedColumn

REMIND_SECONDS: Final = 15.0


class Progress(Protocol):
    """Told of each phase of a long piece of work."""

    def phase(self, text: str) -> AbstractContextManager[None]:
        """Announce a phase; it lasts as long as the context, and failed if the context raises."""
        ...

    def note(self, text: str) -> None:
        """Say something that a person should know."""
        ...


class Quiet:
    """Shows nothing."""

    @contextmanager
    def phase(self, text: str) -> Iterator[None]:
        """Do nothing about ``text``."""
        del text
        yield

    def note(self, text: str) -> None:
        """Do nothing about ``text``."""


class PlainProgress:
    """Lines for a log: when a phase begins, that it still runs (every ``remind`` seconds), and how long it took."""

    def __init__(self, stream: TextIO, remind: float = REMIND_SECONDS) -> None:
        self._stream = stream
        self._remind = remind

    @contextmanager
    def phase(self, text: str) -> Iterator[None]:
        """Write the lines of one phase."""
        begun = time.monotonic()
        over = threading.Event()

        def remind() -> None:
            while not over.wait(self._remind):
                self._line(f"{text}: {_elapsed(begun)} so far")

        self._line(f"{text} …")
        reminder = threading.Thread(target=remind, name="progress", daemon=True)
        reminder.start()
        outcome = "failed after"
        try:
            yield
            outcome = "done in"
        finally:
            over.set()
            reminder.join()
            self._line(f"{text}: {outcome} {_elapsed(begun)}")

    def note(self, text: str) -> None:
        """Write one line."""
        self._line(text)

    def _line(self, text: str) -> None:
        self._stream.write(text + "\n")
        self._stream.flush()


class TerminalProgress:
    """A spinner with the elapsed time for the phase that runs, and a line for each one that is over."""

    def __init__(self, console: Console) -> None:
        self._console = console

    @contextmanager
    def phase(self, text: str) -> Iterator[None]:
        """Spin for one phase."""
        begun = time.monotonic()
        outcome = "[red]✗[/]"
        columns = (SpinnerColumn(), TextColumn("{task.description}", markup=False), TimeElapsedColumn())
        try:
            with Bars(*columns, console=self._console, transient=True) as bars:
                bars.add_task(text, total=None)
                yield
            outcome = "[green]✓[/]"
        finally:
            self._console.print(outcome, end=" ")
            self._console.print(f"{text} ({_elapsed(begun)})", markup=False, highlight=False)

    def note(self, text: str) -> None:
        """Write one line."""
        self._console.print(text, markup=False, highlight=False, style="yellow")


def progress_for(stream: TextIO | None = None) -> Progress:
    """The progress that suits ``stream`` (by default the standard error, so that standard output stays clean)."""
    stream = stream or sys.stderr
    if stream.isatty():
        return TerminalProgress(Console(file=stream))
    return PlainProgress(stream)


def _elapsed(begun: float) -> str:
    minutes, seconds = divmod(round(time.monotonic() - begun), 60)
    return f"{minutes} min {seconds} s" if minutes else f"{seconds} s"
