"""The words of an alert (spec, Alert Notification: "synchronization summary and discrepancy details")."""

from collections import defaultdict
from typing import Final

from navixy_operator.core.history import PastCycle
from navixy_operator.core.words import listed

MAX_BYTES: Final = 1000
"""Of an annotation, in UTF-8: what reads it sends short messages."""


def described(wrong: str, cycle: PastCycle | None) -> str:
    """What is wrong; then the summary of the last cycle that came to its end, and the discrepancies that it found."""
    sentences = [wrong] if cycle is None else [wrong, *_summary(cycle)]
    return fit(". ".join(f"{sentence[:1].upper()}{sentence[1:]}".rstrip(".") for sentence in sentences) + ".")


def fit(text: str) -> str:
    """As much of a text as an annotation may have."""
    if len(text.encode()) <= MAX_BYTES:
        return text
    return text.encode()[: MAX_BYTES - len("…".encode())].decode(errors="ignore") + "…"


def _summary(cycle: PastCycle) -> list[str]:
    said = f"last completed cycle: {cycle.name}, {cycle.status.get('message', '')}"
    counts = cycle.status.get("discrepancyCounts", {})
    refs: defaultdict[str, list[str]] = defaultdict(list)
    for entry in cycle.status.get("discrepancies", ()):
        refs[entry["type"]].append(str(entry.get("customerRef") or entry.get("connectionId", "nobody")))
    found = [f"{count} {kind} ({listed(refs[kind], count)})" for kind, count in sorted(counts.items())]
    return [said, f"it found {', '.join(found)}" if found else "it found no discrepancies"]
