"""Waiting for a server's answer to be right."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import Final, TypeVar

POLL_SECONDS: Final = 0.1

T = TypeVar("T")


async def until(look: Callable[[], Awaitable[T]], right: Callable[[T], bool], *, seconds: float = 30.0) -> T:
    """Look again and again, such as with ``prometheus.targets``, until what is seen is right; gives it.

    Raises:
        TimeoutError: it never was; the text holds what was seen last.
    """
    seen: list[T] = []
    try:
        async with asyncio.timeout(seconds):
            while True:
                seen[:] = [await look()]
                if right(seen[0]):
                    return seen[0]
                await asyncio.sleep(POLL_SECONDS)
    except TimeoutError:
        message = f"not right within {seconds:.0f} s; seen last: {seen[0] if seen else 'nothing'}"
        raise TimeoutError(message) from None
