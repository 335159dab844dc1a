"""Counts and lists of names in a sentence."""

from collections.abc import Iterable, Sequence
from typing import Final

SHOWN: Final = 5
LONGEST_NAME: Final = 60


def listed(names: Sequence[str], count: int | None = None) -> str:
    """The first five names, each cut, and how many more there are; ``count``: of all, where not all are given."""
    shown = ", ".join(cut(name, LONGEST_NAME) for name in names[:SHOWN])
    more = (len(names) if count is None else count) - min(len(names), SHOWN)
    return f"{shown} and {more} more" if more > 0 and shown else shown


def cut(text: str, length: int) -> str:
    """As much of a text as fits, on one line."""
    text = " ".join(text.split())
    return text if len(text) <= length else text[: length - 1] + "…"


def number(count: int, one: str, many: str | None = None) -> str:
    """A count with its noun: ``1 cycle``, ``2 cycles``."""
    return f"{count} {one}" if count == 1 else f"{count} {many or one + 's'}"


def tally(counts: Iterable[tuple[str, int]]) -> str:
    """``3 active, 1 suspended``; nothing that is 0."""
    return ", ".join(f"{count} {name}" for name, count in counts if count)
