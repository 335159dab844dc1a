"""The audit trail's delivery: each entry is stored once and in order, whatever its database does (design section 5)."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import structlog
from structlog.testing import capture_logs

from navixy_operator.adapters.audit.spool import FileSpool
from navixy_operator.core.audit import GENESIS, Entry, content_of, link
from navixy_operator.core.vocabulary import EventName, Reason
from navixy_operator.errors import AuditSpoolFull, AuditUnavailable, AuditUrlInvalid
from support.audit import Teller
from support.trail import FakeSpool, FakeStore, Scene, away, hanging, playing, spool_in


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    """A trail at work, with a store that is well and a spool on the disk."""
    structlog.reset_defaults()
    async with playing(FakeStore(), spool_in(tmp_path)) as made:
        yield made


@asynccontextmanager
async def outage(scene: Scene) -> AsyncIterator[None]:
    """The database is away, and that is told; after it all that was told meanwhile is stored."""
    scene.store.error = away()
    scene.tell()
    await scene.until(lambda: scene.trail.state.trouble is not None)
    yield
    scene.store.error = None
    await scene.until_told()
    await scene.until(lambda: scene.trail.state.trouble is None)


# While all is well.


async def test_facts_become_entries_in_batches(scene: Scene) -> None:
    """In order, with the chain of their run; many facts cost few writes of at most a thousand entries."""
    scene.tell(3500)
    await scene.until_told()
    assert max(scene.store.batches) == 1000
    assert len(scene.store.batches) == 4
    previous = GENESIS
    for seq, entry in enumerate(scene.store.entries):
        assert entry.seq == seq
        previous = link(previous, seq, entry.at, entry.event, content_of(entry))
        assert entry.digest == previous
    assert scene.trail.head(scene.cycle.run.id) == previous
    assert scene.store.entries[0].details == '{"action":"Establish"}'
    assert scene.trail.state.spooled == scene.trail.state.lost == 0
    assert scene.store.events() == []


async def test_flush_waits_until_all_is_kept(scene: Scene) -> None:
    """And does not wait when there is nothing to wait for."""
    scene.tell(1500)
    await scene.trail.flush(5)
    assert scene.store.told() == scene.told
    await scene.trail.flush(0)


async def test_flush_gives_up_in_time() -> None:
    """Neither the database nor the disk answers: the cycle goes on without."""
    store = FakeStore(script=hanging())
    async with playing(store, FakeSpool(room=0)) as scene:
        scene.tell(3)
        await asyncio.wait_for(scene.trail.flush(0.05), 2)
        assert store.told() == []
        store.release.set()
        await scene.until_told()


# Outages.


async def test_an_outage_is_told_once_and_loses_nothing(scene: Scene) -> None:
    """Entries wait on the disk, in order; when the database is back they are stored before all that comes after."""
    scene.tell(2)
    await scene.until_told()
    with capture_logs() as logs:
        async with outage(scene):
            for _ in range(5):
                scene.tell(300)
                await scene.trail.flush(5)
            trouble = scene.trail.state.trouble
            assert trouble is not None
            assert trouble[0] is Reason.AUDIT_UNAVAILABLE
            assert trouble[1].startswith("The audit trail's database 127.0.0.1 does not serve; entries wait on the op")
            assert scene.trail.state.spooled == 1502, "the cycle's, and that the database is away"
            await scene.until(lambda: scene.store.prepares > 5)
        scene.tell()
        await scene.until_told()
        await scene.until(lambda: scene.store.events() == ["AuditUnavailable", "AuditRestored"])
    told = [line for line in logs if line["event"] in {"AuditUnavailable", "AuditRestored"}]
    assert [(line["event"], line["log_level"]) for line in told] == [
        ("AuditUnavailable", "warning"),
        ("AuditRestored", "info"),
    ]
    assert told[0]["reason"] == "AuditUnavailable"
    assert told[1]["delivered"] == 1502
    assert scene.trail.state.spooled == 0


async def test_what_a_repeat_mends_is_no_trouble(scene: Scene) -> None:
    """A connection that broke once: nobody is told."""
    scene.store.script.append("down")
    scene.tell(3)
    await scene.until_told()
    scene.store.script.append("lost")
    scene.tell(3)
    await scene.until_told()
    await scene.stop()
    assert scene.store.events() == []


async def test_what_was_stored_although_it_failed_is_stored_once(scene: Scene) -> None:
    """The answer was lost: the repeat finds the entries there."""
    scene.store.script.extend(["lost", "lost", "lost"])
    scene.tell(20)
    await scene.until(lambda: len(scene.store.batches) >= 4)
    assert scene.store.batches[:2] == [20, 0]
    assert scene.store.told() == scene.told


async def test_a_database_that_hangs_keeps_nothing_in_memory(scene: Scene) -> None:
    """After a moment all is on the disk, flush ends, and after a while it counts as trouble."""
    scene.store.script.append("hang")
    scene.tell(5)
    await scene.trail.flush(5)
    scene.tell(5)
    await scene.trail.flush(5)
    assert scene.trail.state.spooled >= 10
    await scene.until(lambda: scene.trail.state.trouble is not None)
    assert "does not answer" in str(scene.trail.state.trouble)
    scene.store.release.set()
    await scene.until_told()
    await scene.until(lambda: scene.store.events() == ["AuditUnavailable", "AuditRestored"])


async def test_a_slow_database_is_no_trouble(scene: Scene) -> None:
    """Slower than what may wait in memory, but it answers."""
    scene.store.script.extend(["hang"] * 3)
    for _ in range(3):
        scene.tell(2)
        await scene.trail.flush(5)
        scene.store.release.set()
        await scene.until_told()
        scene.store.release.clear()
    await scene.stop()
    assert scene.store.events() == []


async def test_another_cause_is_shown_when_it_lasts(scene: Scene) -> None:
    """What is wrong changes: the state says what it is now, but does not flutter; it is still one outage."""
    shown: list[str] = []
    scene.trail.tell(changed=lambda: shown.append(str(scene.trail.state.trouble)))
    async with outage(scene):
        scene.store.error = AuditUnavailable("password authentication failed")
        await scene.until(lambda: "password" in str(scene.trail.state.trouble))
    assert len(shown) == 3
    assert [word in told for word, told in zip(("not serve", "password", "None"), shown, strict=True)] == [True] * 3
    await scene.until(lambda: scene.store.events() == ["AuditUnavailable", "AuditRestored"])


async def test_a_url_that_cannot_be_used_is_told_at_once(tmp_path: Path) -> None:
    """Before there is anything to store; entries wait for the process that has a better one."""
    store = FakeStore(error=AuditUrlInvalid("The audit database's URL cannot be read"))
    async with playing(store, spool_in(tmp_path)) as scene:
        await scene.until(lambda: scene.trail.state.trouble is not None)
        trouble = scene.trail.state.trouble
        assert trouble is not None
        assert trouble[0] is Reason.AUDIT_URL_INVALID
        scene.tell(7)
        told = scene.told
    async with playing(FakeStore(), spool_in(tmp_path)) as scene:
        await scene.until(lambda: scene.store.told() == told)
        await scene.until(lambda: scene.store.events() == ["AuditUnavailable", "AuditRestored"])


async def test_a_fault_of_ours_does_not_end_the_delivery(scene: Scene) -> None:
    """The log has the traceback once; the state says where to look."""
    with capture_logs() as logs:
        scene.store.error = ZeroDivisionError("a fault of ours")  # type: ignore[assignment]
        scene.tell(3)
        await scene.until(lambda: scene.trail.state.trouble is not None)
        assert "a fault of the operator itself (ZeroDivisionError)" in str(scene.trail.state.trouble)
        scene.store.error = None
        await scene.until_told()
    assert [line["event"] for line in logs if line["log_level"] == "error"] == ["AuditTrailBroke"]


# What is lost.


async def test_a_full_spool_loses_nothing_while_there_is_memory(tmp_path: Path) -> None:
    """The state says what is full; entries wait in memory, and all come in order in the end."""
    spool = FileSpool(tmp_path / "spool", 20_000)
    async with playing(FakeStore(), spool) as scene:
        async with outage(scene):
            for _ in range(20):
                scene.tell(10)
                await asyncio.sleep(0.002)
            await scene.until(lambda: (scene.trail.state.trouble or ("",))[0] is Reason.AUDIT_SPOOL_FULL)
            assert "bound of 20000 bytes" in str(scene.trail.state.trouble)
        assert scene.trail.state.lost == 0


async def test_what_nothing_has_room_for_is_counted_and_told() -> None:
    """The newest are lost, loudly; the trail of their NavixySync says how many when there is room again."""
    spool = FakeSpool(room=50)
    async with playing(FakeStore(), spool, bound=100) as scene:
        with capture_logs() as logs:
            scene.store.error = away()
            scene.tell(50)
            await scene.until(lambda: spool.count >= 50 and scene.trail.state.trouble is not None)
            scene.tell(200)
            await scene.until(lambda: (scene.trail.state.trouble or ("",))[0] is Reason.AUDIT_SPOOL_FULL)
            lost = scene.trail.state.lost
            assert 100 <= lost <= 101, "the trail's own word is among the queued"
            scene.store.error = None
            kept, missing = scene.told[: 250 - lost], scene.told[250 - lost :]
            await scene.until(lambda: scene.store.told() == kept)
            await scene.until(lambda: "AuditEventsLost" in scene.store.events())
            scene.told = kept
            scene.tell()
            await scene.until_told()
    (entry,) = [entry for entry in scene.store.entries if entry.event == "AuditEventsLost"]
    assert (entry.run.namespace, entry.run.sync, entry.status) == ("default", "main", "Failed")
    assert f'"count":{len(missing)}' in entry.details
    told = [(line["log_level"], line.get("count")) for line in logs if line["event"] == "AuditEventsLost"]
    assert told == [("warning", None), ("warning", lost)]
    assert scene.store.entries[-1].seq == 250, "the gap in the chain shows"


async def test_a_spool_that_cannot_be_written_costs_nothing_while_all_is_well(tmp_path: Path) -> None:
    """A volume is missing: entries are stored; while the database is away the state names the volume."""
    (tmp_path / "spool").write_text("no directory")
    async with playing(FakeStore(), spool_in(tmp_path)) as scene:
        scene.tell(3)
        await scene.until_told()
        async with outage(scene):
            await scene.until(lambda: (scene.trail.state.trouble or ("",))[0] is Reason.AUDIT_SPOOL_FULL)
            assert "check the volume" in str(scene.trail.state.trouble)
            scene.tell(3)


async def test_a_spool_that_cannot_be_read_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The database is well, but what waits on the disk cannot be had: that is trouble, and lasts until it is mended."""
    spool, teller = spool_in(tmp_path), Teller("before")
    teller.tell(EventName.CONNECTION_CLOSED, "old")
    await spool.append(teller.entries)

    async def refuse(_limit: int) -> Sequence[Entry]:
        message = "the spool cannot be used: Input/output error"
        raise AuditSpoolFull(message)

    with monkeypatch.context() as patched:
        patched.setattr(spool, "oldest", refuse)
        async with playing(FakeStore(), spool) as scene:
            scene.tell(3)
            await scene.until(lambda: (scene.trail.state.trouble or ("",))[0] is Reason.AUDIT_SPOOL_FULL)
            patched.undo()
            await scene.until_told()
            await scene.until(lambda: scene.trail.state.trouble is None)
            assert scene.store.told("before") == ["old"]


# Hearing.


async def test_hearing_never_raises(scene: Scene) -> None:
    """Text that is none, numbers that JSON does not know, objects: all become an entry."""
    odd: dict[str, Any] = {
        "half": "\ud83d",
        "huge": 2**70,
        "nan": float("nan"),
        "set": {1},
        "reason": Reason.PINNED,
        "nested": {"b": (1, 2), "a": None},
    }
    scene.cycle.tell(EventName.CONNECTION_CLOSED, customer="a\0b\ud83d", **odd)
    scene.tell()
    await scene.until(lambda: len(scene.store.entries) == 2)
    entry = scene.store.entries[0]
    assert entry.customer == "a\ufffdb?"
    assert '"nested":{"a":null,"b":[1,2]},"reason":"Pinned"' in entry.details.replace(", ", ",")
