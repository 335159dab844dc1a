"""Whatever happens to the database, the disk and the process: entries are stored in order, once, and none is missing.

But those of the last moment before a process is killed: what ``flush`` has waited for is never among them.
"""

import asyncio
from dataclasses import replace
from itertools import count

import structlog
from hypothesis import given, settings
from hypothesis import strategies as st

from support.trail import QUICK, FakeSpool, FakeStore, Scene, away, playing

PACE = replace(QUICK, gather=0.0002, patience=0.002, silence=0.004, first_pause=0.0005, longest_pause=0.001, stop=0.01)

happenings = st.one_of(
    st.tuples(st.just("tell"), st.integers(1, 5)),
    st.tuples(st.just("tell"), st.sampled_from([1, 2, 3, 4, 1001])),
    st.tuples(st.sampled_from(["down", "lost", "hang", "ok"]), st.integers(1, 3)),
    st.tuples(st.sampled_from(["away", "back", "full", "roomy", "flush", "wait", "stop", "kill"]), st.just(0)),
)


class History:
    """What was told, by all processes, and of which of it that it is kept must be true."""

    def __init__(self) -> None:
        self.told: list[str] = []
        self.safe: set[str] = set()
        self.numbers = count()

    def tell(self, scene: Scene, number: int) -> None:
        """Tell of so many."""
        begin = len(scene.told)
        scene.tell(number)
        self.told += [f"{scene.cycle.cycle}/{one}" for one in scene.told[begin:]]

    def kept(self, scene: Scene) -> None:
        """All that this process has told so far must be there in the end."""
        self.safe.update(f"{scene.cycle.cycle}/{one}" for one in scene.told)


async def live(story: list[tuple[str, int]]) -> None:
    """Let it happen, process after process; then all is well again, and what is stored is looked at."""
    history, store, disk = History(), FakeStore(), FakeSpool().kept
    left = list(reversed(story))
    while left:
        spool = FakeSpool(disk)
        async with playing(store, spool, pace=PACE) as scene:
            scene.cycle.run = replace(scene.cycle.run, name=f"p-{next(history.numbers)}")
            scene.cycle.cycle = scene.cycle.run.name
            while left:
                what, number = left.pop()
                if await happen(scene, spool, history, what, number):
                    break
    store.error, store.script = None, type(store.script)()
    store.release.set()
    async with playing(store, FakeSpool(disk), pace=PACE) as scene:
        await scene.until(lambda: not disk and scene.trail.state.trouble is None)
    stored = [f"{entry.run.name}/{entry.customer}" for entry in store.entries if entry.run.name.startswith("p-")]
    assert stored == [one for one in history.told if one in set(stored)], "in order, each once"
    assert history.safe <= set(stored)


async def happen(scene: Scene, spool: FakeSpool, history: History, what: str, number: int) -> bool:
    """One thing; whether the process has ended by it."""
    store = scene.store
    match what:
        case "tell":
            history.tell(scene, number)
        case "down" | "lost" | "hang" | "ok":
            store.script.extend([what] * number)
        case "away":
            store.error = away()
        case "back":
            store.error = None
            store.release.set()
        case "full" | "roomy":
            spool.room = len(spool.kept) if what == "full" else None
        case "flush":
            queued = scene.trail._backlog
            await scene.trail.flush(0.02)
            if not queued.queued:
                history.kept(scene)
        case "wait":
            await asyncio.sleep(0.002)
        case "stop":
            spool.room = None
            await scene.stop()
            history.kept(scene)
            return True
        case _:
            await scene.kill(spool)
            return True
    return False


@settings(max_examples=30, deadline=None)
@given(st.lists(happenings, min_size=3, max_size=14))
def test_every_entry_is_stored_once_and_in_order(story: list[tuple[str, int]]) -> None:
    """Any story of outages, lost answers, a full disk, stops and kills."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger("critical"))
    try:
        asyncio.run(live([*story, ("stop", 0)]))
    finally:
        structlog.reset_defaults()
