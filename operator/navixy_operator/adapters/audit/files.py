"""What the spool does with files; all of it blocks, and raises OSError."""

import os
from pathlib import Path


def write(descriptor: int, data: bytes) -> None:
    """All of it, onto the disk."""
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]
    os.fsync(descriptor)


def sync_directory(directory: Path) -> None:
    """That there is a new file in it, onto the disk."""
    descriptor = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def parse_position(text: bytes) -> tuple[int, int]:
    """The number of the oldest segment, and the byte in it from which on nothing was delivered; the beginning."""
    try:
        number, offset = text.split()
        return int(number), int(offset)
    except ValueError:
        return 0, 0


def end_last_line(path: Path) -> int:
    """End a last line that has no end, as a crash leaves it; the file's size."""
    with path.open("r+b") as segment:
        size = segment.seek(0, os.SEEK_END)
        if size:
            segment.seek(size - 1)
            if segment.read(1) != b"\n":
                size += segment.write(b"\n")
    return size


def count_lines(path: Path, offset: int) -> int:
    """The lines from this byte on."""
    count = 0
    with path.open("rb") as segment:
        segment.seek(offset)
        while chunk := segment.read(1 << 20):
            count += chunk.count(b"\n")
    return count
