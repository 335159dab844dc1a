"""Pins: what a person wants of one connection, as the annotations of its NavixyCustomer say (design section 2)."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Final

from navixy_operator.core.conditions import MAX_MESSAGE, timestamp
from navixy_operator.core.reading import show
from navixy_operator.core.vocabulary import PIN, PIN_BY, PIN_REASON, PIN_UNTIL, PinMode

_RFC3339: Final = re.compile(r"\d{4}-\d{2}-\d{2}[Tt]\d{2}:\d{2}:\d{2}(\.\d+)?([Zz]|[+-]\d{2}:\d{2})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Pin:
    """One manual override. ``until`` None: until its annotation is removed."""

    mode: PinMode
    reason: str | None = None
    by: str | None = None
    until: datetime | None = None

    def to_status(self) -> dict[str, Any]:
        """As ``status.pin``, what is not said left out."""
        until = None if self.until is None else timestamp(self.until)
        fields = {"mode": self.mode.value, "reason": self.reason, "by": self.by, "until": until}
        return {name: value for name, value in fields.items() if value is not None}

    def in_words(self) -> str:
        """``disconnect, by anna, until 2026-12-01T00:00:00Z: moves house``."""
        by = f", by {self.by}" if self.by else ""
        until = f", until {timestamp(self.until)}" if self.until else ""
        return f"{self.mode}{by}{until}" + (f": {self.reason}" if self.reason else "")


@dataclass(frozen=True, slots=True)
class PinReading:
    """What the annotations say at one moment: the pin that counts, or the one that no longer does, and what is odd."""

    pin: Pin | None = None
    expired: Pin | None = None
    problems: tuple[str, ...] = ()


NO_PIN: Final = PinReading()


def read_pin(annotations: Mapping[str, str], now: datetime) -> PinReading:
    """Read the pin. Total: a mode that does not exist counts as ``hold``, an end that is no time as none."""
    if PIN not in annotations:
        return NO_PIN
    mode, mode_problem = _mode(annotations[PIN])
    until, until_problem = _until(annotations.get(PIN_UNTIL))
    problems = tuple(problem for problem in (mode_problem, until_problem) if problem)
    pin = Pin(mode, _text(annotations.get(PIN_REASON)), _text(annotations.get(PIN_BY)), until)
    if until is not None and until <= now:
        return PinReading(expired=pin, problems=problems)
    return PinReading(pin, problems=problems)


def unheeded(annotations: Mapping[str, str], status: Mapping[str, Any], now: datetime) -> bool:
    """Whether the annotations say something else than what the status says was heeded: somebody must act now."""
    wanted = read_pin(annotations, now).pin
    heeded = {key: value for key, value in (status.get("pin") or {}).items() if key != "insteadOf"}
    return heeded != ({} if wanted is None else wanted.to_status())


def _mode(text: str) -> tuple[PinMode, str]:
    try:
        return PinMode(text.strip().lower()), ""
    except ValueError:
        known = ", ".join(PinMode)
        return PinMode.HOLD, f"{PIN} is {show(text)}, which is none of {known}: it counts as {PinMode.HOLD}"


def _until(text: str | None) -> tuple[datetime | None, str]:
    if text is None:
        return None, ""
    problem = f"{PIN_UNTIL} is {show(text)}, which is no time of RFC 3339, such as 2026-12-31T18:00:00Z: no end counts"
    if _RFC3339.fullmatch(text.strip()) is None:
        return None, problem
    try:
        return datetime.fromisoformat(text.strip().upper()).astimezone(UTC), ""
    except (ValueError, OverflowError):  # the second: a time that only its offset puts within the years there are
        return None, problem


def _text(value: str | None) -> str | None:
    text = "".join(character if character.isprintable() else " " for character in value or "").strip()
    return text[:MAX_MESSAGE] or None
