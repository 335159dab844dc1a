"""Many small tasks, a bounded number at once."""

import asyncio
from collections.abc import Iterator

import pytest

from navixy_operator.concurrency import each


async def test_every_item_once_and_never_too_many() -> None:
    """All items are worked on, at most so many at once, and as many as that where there is enough to do."""
    running, most, done = 0, 0, []  # type: int, int, list[int]

    async def work(item: int) -> None:
        nonlocal running, most
        running += 1
        most = max(most, running)
        await asyncio.sleep(0)
        running -= 1
        done.append(item)

    await each(range(50), work, at_once=7)
    assert (sorted(done), most) == (list(range(50)), 7)


async def test_no_items() -> None:
    """Nothing to do is done at once."""
    await each((), asyncio.sleep, at_once=3)


async def test_the_first_exception_cancels_the_rest() -> None:
    """What is under way is cancelled and has ended when the error is raised; what has not begun is left."""
    begun, cancelled, forever = [], [], asyncio.Event()  # type: list[int], list[int], asyncio.Event

    async def work(item: int) -> None:
        begun.append(item)
        if item == 2:
            raise LookupError(item)
        try:
            await forever.wait()
        except asyncio.CancelledError:
            cancelled.append(item)
            raise

    with pytest.raises(LookupError, match="2"):
        await each(range(100), work, at_once=4)
    assert cancelled == [0, 1, 3]
    assert begun == [0, 1, 2, 3]


async def test_cancellation_ends_the_work() -> None:
    """Told to stop, it stops what is under way before it is gone."""
    ended, begun, forever = [], asyncio.Event(), asyncio.Event()  # type: list[int], asyncio.Event, asyncio.Event

    async def work(item: int) -> None:
        begun.set()
        try:
            await forever.wait()
        finally:
            ended.append(item)

    task = asyncio.create_task(each(range(10), work, at_once=3))
    await begun.wait()
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == [0, 1, 2]


async def test_items_are_taken_as_they_are_needed() -> None:
    """A generator is not read ahead: there is no task for each item."""
    taken: list[int] = []

    def items() -> Iterator[int]:
        for item in range(100):
            taken.append(item)
            yield item

    async def work(item: int) -> None:
        await asyncio.sleep(0)
        assert len(taken) <= item + 2

    await each(items(), work, at_once=2)
    assert len(taken) == 100
