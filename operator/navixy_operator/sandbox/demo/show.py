"""How the demo looks: headings, sentences, commands with their real output, checks; readable without colours."""

import textwrap
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Final, Protocol, TextIO

from rich.console import Console
from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn
from rich.table import Table

WIDTH: Final = 120
TICK, CROSS = "✓", "✗"
BAR_FROM_WIDTH: Final = 105
PLAIN_LINES_SECONDS: Final = 0.5


class Gauge(Protocol):
    """Shows how far a piece of work is."""

    def show(self, text: str, done: int, total: int) -> None:
        """Say where it stands."""
        ...


class Show:
    """Everything the demo prints, on one stream; ``transcript`` gives it back."""

    def __init__(self, stream: TextIO) -> None:
        self._console = Console(
            file=stream, highlight=False, markup=False, emoji=False, record=True, width=_width(stream)
        )
        self._acts = 0

    @property
    def width(self) -> int:
        """Characters in a line."""
        return self._console.width

    @property
    def transcript(self) -> str:
        """All that was printed so far, without colours."""
        return self._console.export_text(clear=False)

    def act(self, title: str) -> None:
        """Begin the next act."""
        self._acts += 1
        self.heading(f"{self._acts}. {title}")

    def heading(self, title: str) -> None:
        """A line across, with a title."""
        self._console.print()
        self._console.rule(title, align="left", style="bold cyan", characters="─")

    def say(self, text: str) -> None:
        """A paragraph for the reader, wrapped."""
        self.output(textwrap.fill(text, self.width, break_on_hyphens=False))

    def gap(self) -> None:
        """An empty line."""
        self._console.print()

    def command(self, line: str) -> None:
        """A command as one would type it."""
        self._console.print(f"$ {line}", style="bold", soft_wrap=True)

    def output(self, text: str) -> None:
        """What a command printed, line by line as it was."""
        for line in text.strip("\n").splitlines():
            self._console.print(line.rstrip(), soft_wrap=True)

    def done(self, text: str, seconds: float | None = None) -> None:
        """Something that went well."""
        took = "" if seconds is None else f" ({seconds:.1f} s)"
        self._console.print(f"{TICK} {text}{took}", style="green" if seconds is None else None)

    def wrong(self, text: str) -> None:
        """Something that is not as it should be."""
        self._console.print(f"{CROSS} {text}", style="bold red")

    def table(self, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """A table as kubectl would print it."""
        table = Table(*columns, box=None, pad_edge=False, header_style="none")
        for row in rows:
            table.add_row(*row)
        with self._console.capture() as captured:
            self._console.print(table)
        self.output(captured.get())

    @contextmanager
    def step(self, text: str) -> Iterator[None]:
        """Spin on a terminal while a part of the stage gets ready; one line when it is."""
        begun = time.monotonic()
        if self._console.is_terminal:
            with self._console.status(f"{text} …"):
                yield
        else:
            yield
        self.done(text, time.monotonic() - begun)

    @contextmanager
    def gauge(self) -> Iterator[Gauge]:
        """Numbers that move: in place on a terminal, else a line whenever they have changed, twice a second at most."""
        if not self._console.is_terminal:
            yield _Lines(self)
            return
        text = TextColumn("{task.description}", markup=False)
        bar = (BarColumn(bar_width=20),) if self.width >= BAR_FROM_WIDTH else ()
        with Progress(SpinnerColumn(), *bar, text, console=self._console, transient=True) as bars:
            yield _Bar(bars)


class _Bar:
    def __init__(self, bars: Progress) -> None:
        self._bars = bars
        self._task = bars.add_task("", total=None)
        self._begun = time.monotonic()

    def show(self, text: str, done: int, total: int) -> None:
        words = f"{time.monotonic() - self._begun:4.1f} s  {text}"
        self._bars.update(self._task, description=words, completed=done, total=total)


class _Lines:
    def __init__(self, show: Show) -> None:
        self._show = show
        self._begun = time.monotonic()
        self._said = ""
        self._next = 0.0

    def show(self, text: str, done: int, total: int) -> None:
        now = time.monotonic()
        if text != self._said and (now >= self._next or done == total):
            self._show.output(f"  {now - self._begun:4.1f} s  {text}")
            self._said, self._next = text, now + PLAIN_LINES_SECONDS


def _width(stream: TextIO) -> int:
    return min(WIDTH, Console(file=stream).width) if stream.isatty() else WIDTH
