"""The roster: who there is to decide on, who is gone, and whose hash is refused."""

from typing import Any

import pytest

from navixy_operator.core.actions import Close, Establish, Keep
from navixy_operator.core.model import CustomerRow
from navixy_operator.core.pins import Pin
from navixy_operator.core.plan import decide_all
from navixy_operator.core.roster import Known, subjects
from navixy_operator.core.vocabulary import PinMode, Reason
from support.builders import (
    FAILED,
    PASSING,
    PERMANENT,
    connection,
    pinned,
    print_of,
    snapshot_of,
)
from support.builders import row as database_row

refused = connection("f-2", state=FAILED, error=PERMANENT)
failed = connection("f-1", state=FAILED, error=PASSING)


def test_roster_names_everyone_once() -> None:
    """Customers of the snapshot, known ones who are gone, strangers, and nobody's connections one by one."""
    snapshot = snapshot_of([database_row("acme"), database_row("beta")])
    nobodys = [connection("n-1", None), connection("n-2", None)]
    found = subjects(
        snapshot,
        {"acme": Known(), "gone": Known("f" * 16)},
        [connection("c", "acme"), connection("s", "strange"), *nobodys],
    )
    assert [(s.customer_ref, s.verdict.reason, len(s.connections), s.has_resource) for s in found] == [
        ("acme", Reason.ELIGIBLE, 1, True),
        ("beta", Reason.ELIGIBLE, 0, True),
        ("gone", Reason.NOT_IN_DATABASE, 0, True),
        ("strange", Reason.NOT_IN_DATABASE, 1, False),
        (None, Reason.NOT_IN_DATABASE, 1, False),
        (None, Reason.NOT_IN_DATABASE, 1, False),
    ]


@pytest.mark.parametrize(
    ("columns", "print_", "kept"),
    [
        pytest.param({"navixy_hash": None}, print_of("gone"), True, id="nameless without a hash: may be anybody"),
        pytest.param({"navixy_hash": "bad"}, None, True, id="nameless with a malformed hash: may be anybody"),
        pytest.param({"navixy_hash": "0" * 32}, print_of("gone"), False, id="nameless with another hash"),
        pytest.param({"navixy_hash": "0" * 32}, None, False, id="nameless with a hash, the gone one had none"),
    ],
)
def test_gone_or_perhaps_nameless(columns: dict[str, Any], print_: str | None, kept: bool) -> None:  # noqa: FBT001
    """A customer who may be a row without a reference is not cut off."""
    found = subjects(snapshot_of([database_row(None, **columns)]), {"gone": Known(print_)}, [connection("c", "gone")])
    (decision,) = decide_all(found)
    assert isinstance(decision.action, Keep) is kept


def test_a_leftover_with_the_hash_of_a_nameless_row_stays() -> None:
    """It belongs to that row; a leftover with another hash goes."""
    snapshot = snapshot_of([database_row(None, navixy_hash="0" * 32)])
    ours_print = next(iter(snapshot.nameless))
    found = subjects(
        snapshot, {}, [connection("a", "x", fingerprint=ours_print), connection("b", "y"), connection("c", None)]
    )
    assert [type(decision.action) for decision in decide_all(found)] == [Keep, Close, Close]


@pytest.mark.parametrize(
    ("known", "listed", "refused"),
    [
        pytest.param(Known(refused=print_of("acme")), (), True, id="written down"),
        pytest.param(Known(refused=print_of("old")), (), False, id="another hash written down"),
        pytest.param(None, (refused,), True, id="listed as refused"),
        pytest.param(Known(refused=print_of("old")), (refused,), True, id="another written down, this one listed"),
        pytest.param(None, (failed,), False, id="failed in passing"),
        pytest.param(
            None, (connection("x", state=FAILED, error=PERMANENT, fingerprint=None),), False, id="not told whose"
        ),
    ],
)
def test_refused_hash(known: Known | None, listed: tuple[object, ...], refused: bool) -> None:  # noqa: FBT001
    """A hash is refused where F1.1 lists it so, or an earlier cycle wrote it down; never because another was."""
    (found,) = subjects(
        snapshot_of([database_row("acme")]),
        {} if known is None else {"acme": known},
        listed,  # type: ignore[arg-type]
    )
    assert found.hash_is_refused is refused


def test_no_hash_is_never_refused() -> None:
    """Without a fingerprint on either side nothing is the same."""
    listed = connection("x", state=FAILED, error=PERMANENT, fingerprint=None)
    (found,) = subjects(snapshot_of([database_row("acme", navixy_hash=None)]), {}, [listed])
    assert found.refused is None
    assert not found.hash_is_refused


def test_what_is_known_goes_along() -> None:
    """Pins and the connection that was watched in vain reach the plan, for those in the snapshot and those gone."""
    known = Known(print_of("acme"), stuck="c-7", pins=pinned(PinMode.HOLD))
    for rows in ([database_row("acme")], []):
        (found,) = subjects(snapshot_of(rows), {"acme": known}, [])
        assert (found.stuck, found.pin, found.has_resource) == ("c-7", Pin(PinMode.HOLD), True)
    (leftover,) = subjects(snapshot_of([]), {}, [connection()])
    assert (leftover.stuck, leftover.pin, leftover.has_resource) == (None, None, False)


@pytest.mark.parametrize(
    ("rows", "has_hash"),
    [([database_row("acme")], True), ([database_row("acme", navixy_hash="x")], False), ([], False)],
    ids=["a hash", "a malformed one", "gone"],
)
def test_has_hash(rows: list[CustomerRow], has_hash: bool) -> None:  # noqa: FBT001 - a column of the table
    """A hash can be had where the snapshot has one; the fingerprint of an earlier cycle is none to establish with."""
    (found,) = subjects(snapshot_of(rows), {"acme": Known(print_of("acme"), pins=pinned(PinMode.CONNECT))}, [])
    assert found.has_hash is has_hash
    assert isinstance(decide_all([found])[0].action, Establish if has_hash else Keep)
