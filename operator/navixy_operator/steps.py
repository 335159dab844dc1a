"""How long each step of a cycle took, without a word of it in the steps themselves."""

import functools
import time
from collections.abc import Awaitable, Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

from navixy_operator.core.vocabulary import Step

P = ParamSpec("P")
R = TypeVar("R")

_durations: ContextVar[dict[str, float] | None] = ContextVar("durations", default=None)


@contextmanager
def recorded() -> Iterator[dict[str, float]]:
    """Within it, the seconds of each step that comes to its end, by its name; one that fails counts, too."""
    durations: dict[str, float] = {}
    token = _durations.set(durations)
    try:
        yield durations
    finally:
        _durations.reset(token)


def step(name: Step) -> Callable[[Callable[P, Awaitable[R]]], Callable[P, Awaitable[R]]]:
    """Mark a coroutine function as a step of a cycle."""

    def mark(function: Callable[P, Awaitable[R]]) -> Callable[P, Awaitable[R]]:
        @functools.wraps(function)
        async def run(*args: P.args, **kwargs: P.kwargs) -> R:
            durations, began = _durations.get(), time.perf_counter()
            try:
                return await function(*args, **kwargs)
            finally:
                if durations is not None:
                    durations[name.value] = round(durations.get(name.value, 0.0) + time.perf_counter() - began, 4)

        return run

    return mark
