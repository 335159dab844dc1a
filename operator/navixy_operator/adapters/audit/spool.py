"""Entries of the audit trail that wait on the local disk: files of JSON lines, and how far they were delivered.

Only the owner can read them. A line is on the disk, not just in its cache, when ``append`` returns. Each process
begins a file of its own, so that a line that a crash has cut off stays the last of its file.
"""

import asyncio
import contextlib
import fcntl
import os
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeVar

import structlog

from navixy_operator.adapters.audit import files
from navixy_operator.adapters.audit.lines import UnreadableLine, read_line, write_line
from navixy_operator.core.audit import Entry
from navixy_operator.core.vocabulary import LogEvent
from navixy_operator.errors import AuditSpoolFull

SEGMENTS: Final = 16
"""Files that a full spool consists of: what was delivered is freed in as many parts."""
LARGEST_SEGMENT: Final = 4_000_000
BATCH_BYTES: Final = 8_000_000
"""After so many bytes a batch ends, whatever its limit."""
SUFFIX: Final = ".jsonl"

T = TypeVar("T")
logger = structlog.stdlib.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class _Line:
    """A line, and where it ends: the number of its segment, and the byte after it."""

    segment: int
    end: int
    entry: Entry | None


class FileSpool:
    """A directory of segments ``00000001.jsonl``, of ``max_bytes`` at the most; implements the port AuditSpool."""

    def __init__(self, directory: Path, max_bytes: int) -> None:
        self._directory = directory
        self._max_bytes = max_bytes
        self._segment_bytes = max(1, min(LARGEST_SEGMENT, max_bytes // SEGMENTS))
        self._sizes: dict[int, int] = {}  # bytes of each segment by its number, oldest first
        self._offset = 0  # in the oldest segment: where the oldest entry begins
        self._newest = 0  # the highest number that a segment ever had
        self._count = 0
        self._writing: int | None = None  # the newest segment's descriptor, while it takes more
        self._position: int | None = None  # that of the position's file; its lock keeps other processes away
        self._alone = threading.Lock()

    @property
    def count(self) -> int:
        """How many entries wait."""
        return self._count

    async def open(self) -> None:
        """Find what a process of before has left. Raises AuditSpoolFull when it cannot be used."""
        await self._run(self._open)

    async def append(self, entries: Sequence[Entry]) -> None:
        """Put entries behind all others. Raises AuditSpoolFull: none was taken."""
        await self._run(lambda: self._append(b"".join(map(write_line, entries)), len(entries)))

    async def oldest(self, limit: int) -> Sequence[Entry]:
        """At most so many of the oldest entries. Raises AuditSpoolFull when they cannot be read."""
        return await self._run(lambda: self._oldest(limit))

    async def forget(self, count: int) -> None:
        """The oldest so many are delivered. Raises AuditSpoolFull when they cannot be read."""
        await self._run(lambda: self._forget(count))

    async def close(self) -> None:
        """Let go of the files."""
        await self._run(self._close)

    async def _run(self, work: Callable[[], T]) -> T:
        """In a thread, one at a time."""

        def run() -> T:
            with self._alone:
                try:
                    return work()
                except OSError as error:
                    why = os.strerror(error.errno) if error.errno else type(error).__name__
                    message = f"the spool in {self._directory} cannot be used: {why}; check the volume and its rights"
                    raise AuditSpoolFull(message) from None

        return await asyncio.to_thread(run)

    def _open(self) -> None:
        if self._position is not None:
            return
        self._directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._directory.chmod(0o700)
        position = os.open(self._directory / "position", os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(position, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self._find(position)
        except BlockingIOError:
            os.close(position)
            message = f"the spool in {self._directory} is another process's; give each its own data directory"
            raise AuditSpoolFull(message) from None
        except BaseException:
            os.close(position)
            raise
        self._position = position

    def _find(self, position: int) -> None:
        """Look what is there: the segments, how far they were delivered, and how many lines are left."""
        numbers = sorted(int(path.stem) for path in self._directory.glob(f"*{SUFFIX}") if path.stem.isdecimal())
        at, offset = files.parse_position(os.pread(position, 64, 0))
        for number in [each for each in numbers if each < at]:
            self._path(number).unlink()
        self._sizes = {each: files.end_last_line(self._path(each)) for each in numbers if each >= at}
        self._offset = min(offset, self._sizes.get(at, 0))
        self._newest = max([at, *self._sizes])
        self._count = sum(files.count_lines(self._path(each), offset if each == at else 0) for each in self._sizes)

    def _append(self, data: bytes, count: int) -> None:
        self._open()
        if sum(self._sizes.values()) + len(data) > self._max_bytes:
            message = f"the spool in {self._directory} has reached its bound of {self._max_bytes} bytes"
            raise AuditSpoolFull(message)
        writing, size = self._segment()
        try:
            files.write(writing, data)
        except OSError:
            with contextlib.suppress(OSError):
                os.ftruncate(writing, size)
            self._end_segment()  # if half a line stands there now, the next one is not written behind it
            raise
        self._sizes[self._newest] = size + len(data)
        self._count += count

    def _segment(self) -> tuple[int, int]:
        """The descriptor and the size of the segment that takes more, a new one where there is none."""
        if self._writing is None or self._sizes.get(self._newest, 0) >= self._segment_bytes:
            self._end_segment()
            flags = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_APPEND
            self._writing = os.open(self._path(self._newest + 1), flags, 0o600)
            self._newest += 1
            self._sizes[self._newest] = 0
            files.sync_directory(self._directory)
        return self._writing, self._sizes[self._newest]

    def _end_segment(self) -> None:
        if self._writing is not None:
            writing, self._writing = self._writing, None
            os.close(writing)

    def _oldest(self, limit: int) -> Sequence[Entry]:
        self._open()
        found: list[Entry] = []
        passed, size, last = 0, 0, None
        for line, length in self._ahead():
            passed, size, last = passed + 1, size + length, line
            if line.entry is not None:
                found.append(line.entry)
            if len(found) == limit or size > BATCH_BYTES:
                break
        if last is not None and not found:
            self._move_on(last, passed, damaged=passed)
        return found

    def _forget(self, count: int) -> None:
        """Pass so many entries, and what cannot be read among them."""
        passed, damaged, last = 0, 0, None
        for line, _ in self._ahead():
            passed, last = passed + 1, line
            damaged += line.entry is None
            if passed - damaged == count:
                break
        if last is not None:
            self._move_on(last, passed, damaged=damaged)

    def _ahead(self) -> Iterator[tuple[_Line, int]]:
        """The lines from the oldest entry on, and the bytes of each."""
        offset = self._offset
        for number in list(self._sizes):
            with self._path(number).open("rb") as segment:
                segment.seek(offset)
                for line in segment:
                    offset += len(line)
                    yield _Line(number, offset, _entry(line)), len(line)
            offset = 0

    def _move_on(self, last: _Line, passed: int, *, damaged: int) -> None:
        """The lines up to this one are not needed any more, nor are segments that have no other."""
        if damaged:
            logger.warning(LogEvent.AUDIT_SPOOL_LINES_SKIPPED, directory=str(self._directory), lines=damaged)
        self._count -= passed
        self._offset = last.end
        with contextlib.suppress(OSError):  # what is delivered once more does no harm
            self._note_position(last.segment, last.end)
        for number, size in list(self._sizes.items()):
            if number == last.segment and last.end >= size:
                self._offset = 0
            elif number >= last.segment:
                break
            del self._sizes[number]
            with contextlib.suppress(OSError):  # moved on all the same: a repeat would pass entries not delivered yet
                if number == self._newest:
                    self._end_segment()
                self._path(number).unlink(missing_ok=True)

    def _note_position(self, number: int, offset: int) -> None:
        if self._position is not None:
            os.pwrite(self._position, b"%020d %020d\n" % (number, offset), 0)

    def _close(self) -> None:
        self._end_segment()
        if self._position is not None:
            position, self._position = self._position, None
            os.close(position)

    def _path(self, number: int) -> Path:
        return self._directory / f"{number:08d}{SUFFIX}"


def _entry(line: bytes) -> Entry | None:
    try:
        return read_line(line)
    except UnreadableLine:
        return None
