"""Where a page ends, as a text that means nothing to whoever holds it."""

import base64
import re
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from navixy_operator.adapters.audit.schema import EPOCH, MICROSECOND
from navixy_operator.errors import InvalidSpec

_FORM: Final = re.compile(rb"(-?[0-9]{1,18})\.([0-9]{1,10})\.([0-9]{1,10})")
_LARGEST: Final = 2**31 - 1
"""Of a number of a run, and of a place in it."""
_LONGEST: Final = 100


@dataclass(frozen=True, slots=True, order=True)
class Position:
    """The place of an entry in the order of all: its moment, then its run's number and its place there."""

    at: datetime
    run: int
    seq: int


def write(position: Position) -> str:
    """The cursor."""
    told = f"{(position.at - EPOCH) // MICROSECOND}.{position.run}.{position.seq}"
    return base64.urlsafe_b64encode(told.encode()).decode().rstrip("=")


def read(text: str) -> Position:
    """The position. Raises InvalidSpec."""
    position = _read(text) if len(text) <= _LONGEST else None
    if position is None:
        message = "The cursor is none of this audit trail: give what came with the page before, or leave it out"
        raise InvalidSpec(message)
    return position


def _read(text: str) -> Position | None:
    try:
        told = base64.urlsafe_b64decode(text.encode("ascii") + b"=" * (-len(text) % 4))
        found = _FORM.fullmatch(told)
        if found is None or int(found[2]) > _LARGEST or int(found[3]) > _LARGEST:
            return None
        return Position(EPOCH + int(found[1]) * MICROSECOND, int(found[2]), int(found[3]))
    except (ValueError, OverflowError):  # no ASCII, no base64, no date
        return None
