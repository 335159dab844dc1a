"""Waiting for the operator: a look again and again, with a pause that grows."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeVar

import click

from navixy_operator.ports import Clock

FIRST_PAUSE: Final = 0.2  # seconds
LONGEST_PAUSE: Final = 1.0

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def wait_option(default: int, what: str) -> Callable[[F], F]:
    """``--wait SECONDS``."""
    return click.option(
        "--wait",
        type=click.FloatRange(min=0, max=86_400),
        default=default,
        show_default=True,
        metavar="SECONDS",
        help=f"Wait so long until {what}; 0: do not wait.",
    )


async def look_until(clock: Clock, look: Callable[[], Awaitable[T]], done: Callable[[T], bool], seconds: float) -> T:
    """Look until it is done or the time is over: what was seen last."""
    deadline, pause = clock.monotonic() + seconds, FIRST_PAUSE
    while True:
        found = await look()
        left = deadline - clock.monotonic()
        if done(found) or left <= 0:
            return found
        await clock.sleep(min(pause, left))
        pause = min(LONGEST_PAUSE, 1.5 * pause)
