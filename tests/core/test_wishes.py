"""What is desired and why: the truth table, row by row, and which rule goes before which."""

from itertools import product
from typing import Any, Final

import pytest

from navixy_operator.core import wishes
from navixy_operator.core.model import Connection
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import PinMode, Reason
from navixy_operator.core.wishes import BY_A_PERSON, CLOSED, CONTRADICTORY, REQUIREMENTS, SKIPS, UNKNOWN, wish
from support.builders import DISCONNECTED, FAILED, PENDING, connection, manual, pinned, subject
from support.tables import tables

(TABLE,) = tables(wishes.__doc__)
TOLD: Final = {name: (desired, set(reasons.split(", "))) for name, desired, reasons in TABLE}
HOLD, MANUAL, ON, OFF, SHUT, BAD, UNJUDGED, LACKING, GOOD = TOLD

CONNECT, DISCONNECT, STAY = (pinned(mode) for mode in (PinMode.CONNECT, PinMode.DISCONNECT, PinMode.HOLD))
ours, pending, failed = connection("c-1"), connection("p-1", state=PENDING), connection("f-1", state=FAILED)
closed = connection("d", state=DISCONNECTED, age=9)


def off(reason: Reason, *connections: Connection, **fields: Any) -> Subject:
    """A customer with another verdict."""
    return subject(*connections, reason=reason, **fields)


def without_hash(*connections: Connection, **fields: Any) -> Subject:
    """A customer whose hash is not known."""
    return off(Reason.MISSING_HASH, *connections, fingerprint=None, has_hash=False, **fields)


CASES: Final = [
    (HOLD, "eligible, nothing open", subject(pins=STAY)),
    (HOLD, "suspended, connected", off(Reason.SUSPENDED, ours, pins=STAY)),
    (HOLD, "F1.3 has set it, too", subject(manual(), pins=STAY)),
    (HOLD, "no hash", without_hash(pins=STAY)),
    (MANUAL, "opened", subject(manual())),
    (MANUAL, "closed", subject(manual(state=DISCONNECTED))),
    (MANUAL, "pending, beside one of ours", subject(ours, manual("c-2", PENDING))),
    (MANUAL, "gone from the database", off(Reason.NOT_IN_DATABASE, manual())),
    (MANUAL, "closed by F1.3 after ours was", subject(closed, manual("m", DISCONNECTED, age=1))),
    (MANUAL, "opened, pinned to connect", subject(manual(), pins=CONNECT)),
    (MANUAL, "closed, pinned to connect", subject(manual(state=DISCONNECTED), pins=CONNECT)),
    (MANUAL, "opened, pinned to disconnect", subject(manual(), pins=DISCONNECT)),
    (MANUAL, "the declaration is deleted", off(Reason.DECLARATION_DELETED, manual())),
    (MANUAL, "contradictory", off(Reason.INVALID_RECORD, manual())),
    (ON, "eligible", subject(pins=CONNECT)),
    (ON, "suspended, nothing open", off(Reason.SUSPENDED, pins=CONNECT)),
    (ON, "suspended, only a closed one", off(Reason.SUSPENDED, closed, pins=CONNECT)),
    (ON, "no gateways, connected", off(Reason.NO_GATEWAYS, ours, pins=CONNECT)),
    (ON, "contradictory, a hash all the same", off(Reason.DUPLICATE_REFERENCE, pins=CONNECT)),
    (ON, "not yet judged, a hash all the same", off(Reason.NOT_YET_JUDGED, pins=CONNECT)),
    (ON, "no hash, a connection lives", without_hash(ours, pins=CONNECT)),
    (ON, "no hash, one is coming up", without_hash(pending, pins=CONNECT)),
    (ON, "no hash, one lives beside a failed one", without_hash(failed, ours, pins=CONNECT)),
    (OFF, "eligible", subject(ours, pins=DISCONNECT)),
    (OFF, "nothing open", subject(pins=DISCONNECT)),
    (OFF, "contradictory", off(Reason.DUPLICATE_HASH, ours, pins=DISCONNECT)),
    (OFF, "suspended", off(Reason.SUSPENDED, ours, pins=DISCONNECT)),
    (OFF, "changed by hand", off(Reason.CHANGED_BY_HAND, ours, pins=DISCONNECT)),
    *((SHUT, reason.value, off(reason, ours)) for reason in sorted(CLOSED)),
    (SHUT, "no hash, pinned to connect, nothing lives", off(Reason.REMOVED, failed, has_hash=False, pins=CONNECT)),
    *((BAD, reason.value, off(reason, ours)) for reason in sorted(CONTRADICTORY)),
    (BAD, "no hash, pinned to connect", off(Reason.INVALID_RECORD, has_hash=False, pins=CONNECT)),
    *((UNJUDGED, reason.value, off(reason, ours)) for reason in sorted(UNKNOWN)),
    *((LACKING, reason.value, off(reason, ours)) for reason in sorted(REQUIREMENTS)),
    (LACKING, "pinned to connect, nothing open", without_hash(pins=CONNECT)),
    (LACKING, "pinned to connect, a failed one", without_hash(failed, pins=CONNECT)),
    (LACKING, "pinned to connect, a closed one", without_hash(closed, pins=CONNECT)),
    (GOOD, "nothing open", subject()),
    (GOOD, "closed after F1.3 had closed", subject(manual("m", DISCONNECTED, age=99), closed)),
    (GOOD, "open after F1.3 had closed", subject(manual("m", DISCONNECTED, age=1), connection("c", age=9))),
]  # fmt: skip


