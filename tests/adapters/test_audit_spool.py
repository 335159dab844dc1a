"""The spool on the local disk: order, bound, rights, what a crash leaves, and one process at a time."""

import os
import stat
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from navixy_operator.adapters.audit.lines import UnreadableLine, read_line, write_line
from navixy_operator.adapters.audit.rows import kind_of
from navixy_operator.adapters.audit.spool import FileSpool
from navixy_operator.core.audit import Entry
from navixy_operator.core.vocabulary import Discrepancy, EventName, Origin
from navixy_operator.errors import AuditSpoolFull
from navixy_operator.trail.backlog import Backlog
from support.audit import Teller
from support.trail import spool_in


def entries(count: int, name: str = "c-1") -> list[Entry]:
    """Entries of one run."""
    teller = Teller(name)
    for number in range(count):
        teller.tell(EventName.CONNECTION_ESTABLISHED, f"flotte-{number} ü\u2028", ids=[number], action="Establish")
    return teller.entries


def segments(directory: Path) -> list[Path]:
    """The files with lines."""
    return sorted((directory / "spool").glob("*.jsonl"))


async def drained(spool: FileSpool, limit: int = 1000) -> list[Entry]:
    """All that is in it, batch by batch; it is empty then."""
    found: list[Entry] = []
    while batch := await spool.oldest(limit):
        found += batch
        await spool.forget(len(batch))
    assert spool.count == 0
    return found


async def reopened(spool: FileSpool, directory: Path) -> FileSpool:
    """What another process finds after a crash of this one: nothing of it is closed in order, but the lock is gone."""
    await spool.close()
    found = spool_in(directory)
    await found.open()
    return found


async def test_what_goes_in_comes_out_in_order(tmp_path: Path) -> None:
    """Every field of every entry, whatever the size of the batches; nothing is left on the disk."""
    spool, wanted = spool_in(tmp_path), entries(25)
    teller = Teller("odd")
    teller.tell(EventName.EXTRA_DETECTED, discrepancy=Discrepancy.EXTRA, origin=Origin.MANUAL, text='"\n\0')
    wanted += teller.entries
    for begin in range(0, len(wanted), 7):
        await spool.append(wanted[begin : begin + 7])
    assert spool.count == len(wanted)
    assert await spool.oldest(3) == wanted[:3]
    assert await drained(spool, 4) == wanted
    assert segments(tmp_path) == []


async def test_only_the_owner_can_read_it(tmp_path: Path) -> None:
    """0700 and 0600, whatever the umask."""
    before = os.umask(0)
    try:
        spool = spool_in(tmp_path)
        await spool.append(entries(1))
    finally:
        os.umask(before)
    assert stat.S_IMODE((tmp_path / "spool").stat().st_mode) == 0o700
    files = list((tmp_path / "spool").iterdir())
    assert len(files) == 2
    assert {stat.S_IMODE(path.stat().st_mode) for path in files} == {0o600}


async def test_another_process_goes_on_where_this_one_was(tmp_path: Path) -> None:
    """What was delivered is not seen again; what comes now is behind what was there."""
    spool, wanted = spool_in(tmp_path), entries(10)
    await spool.append(wanted[:8])
    await spool.forget(3)
    found = await reopened(spool, tmp_path)
    assert found.count == 5
    await found.append(wanted[8:])
    assert await drained(found) == wanted[3:]
    assert await drained(await reopened(found, tmp_path)) == []


async def test_what_was_delivered_and_not_noted_is_seen_again(tmp_path: Path) -> None:
    """Killed between the database's commit and the note: some entries come twice, none is missing."""
    spool, wanted = spool_in(tmp_path), entries(5)
    await spool.append(wanted)
    position = tmp_path / "spool" / "position"
    before = position.read_bytes()
    await spool.forget(4)
    await spool.close()
    position.write_bytes(before)
    assert await drained(await reopened(spool, tmp_path)) == wanted


@pytest.mark.parametrize("left", [0, 1, 20, -2, -1])
async def test_a_line_cut_off_by_a_crash_is_skipped(tmp_path: Path, left: int) -> None:
    """However much of it is there: what is before it is delivered, and what a later process puts behind it."""
    spool, wanted = spool_in(tmp_path), entries(4)
    await spool.append(wanted[:2])
    (segment,) = segments(tmp_path)
    whole = segment.read_bytes()
    last = whole.splitlines(keepends=True)[-1]
    kept = len(whole) - len(last) + (left if left >= 0 else len(last) + left)
    os.truncate(segment, kept)
    found = await reopened(spool, tmp_path)
    await found.append(wanted[2:])
    with capture_logs() as logs:
        got = await drained(found)
    complete = left == -1  # without its end, but all of it
    assert got == [wanted[0], *wanted[1 : 1 + complete], *wanted[2:]]
    told = [line["lines"] for line in logs if line["event"] == "AuditSpoolLinesSkipped"]
    assert told == ([] if complete or left == 0 else [1])


@pytest.mark.parametrize("where", [0, 2, 4])
async def test_damaged_lines_are_skipped(tmp_path: Path, where: int) -> None:
    """A disk may damage any line; all others are delivered."""
    spool, wanted = spool_in(tmp_path), entries(5)
    await spool.append(wanted)
    (segment,) = segments(tmp_path)
    lines = segment.read_bytes().splitlines(keepends=True)
    lines[where] = b"\xff" * (len(lines[where]) - 1) + b"\n"
    segment.write_bytes(b"".join(lines))
    assert await drained(spool, 2) == [entry for number, entry in enumerate(wanted) if number != where]


