"""F1.1's history read again: what was asked of it, and what was open when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any, Final

OPERATOR: Final = frozenset({"api", "close"})
"""Changes that came over the contract, whose only caller here is the operator."""


@dataclass(frozen=True, slots=True)
class Act:
    """What the operator had F1.1 do. ``others``: open connections of the customer beside this one, then.

    ``before``: the state of a connection that was closed; ``since``: from when on it had been so.
    """

    opens: bool
    ref: str | None
    connection: str
    asked_at: float
    at: float
    print_: str | None
    origin: str
    before: str | None
    since: float
    others: int

    def __str__(self) -> str:
        what = "opened" if self.opens else f"closed ({self.before}, {self.origin})"
        return f"{self.ref} {what} {self.connection[:9]} print {self.print_} asked at {self.asked_at:.3f}"


@dataclass(frozen=True, slots=True)
class Trace:
    """The operator's acts in their order, moments with two open connections, how many automatic ones were open when."""

    acts: tuple[Act, ...]
    doubles: tuple[str, ...]
    open_counts: tuple[tuple[float, int], ...]

    def most_open(self, since: float, until: float) -> int:
        """The most automatic connections that were open at once between two moments."""
        before = [count for at, count in self.open_counts if at < since]
        within = [count for at, count in self.open_counts if since <= at <= until]
        return max([*before[-1:], *within], default=0)


def trace(history: Iterable[Mapping[str, Any]]) -> Trace:
    """Read a whole history (``records.Change``)."""
    states: dict[str, tuple[str, float]] = {}
    opened: dict[str | None, dict[str, str]] = {}
    acts: list[Act] = []
    doubles: list[str] = []
    counts: list[tuple[float, int]] = []
    automatic = 0
    for line in history:
        identity, ref, after = line["connection_id"], line["customer_ref"], line["after"]
        before, since = states.get(identity, (None, line["at"]))
        held = opened.setdefault(ref, {})
        others = sum(one != identity for one in held)
        if line["by"] in OPERATOR and (before is None or after == "disconnected"):
            acts.append(
                Act(
                    before is None,
                    ref,
                    identity,
                    line["asked_at"],
                    line["at"],
                    line["fingerprint"],
                    line["origin_before"] or line["origin"],
                    before,
                    since,
                    others,
                )
            )
        states[identity] = (after, line["at"])
        automatic -= held.pop(identity, "") == "automatic"
        if after != "disconnected":
            held[identity] = line["origin"]
            automatic += line["origin"] == "automatic"
            if before in {None, "disconnected"} and others and ref is not None:
                doubles.append(f"{ref}: {identity[:9]} opened by {line['by']} at {line['at']:.3f} beside {others}")
        counts.append((line["at"], automatic))
    return Trace(tuple(acts), tuple(doubles), tuple(counts))
