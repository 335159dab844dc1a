"""The audit trail at the beginning and the end of a process, and after a year (design section 5)."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from navixy_operator.core.vocabulary import EventName
from support.audit import Teller
from support.builders import NOW
from support.trail import QUICK, SELDOM, FakeSpool, FakeStore, away, hanging, playing, spool_in


async def test_a_stop_stores_what_is_queued(tmp_path: Path) -> None:
    """The last words of the cycle are in the database when the process ends."""
    async with playing(FakeStore(), spool_in(tmp_path), pace=replace(QUICK, gather=0.1)) as scene:
        scene.tell(1200)
        await asyncio.sleep(0)
        await scene.stop()
        assert scene.store.told() == scene.told


@pytest.mark.parametrize("how", ["down", "hang"])
async def test_a_stop_in_an_outage_leaves_all_on_the_disk(tmp_path: Path, how: str) -> None:
    """Within some moments; the next process delivers it, once, before its own."""
    store = FakeStore(script=hanging()) if how == "hang" else FakeStore(error=away())
    async with playing(store, spool_in(tmp_path)) as scene:
        scene.tell(1200)
        await asyncio.wait_for(scene.stop(), 5)
        assert store.told() == []
        told = scene.told
    async with playing(FakeStore(), spool_in(tmp_path)) as scene:
        scene.tell(3)
        await scene.until(lambda: scene.store.told() == [*told, *scene.told])
        await scene.until(lambda: scene.store.events()[-1:] == ["AuditRestored"])
    assert json.loads(scene.store.entries[-1].details)["delivered"] >= 1200


async def test_a_stop_makes_one_more_attempt() -> None:
    """The database has come back while the trail waited for its next try."""
    pace = replace(QUICK, first_pause=30.0, longest_pause=30.0)
    async with playing(FakeStore(), FakeSpool(), pace=pace) as slow:
        slow.tell()
        await slow.until_told()
        slow.store.script.append("down")
        slow.tell(3)
        await slow.until(lambda: slow.store.appends == 2)
        await slow.stop()
        assert slow.store.told() == slow.told


async def test_a_stop_that_can_keep_nothing_says_how_much() -> None:
    """Neither database nor disk: what is lost is told as a warning."""
    with capture_logs() as logs:
        async with playing(FakeStore(error=away()), FakeSpool(room=0)) as scene:
            scene.tell(9)
            await scene.stop()
    (line,) = [line for line in logs if line["event"] == "AuditEventsLost"]
    assert line["log_level"] == "warning"
    assert line["count"] >= 9


async def test_a_killed_process_leaves_a_spool_with_a_cut_line(tmp_path: Path) -> None:
    """The one after it delivers what is whole, and goes on."""
    spool = spool_in(tmp_path)
    teller = Teller("before")
    for number in range(4):
        teller.tell(EventName.CONNECTION_CLOSED, f"old-{number}")
    await spool.append(teller.entries)
    await spool.close()
    (segment,) = (tmp_path / "spool").glob("*.jsonl")
    segment.write_bytes(segment.read_bytes()[:-20])
    async with playing(FakeStore(), spool_in(tmp_path)) as scene:
        scene.tell(2)
        await scene.until_told()
        assert scene.store.told("before") == ["old-0", "old-1", "old-2"]
        assert [entry.run.name for entry in scene.store.entries[:5]] == ["before"] * 3 + ["c-1"] * 2


async def test_who_never_delivered_hands_over_at_its_end(tmp_path: Path) -> None:
    """A replica that stands by leaves the database alone, but a spool of its own must not go with its pod."""
    spool = spool_in(tmp_path)
    teller = Teller("before")
    teller.tell(EventName.CONNECTION_CLOSED, "old")
    await spool.append(teller.entries)
    await spool.close()
    for store, wanted in ((FakeStore(error=away()), []), (FakeStore(), ["old"]), (FakeStore(), [])):
        again = spool_in(tmp_path)
        async with playing(store, again) as scene:
            scene.task.cancel()  # before its first step: it never delivered
            await asyncio.wait_for(scene.trail.hand_over(), 5)
            assert store.told("before") == wanted
            await again.close()


# Retention.


async def test_database_queries_are_purged_after_a_year() -> None:
    """All of them, batch by batch; everything else stays, and that something went is told."""
    teller = Teller("old", at=NOW - timedelta(days=365, seconds=3000))
    for _ in range(2500):
        teller.tell(EventName.DATABASE_QUERIED)
    young = Teller("young", at=NOW - timedelta(days=364))
    young.tell(EventName.DATABASE_QUERIED)
    kept = Teller("kept", at=NOW - timedelta(days=4000))
    kept.tell(EventName.CONNECTION_CLOSED, "acme")
    store = FakeStore(entries=[*teller.entries, *young.entries, *kept.entries])
    async with playing(store, FakeSpool()) as scene:
        await scene.until(lambda: store.events() == ["AuditEventsPurged"])
        assert {entry.run.name for entry in store.entries} == {"young", "kept", "audit-trail"}
        assert store.entries[-1].details == '{"before":"2025-03-01T03:00:00Z","count":2500}'


async def test_a_purge_that_fails_is_made_up_for() -> None:
    """The database goes away meanwhile; what was purged by then is told, the rest follows. Nothing new: no word."""
    teller = Teller("old", at=NOW - timedelta(days=400))
    teller.tell(EventName.DATABASE_QUERIED)
    store = FakeStore(entries=teller.entries)
    rhythm = replace(SELDOM, day=0.001, after_failure=0.001)
    async with playing(store, FakeSpool(), rhythm=rhythm) as scene:
        await scene.until(lambda: "AuditEventsPurged" in store.events())
        store.error = away()
        await asyncio.sleep(0.02)
        store.error = None
        more = Teller("more", at=NOW - timedelta(days=500))
        more.tell(EventName.DATABASE_QUERIED)
        store.entries += more.entries
        await scene.until(lambda: store.events().count("AuditEventsPurged") == 2)
        await asyncio.sleep(0.02)
        assert store.events().count("AuditEventsPurged") == 2