@pytest.mark.parametrize("note", [b"", b"rubbish", b"7 9999999", b"1 9999999"])
async def test_a_note_that_makes_no_sense_loses_nothing_new(tmp_path: Path, note: bytes) -> None:
    """The position's file is damaged: what comes now is kept and delivered all the same."""
    spool, wanted = spool_in(tmp_path), entries(4)
    await spool.append(wanted[:2])
    await spool.close()
    (tmp_path / "spool" / "position").write_bytes(note)
    found = spool_in(tmp_path)
    await found.append(wanted[2:])
    got = await drained(found)
    assert got[-2:] == wanted[2:]
    assert got == wanted or note[:1] in {b"7", b"1"}


async def test_it_is_bounded_by_bytes(tmp_path: Path) -> None:
    """All or none of a batch; what is delivered makes room again, long before all is."""
    spool, wanted = FileSpool(tmp_path / "spool", 40_000), entries(400)
    taken = await filled(spool, wanted)
    assert 60 < taken < 200
    assert sum(path.stat().st_size for path in segments(tmp_path)) <= 40_000
    assert len(segments(tmp_path)) > 4
    assert spool.count == taken
    await spool.forget(taken // 2)
    again = await filled(spool, wanted[taken:])
    assert again > taken // 4
    assert await drained(spool) == wanted[taken // 2 : taken + again]


async def filled(spool: FileSpool, wanted: Sequence[Entry]) -> int:
    """Put in one after another until it is full; how many it took."""
    for number, entry in enumerate(wanted):
        try:
            await spool.append([entry])
        except AuditSpoolFull as error:
            assert "bound of 40000 bytes" in str(error)  # noqa: PT017 - one of many is the one that fails
            return number
    raise AssertionError


async def test_a_spool_belongs_to_one_process(tmp_path: Path) -> None:
    """The second is told so, and may use it when the first has gone."""
    first, second = spool_in(tmp_path), spool_in(tmp_path)
    await first.append(entries(2))
    with pytest.raises(AuditSpoolFull, match="another process"):
        await second.open()
    with pytest.raises(AuditSpoolFull, match="another process"):
        await second.append(entries(1))
    await first.close()
    await second.open()
    assert second.count == 2


async def test_a_directory_that_cannot_be_used(tmp_path: Path) -> None:
    """It is said why; once it can be, nothing more is needed."""
    (tmp_path / "spool").write_text("a file where the directory should be")
    spool = spool_in(tmp_path)
    for _ in range(2):
        with pytest.raises(AuditSpoolFull, match="cannot be used: File exists; check the volume"):
            await spool.append(entries(1))
    (tmp_path / "spool").unlink()
    await spool.append(entries(1))
    assert len(await drained(spool)) == 1


async def test_a_write_that_fails_half_way_leaves_no_half_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full in the middle of a batch: none of it is there, and the next one is whole."""
    spool, wanted = spool_in(tmp_path), entries(6)
    await spool.append(wanted[:2])
    written: list[int] = []
    real = os.write

    def half(descriptor: int, data: bytes) -> int:
        if written:
            raise OSError(28, "No space left on device")
        written.append(real(descriptor, bytes(data)[: len(data) // 2]))
        return written[0]

    with monkeypatch.context() as patched:
        patched.setattr("navixy_operator.adapters.audit.files.os.write", half)
        with pytest.raises(AuditSpoolFull, match="No space left"):
            await spool.append(wanted[2:5])
    assert spool.count == 2
    await spool.append(wanted[5:])
    found = await reopened(spool, tmp_path)
    assert await drained(found) == [*wanted[:2], wanted[5]]


async def test_a_file_that_cannot_be_deleted_costs_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """What is delivered is passed all the same, so that no repeat passes newer entries; the file goes later on."""
    spool, wanted = spool_in(tmp_path), entries(6)
    backlog = Backlog(spool)
    for entry in wanted[:3]:
        backlog.offer(entry)
    await backlog.put_away()
    for entry in wanted[3:]:
        backlog.offer(entry)

    def refuse(*_: object, **__: object) -> None:
        raise OSError(30, "Read-only file system")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "unlink", refuse)
        await backlog.forget(3)
    assert (spool.count, await backlog.oldest()) == (0, wanted[3:])
    assert len(segments(tmp_path)) == 1
    await backlog.put_away()
    found = await reopened(spool, tmp_path)
    assert await drained(found) == wanted[3:]
    assert segments(tmp_path) == []


async def test_a_kind_of_a_newer_version_is_delivered(tmp_path: Path) -> None:
    """The process before was of a newer version: its entries are no damage."""
    spool, (entry,) = spool_in(tmp_path), entries(1)
    await spool.append([replace(entry, run=replace(entry.run, kind=kind_of("rehearsal")))])
    (found,) = await drained(await reopened(spool, tmp_path))
    assert (found.run.kind.value, found.digest) == ("rehearsal", entry.digest)


@pytest.mark.parametrize("kind", [b"null", b"7", b"[]"])
def test_a_kind_that_is_no_text_is_damage(kind: bytes) -> None:
    """It is not made text, which would be stored."""
    (entry,) = entries(1)
    line = write_line(entry)
    with pytest.raises(UnreadableLine):
        read_line(line.replace(b'"kind":"%s"' % entry.run.kind.value.encode(), b'"kind":%s' % kind))