@pytest.mark.parametrize(("row", "name", "found"), CASES, ids=[f"{row}: {name}" for row, name, _ in CASES])
def test_wish(row: str, name: str, found: Subject) -> None:  # noqa: ARG001 - the name is the id
    """What is desired, and why, as the row of the table says."""
    desired, reasons = TOLD[row]
    wanted = wish(found)
    assert wanted.reason.value in reasons
    assert (wanted.desired.value if wanted.desired else "as it is") == desired
    assert wanted.message


def test_every_row_has_a_case() -> None:
    """The table in the docstring and the cases have the same rows with the same reasons."""
    seen: dict[str, set[str]] = {row: set() for row in TOLD}
    for row, _, found in CASES:
        seen[row].add(wish(found).reason.value)
    assert seen == {row: reasons for row, (_, reasons) in TOLD.items()}


def test_the_table_is_in_the_order_of_the_rules() -> None:
    """First match wins: the rows stand as the rules are tried."""
    assert len(TABLE) == len(wishes.RULES)
    for row, _, found in CASES:
        tried = [rule(found) is not None for rule in wishes.RULES]
        assert tried.index(True) == list(TOLD).index(row)


def test_the_reasons_of_verdicts_are_sorted_once() -> None:
    """Every verdict is of one sort, so that none falls through to another rule."""
    sorts = [CLOSED, CONTRADICTORY, UNKNOWN, REQUIREMENTS, frozenset({Reason.ELIGIBLE})]
    assert sum(map(len, sorts)) == len(frozenset().union(*sorts))
    assert SKIPS == CONTRADICTORY | REQUIREMENTS
    assert not BY_A_PERSON & SKIPS


VERDICTS: Final = sorted(CLOSED | SKIPS | UNKNOWN | {Reason.ELIGIBLE})


@pytest.mark.parametrize(("reason", "mode"), list(product(VERDICTS, PinMode)))
def test_a_pin_goes_before_every_verdict(reason: Reason, mode: PinMode) -> None:
    """AC13: with a hash, no verdict keeps a pin from deciding, and its words are told with it."""
    wanted = wish(off(reason, ours, pins=pinned(mode, by="anna", reason="on holiday")))
    assert wanted.reason is Reason.PINNED
    assert wanted.message == f"pinned: {mode}, by anna: on holiday"


@pytest.mark.parametrize("reason", VERDICTS)
def test_f13_goes_before_every_verdict(reason: Reason) -> None:
    """AC13: what a person set through F1.3 stays, whatever the database says."""
    assert wish(off(reason, manual())).reason is Reason.MANUAL_OPERATION
