"""The demo from its first line to its last: everything ends with it, whether it went well, was stopped, or failed."""

import asyncio
import signal
import tempfile
from pathlib import Path
from typing import Final, TextIO

import aiohttp

from navixy_operator.sandbox import assets as provisioning
from navixy_operator.sandbox.demo.keep import keep_running
from navixy_operator.sandbox.demo.show import Show
from navixy_operator.sandbox.demo.stage import LOG_LINES, Stage
from navixy_operator.sandbox.demo.story import tell
from navixy_operator.sandbox.demo.telling import Telling
from navixy_operator.sandbox.errors import SandboxError
from navixy_operator.sandbox.f11.launch import AdminError
from navixy_operator.sandbox.progress import progress_for

PREFIX: Final = "navixy-demo-"
SIGNALS: Final = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
SIGNALLED: Final = 128
FAILED: Final = 1
# what a part that misbehaves comes up with; anything else is a bug of the demo
MISHAPS: Final = (SandboxError, AdminError, aiohttp.ClientError, OSError)


def perform(stream: TextIO, *, keep: bool) -> int:
    """Play the demo on ``stream``; ``keep``: leave all running after it until a signal. Gives the exit code.

    Raises ProvisioningError when the servers' programs cannot be had.
    """
    show = Show(stream)
    show.say(
        "The Navixy customer operator at work, on a real Kubernetes API server of its own. Everything runs on this "
        "machine, below one temporary directory, and is gone afterwards."
    )
    # in the main thread, where Ctrl-C ends it at once: the first time it may take minutes
    found = provisioning.find(progress_for(stream))
    with tempfile.TemporaryDirectory(prefix=PREFIX, ignore_cleanup_errors=True) as directory:
        return asyncio.run(_play(show, Stage(Path(directory), found), keep=keep))


class _Stop:
    """A signal ends the demo in good order: the story is cancelled, or what is kept running is told to end."""

    def __init__(self, show: Show) -> None:
        self.by: signal.Signals | None = None
        self.asked = asyncio.Event()
        self.keeping = False
        self._show = show
        self._story = asyncio.current_task()
        for number in SIGNALS:
            asyncio.get_running_loop().add_signal_handler(number, self._ask, number)

    def _ask(self, number: signal.Signals) -> None:
        if self.by is not None:
            return
        self.by = number
        self._show.gap()
        self._show.say("Stopping everything …")
        self.asked.set()
        if not self.keeping and self._story is not None:
            self._story.cancel()


async def _play(show: Show, stage: Stage, *, keep: bool) -> int:
    """The exit code."""
    stop = _Stop(show)
    try:
        async with stage:
            wrong = await tell(Telling(stage, show))
            if keep:
                stop.keeping = True
                await keep_running(stage, show, stop.asked)
            return FAILED if wrong else 0
    except asyncio.CancelledError:
        return SIGNALLED + (stop.by or signal.SIGINT)
    except MISHAPS as error:
        if stop.by is not None:  # a terminal sends Ctrl-C to the commands that we run, too
            return SIGNALLED + stop.by
        show.gap()
        show.wrong(f"The demo failed: {str(error) or type(error).__name__}")
        if tail := stage.operator_log_tail():
            show.say(f"The last {LOG_LINES} lines of the operator's log:")
            show.output(tail)
        return FAILED
