"""What each request to F1.1 took and how it ended, in the few words of the vocabulary."""

from collections.abc import Callable
from typing import Final

from navixy_operator.core.vocabulary import Operation, Result

Timed = Callable[[Operation, Result, float], None]
"""Hears of each request: what was asked, how it ended, seconds until the last byte. Cheap, never raises."""

TIMEOUT: Final = "timeout"  # the code of an attempt that ran out of time
_CLIENT_ERROR: Final = 400
_TOO_MANY_REQUESTS: Final = 429
_SERVER_ERROR: Final = 500


def untimed(operation: Operation, result: Result, seconds: float) -> None:
    """Nobody wants to know."""


def of_status(status: int) -> Result:
    """How a request ended that was answered."""
    if status == _TOO_MANY_REQUESTS:
        return Result.THROTTLED
    if status >= _SERVER_ERROR:
        return Result.SERVER_ERROR
    return Result.CLIENT_ERROR if status >= _CLIENT_ERROR else Result.SUCCEEDED


def of_failure(code: str) -> Result:
    """How a request ended that was not answered, or with what cannot be read."""
    return Result.TIMEOUT if code == TIMEOUT else Result.UNREACHABLE
