"""How long this process may act: a deadline that every renewal of the lease moves, held even against ourselves.

The event loop may be blocked, the process stopped and continued, the machine suspended: nothing may be done after the
deadline, as another may hold the lease soon after. So a thread ends the process then, and who acts asks the fence.
"""

import os
import threading
import time
from collections.abc import Callable
from typing import Final, NoReturn

import structlog

from navixy_operator.core.vocabulary import LEASE, LogEvent
from navixy_operator.errors import LeadershipLost

LOOK_SECONDS: Final = 0.2
"""Between two looks of the watchdog at the deadline."""
LAST_WORDS_SECONDS: Final = 0.5
"""For the last log line: who reads the log may have stopped reading, and then writing never ends."""
EXIT_CODE: Final = 1
# counts the time for which a machine was suspended, too, where the system has such a clock
_CLOCK: Final[int] = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)


def since_boot() -> float:
    """Seconds that only ever go forward, also while this process is stopped."""
    return time.clock_gettime(_CLOCK)


def end_process(why: str) -> NoReturn:
    """Say why, and be gone: no clean-up, which could act once more."""
    saying = threading.Thread(target=_say, args=(why,), daemon=True)
    saying.start()
    saying.join(LAST_WORDS_SECONDS)
    os._exit(EXIT_CODE)


class Tenure:
    """Our time as the leader; before :meth:`hold` and after :meth:`end` there is none. ``die`` is replaced in tests."""

    def __init__(self, *, now: Callable[[], float] = since_boot, die: Callable[[str], None] = end_process) -> None:
        self._now = now
        self._die = die
        self._until: float | None = None
        self._ended = threading.Event()
        self._dying = threading.RLock()

    @property
    def held(self) -> bool:
        """Whether we lead, or did so until the deadline that has passed just now."""
        return self._until is not None

    @property
    def left(self) -> float:
        """Seconds to the deadline; none when we do not lead."""
        return 0.0 if self._until is None else max(0.0, self._until - self._now())

    def fence(self) -> None:
        """Let through who acts within our time; to be called right before each act. Raises LeadershipLost."""
        if self.left <= 0:
            message = f"this process does not hold the lease {LEASE}, and leaves all to the one that does"
            raise LeadershipLost(message)

    def hold(self, until: float) -> None:
        """The lease is ours until then. The first call sets the watchdog; a deadline once missed is the end."""
        if self._until is None:
            self._until = until
            threading.Thread(target=self._watch, name="tenure", daemon=True).start()
            return
        self.check()
        self._until = max(self._until, until)

    def end(self) -> None:
        """We stop acting of our own accord: the fence closes, the watchdog goes home. May be repeated."""
        self._until = None
        self._ended.set()

    def check(self) -> None:
        """End the process when the deadline has passed. Cheap; any thread and any signal handler may call it."""
        if (until := self._until) is not None and self._now() >= until:
            self.lose("it was not renewed in time")

    def lose(self, why: str) -> None:
        """End the process: the lease is not ours any more."""
        with self._dying:  # who comes second waits here for the end, rather than acting on
            self._die(why)

    def _watch(self) -> None:
        while not self._ended.wait(LOOK_SECONDS):
            self.check()


def _say(why: str) -> None:
    logger = structlog.stdlib.get_logger(__name__)
    logger.error(LogEvent.LEADERSHIP_LOST, lease=LEASE, problem=f"{why}; this process ends at once")
