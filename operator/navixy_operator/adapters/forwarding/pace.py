"""How fast and how often: a clock to inject, a token bucket, backoff with full jitter, ``Retry-After``."""

import asyncio
import email.utils
import random
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Clock:
    """Time and chance, so that a test can hold them."""

    monotonic: Callable[[], float] = time.monotonic
    wall: Callable[[], float] = time.time
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep
    uniform: Callable[[float, float], float] = random.uniform


class Pace:
    """A token bucket for all requests of one client; F1.1 can ask all of them at once to pause."""

    def __init__(self, per_second: float, burst: int, clock: Clock) -> None:
        self._interval = 1.0 / per_second
        self._burst_seconds = self._interval * (burst - 1)
        self._clock = clock
        self._next = clock.monotonic() - self._burst_seconds
        self._held_until = self._next

    async def wait(self) -> None:
        """Return when the next request may go out."""
        now = self._clock.monotonic()
        if self._interval > 0:
            self._next = max(self._next, now - self._burst_seconds) + self._interval
            due = self._next - self._interval
            if due > now:
                await self._clock.sleep(due - now)
        while (now := self._clock.monotonic()) < self._held_until:
            await self._clock.sleep(self._held_until - now)

    def hold(self, seconds: float) -> None:
        """Let no request start for this long: F1.1 said 429 or 503 with ``Retry-After``."""
        self._held_until = max(self._held_until, self._clock.monotonic() + seconds)


def full_jitter(attempt: int, base: float, cap: float, clock: Clock) -> float:
    """Seconds before the repeat after attempt ``attempt`` (from 0): anything between 0 and the doubled base."""
    return clock.uniform(0.0, min(cap, base * 2.0 ** min(attempt, 32)))


def retry_after(value: str | None, cap: float, clock: Clock) -> float | None:
    """``Retry-After`` as seconds from now, between 0 and ``cap``; None: absent or not readable."""
    if value is None:
        return None
    text = value.strip()
    if text.isascii() and text.isdigit():
        return min(cap, float(text))
    try:
        moment = email.utils.parsedate_to_datetime(text)
    except ValueError:
        return None
    return max(0.0, min(cap, moment.timestamp() - clock.wall()))
