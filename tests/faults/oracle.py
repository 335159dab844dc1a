"""The rules, stated a second time (design section 3): from the facts of one moment to what a connection must be.

| first that matches                                            | must be   |
|---------------------------------------------------------------|-----------|
| pinned to hold, or in a mode that does not exist              | as it is  |
| F1.3 opened or closed it last                                 | as it is  |
| pinned to connect, and a hash is known                        | connected |
| pinned to connect, no hash is known, a connection lives       | as it is  |
| pinned to disconnect                                          | closed    |
| suspended, removed, or not there                              | closed    |
| a state that does not exist, several rows, the hash of others | as it is  |
| no gateway, no hash, a malformed one                          | closed    |
| else                                                          | connected |

A declaration stands for all rows of its customer, and needs no gateway. While the database gives nothing at all, or
does not answer, what only it could decide stays as it is. Nothing of the operator's rules is used here.
"""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum
from typing import Final

from faults.facts import Facts, Row, fingerprint

HASH: Final = re.compile("[0-9a-f]{32}")
STATES: Final = {"active", "suspended", "removed"}


class Must(StrEnum):
    """What a customer's connection must be."""

    CONNECTED = "connected"
    CLOSED = "closed"
    AS_IT_IS = "as it is"


@dataclass(frozen=True, slots=True)
class Expectation:
    """What must be, with the hash of which fingerprint, and the rule that says so."""

    must: Must
    why: str
    print_: str | None = None


def expected(facts: Facts, ref: str, now: float, *, alive: bool = False) -> Expectation:
    """What the customer's connection must be at ``now``. ``alive``: one is connected or pending."""
    pin = facts.pins.get(ref)
    mode = None if pin is None or (pin.until is not None and pin.until <= now) else pin.mode.strip().lower()
    known = _hash(facts, ref)
    if mode is not None and mode not in {"connect", "disconnect"}:
        return Expectation(Must.AS_IT_IS, "pinned to hold")
    if ref in facts.manual:
        return Expectation(Must.AS_IT_IS, "in F1.3's hands")
    if mode == "connect" and known is not None:
        return Expectation(Must.CONNECTED, "pinned to connect", fingerprint(known))
    if mode == "connect" and alive:
        return Expectation(Must.AS_IT_IS, "pinned to connect, without a hash")
    if mode == "disconnect":
        return Expectation(Must.CLOSED, "pinned to disconnect")
    return _by_record(facts, ref, known)


def customers(facts: Facts) -> set[str]:
    """Everybody whom a row or a declaration names."""
    rows = () if facts.hidden else facts.rows.values()
    return {row.ref for row in rows if _navixy(row)} | set(facts.declared)


def is_gone(facts: Facts, ref: str) -> bool:
    """Whether neither a row that is not removed nor a declaration speaks of the customer."""
    return ref not in facts.declared and all(_state(row) == "removed" for row in facts.of(ref) if _navixy(row))


def _by_record(facts: Facts, ref: str, known: str | None) -> Expectation:
    declaration = facts.declared.get(ref)
    rows = [row for row in facts.of(ref) if _navixy(row)]
    states = {declaration.state} if declaration else {_state(row) for row in rows}
    twins = known is not None and any(other != ref and known in _hashes(facts, other) for other in customers(facts))
    lines = (
        (not declaration and (facts.hidden or facts.broken), Must.AS_IT_IS, "the database says nothing"),
        (not states, Must.CLOSED, "not in the database"),
        (states in ({"suspended"}, {"removed"}), Must.CLOSED, "/".join(states)),
        (not states <= STATES or (not declaration and len(rows) > 1), Must.AS_IT_IS, "the data contradicts itself"),
        (twins, Must.AS_IT_IS, "the same hash on several customers"),
        (not declaration and not any(row.gateways for row in rows), Must.CLOSED, "no gateway"),
        (known is None, Must.CLOSED, "no hash, or a malformed one"),
    )
    found = next((Expectation(must, why) for applies, must, why in lines if applies), None)
    return found or Expectation(Must.CONNECTED, "eligible", fingerprint(known or ""))


def _hash(facts: Facts, ref: str) -> str | None:
    """The one valid hash that is known of the customer."""
    if ref not in facts.declared and (facts.hidden or facts.broken):
        return None
    found = _hashes(facts, ref)
    valid = found == _valid(found)
    return next(iter(found)) if valid and len(found) == 1 else None


def _hashes(facts: Facts, ref: str) -> set[str | None]:
    """All that is said to be the customer's hash."""
    if ref in facts.declared:
        return {facts.declared[ref].hash}
    return {row.hash.strip() if row.hash is not None else None for row in facts.of(ref) if _navixy(row)}


def _valid(hashes: Iterable[str | None]) -> set[str | None]:
    return {one for one in hashes if one is not None and HASH.fullmatch(one)}


def _navixy(row: Row) -> bool:
    return row.provider.strip().lower() == "navixy"


def _state(row: Row) -> str:
    return row.state.strip().lower()
