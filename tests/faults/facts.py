"""What is so in the world outside at one moment: the rules' inputs, as plain values."""

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Row:
    """One Navixy row of the customer database; ``id`` is the customer's key there."""

    id: int
    ref: str
    state: str = "active"
    hash: str | None = None
    gateways: int = 2
    provider: str = "navixy"


@dataclass(frozen=True, slots=True)
class Pin:
    """One pin. ``number`` tells it from all others, in the resource as its reason. ``until``: epoch seconds."""

    number: int
    mode: str
    until: float | None = None


@dataclass(frozen=True, slots=True)
class Declaration:
    """A customer whom a person declares."""

    hash: str
    state: str = "active"


@dataclass(frozen=True, slots=True)
class Facts:
    """One moment of the world.

    ``rows`` by id; ``hidden``: the database answers, but with no row; ``broken``: it does not answer. ``manual``: who
    is in F1.3's hands. ``leaving``: whose declaration was deleted, which closes its connection once.
    """

    rows: Mapping[int, Row] = field(default_factory=dict)
    hidden: bool = False
    broken: bool = False
    pins: Mapping[str, Pin] = field(default_factory=dict)
    declared: Mapping[str, Declaration] = field(default_factory=dict)
    leaving: frozenset[str] = frozenset()
    manual: frozenset[str] = frozenset()

    def with_rows(self, *rows: Row) -> "Facts":
        """These rows new or instead of those with their ids."""
        return replace(self, rows={**self.rows, **{row.id: row for row in rows}})

    def without_rows(self, *ids: int) -> "Facts":
        """These rows deleted."""
        return replace(self, rows={number: row for number, row in self.rows.items() if number not in ids})

    def with_pin(self, ref: str, pin: Pin | None) -> "Facts":
        """The customer pinned so, or no longer."""
        others = {name: one for name, one in self.pins.items() if name != ref}
        return replace(self, pins=others if pin is None else {**others, ref: pin})

    def of(self, ref: str) -> list[Row]:
        """The customer's rows."""
        return [row for row in self.rows.values() if row.ref == ref]


def fingerprint(hash_: str) -> str:
    """The form of a hash that F1.1 shows."""
    return hashlib.sha256(hash_.encode()).hexdigest()[:16]
