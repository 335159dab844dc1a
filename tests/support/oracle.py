"""The rules of design section 3 once more, in other words: what a world of plain rows and words should come to.

Written without the core's rules, to be held against them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from navixy_operator.core.model import Connection, CustomerRow, fingerprint

GOOD, SHUT, GONE, BAD, LACKING = "good", "shut", "gone", "bad", "lacking"
"""What is thought of a customer: eligible; suspended or removed; not found; contradictory; a requirement is missing."""
ON, OFF, AS_IT_IS = "on", "off", "as it is"
STATES: Final = ("active", "suspended", "removed")


@dataclass(frozen=True, slots=True)
class Row:
    """A Navixy row of the customer database. ``ref`` None: it has lost its reference."""

    ref: str | None
    state: str
    hash: str | None
    gateways: int

    def to_core(self, number: int) -> CustomerRow:
        """As the database adapter gives it."""
        return CustomerRow(number, self.ref, "navixy", self.state, self.hash, self.gateways)

    @property
    def has_hash(self) -> bool:
        """Whether the hash is well formed."""
        return self.hash is not None and len(self.hash) == 32

    @property
    def print(self) -> str | None:
        """The hash's fingerprint; None: there is none, or the hash is malformed."""
        return fingerprint(self.hash) if self.hash is not None and self.has_hash else None


@dataclass(frozen=True, slots=True)
class Opinion:
    """What is thought of a customer, and the hash that it is known by; None: none is."""

    word: str
    hash: str | None = None


def judge(rows: Sequence[Row]) -> dict[str, Opinion]:
    """An opinion on everybody who is in the database."""
    found: dict[str, Opinion] = {}
    for ref in {row.ref for row in rows if row.ref is not None}:
        own = [row for row in rows if row.ref == ref]
        states, hashes = {row.state for row in own}, {row.hash for row in own if row.has_hash}
        hash_ = own[0].hash if len(hashes) == 1 and all(row.has_hash for row in own) else None
        shared = any(row.hash == hash_ for row in rows if row.ref not in {None, ref}) and hash_ is not None
        if len(states) == 1 and states <= {"suspended", "removed"}:
            word = SHUT
        elif len(own) > 1 or own[0].state not in STATES or own[0].gateways < 0 or shared:
            word = BAD
        else:
            word = GOOD if own[0].gateways > 0 and hash_ is not None else LACKING
        found[ref] = Opinion(word, hash_)
    return found


def missing(rows: Sequence[Row], print_: str | None) -> Opinion:
    """The opinion on who is not found: gone, unless a row without a reference may be the customer."""
    nameless = [row for row in rows if row.ref is None]
    return Opinion(BAD if any(not row.has_hash or row.print == print_ for row in nameless) else GONE)


def leftover(rows: Sequence[Row], connections: Iterable[Connection]) -> Opinion:
    """The opinion on whoever has a connection and nothing else: gone, unless a row without a reference has its hash."""
    prints = {row.print for row in rows if row.ref is None} - {None}
    return Opinion(BAD if prints & {one.fingerprint for one in connections} else GONE)


def in_doubt(rows: Sequence[Row], active: Mapping[str, str | None], percent: int) -> bool:
    """Whether the database is empty, or has lost too many of those who were there and not removed, by fingerprint."""
    here = {row.ref for row in rows}
    lost = sum(ref not in here and missing(rows, print_).word == GONE for ref, print_ in active.items())
    return not rows or lost * 100 > percent * len(active)


def is_manual(connections: Iterable[Connection]) -> bool:
    """Whether F1.3 has one open, or closed the last one."""
    known = sorted(connections, key=lambda one: one.updated_at)
    opened = [one for one in known if one.state != "disconnected"]
    if opened:
        return any(one.origin == "manual" for one in opened)
    return bool(known) and known[-1].origin == "manual"


def wanted(opinion: Opinion, pin: str | None, connections: Sequence[Connection]) -> str:
    """The table of what is desired."""
    if pin == "hold" or is_manual(connections):
        return AS_IT_IS
    alive = any(one.state in {"connected", "pending"} for one in connections)
    if pin == "connect" and (opinion.hash is not None or alive):
        return ON
    if pin == "disconnect":
        return OFF
    return {GOOD: ON, SHUT: OFF, GONE: OFF, LACKING: OFF, BAD: AS_IT_IS}[opinion.word]


def by_a_person(opinion: Opinion, pin: str | None, connections: Sequence[Connection]) -> bool:
    """Whether it is a pin that decides."""
    if pin is None or is_manual(connections):
        return False
    alive = any(one.state in {"connected", "pending"} for one in connections)
    return pin != "connect" or opinion.hash is not None or alive


def allowed(percent: int, least: int, connections: Iterable[Connection]) -> float:
    """How many connections may be cut off without asking."""
    automatic = [one for one in connections if one.state != "disconnected" and one.origin == "automatic"]
    return max(least, percent * len(automatic) / 100)


def as_wanted(want: str, connections: Sequence[Connection], print_: str | None) -> bool:
    """Whether F1.1 holds exactly what is desired of one customer."""
    opened = [one for one in connections if one.state != "disconnected"]
    if want == OFF:
        return not opened
    right = [
        one for one in opened if one.state == "connected" and (print_ is None or one.fingerprint in {None, print_})
    ]
    return want == AS_IT_IS or (len(opened) == 1 and right == opened)
