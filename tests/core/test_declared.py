"""Customers whom a person declares: beside the rows, before them, and their end."""

from typing import Any, Final

import pytest

from navixy_operator.core.actions import Close, Establish, Keep
from navixy_operator.core.model import CustomerRow, NavixyHash
from navixy_operator.core.pins import NO_PIN
from navixy_operator.core.plan import decide
from navixy_operator.core.roster import Known, subjects
from navixy_operator.core.vocabulary import CustomerState, Discrepancy, PinMode, Reason
from support.builders import connection, declared, hash_of, manual, pinned, print_of, row, snapshot_of

NO_SECRET: Final[dict[str, Any]] = {
    "hash": None,
    "hash_reason": Reason.SECRET_NOT_FOUND,
    "hash_problem": "there is no Secret x",
}


def test_a_declaration_takes_the_place_of_every_row() -> None:
    """One customer for one reference, as the person says; rows and their count stay the database's."""
    snapshot = snapshot_of([row(), row(number=2), row("beta", number=3), row(None, number=4)], declares=[declared()])
    assert list(snapshot.customers) == ["acme", "beta"]
    assert snapshot.customers["acme"].record.declared
    assert (snapshot.rows, snapshot.polled) == (4, 3)


def test_who_is_only_declared_is_not_polled() -> None:
    """A database that gives nobody is empty, whoever is declared beside it."""
    snapshot = snapshot_of([row(provider="other")], declares=[declared()])
    assert (list(snapshot.customers), snapshot.polled) == (["acme"], 0)


def test_a_shadowed_rows_hash_blocks_nobody() -> None:
    """What counts is the declared hash: the row's own may be another customer's by now."""
    rows = [row("acme"), row("beta", number=2, navixy_hash=hash_of("acme"))]
    assert snapshot_of(rows).customers["beta"].verdict.reason is Reason.DUPLICATE_HASH
    found = snapshot_of(rows, declares=[declared(hash_name="new")]).customers
    assert [found[ref].verdict.reason for ref in ("acme", "beta")] == [Reason.ELIGIBLE, Reason.ELIGIBLE]


def test_a_declared_hash_blocks_both() -> None:
    """Two customers with one hash block each other, however the hash came in."""
    found = snapshot_of([row("beta")], declares=[declared("acme", "beta"), declared("gamma", "beta")]).customers
    assert {customer.verdict.reason for customer in found.values()} == {Reason.DUPLICATE_HASH}
    assert "is on acme, gamma;" in found["beta"].verdict.message


def test_what_the_secret_lacks_is_said() -> None:
    """In the words of who read it, and without the database in them."""
    found = snapshot_of([], declares=[declared(**NO_SECRET)]).customers["acme"].verdict
    assert (found.reason, found.message) == (Reason.SECRET_NOT_FOUND, "there is no Secret x")
    malformed = declared(hash=None, hash_reason=Reason.INVALID_HASH)
    assert "hashSecretRef" in snapshot_of([], declares=[malformed]).customers["acme"].verdict.message
    assert "database" in snapshot_of([row(navixy_hash="x")]).customers["acme"].verdict.message


def test_hashes_are_a_view() -> None:
    """The valid hashes by reference, and none for who has none."""
    hashes = snapshot_of(
        [row(), row("bare", navixy_hash=None)], declares=[declared("mine"), declared("no", **NO_SECRET)]
    )
    found = hashes.hashes
    assert dict(found) == {"acme": NavixyHash(hash_of("acme")), "mine": NavixyHash(hash_of("mine"))}
    assert (len(found), "bare" in found, "nobody" in found) == (2, False, False)
    assert hash_of("acme") not in repr(found)


@pytest.mark.parametrize("state", CustomerState)
def test_a_declared_state_counts(state: CustomerState) -> None:
    """A person suspends a declared customer by its spec."""
    (found,) = subjects(snapshot_of([], declares=[declared(state=state)]), {}, [connection()])
    assert isinstance(decide(found).action, Keep if state is CustomerState.ACTIVE else Close)


DELETED: Final = Known(print_of("acme"), deleted=True)


@pytest.mark.parametrize("rows", [[], [row()], [row(state="suspended")]], ids=["no row", "a row", "a suspended row"])
def test_a_deleted_declaration_closes(rows: list[CustomerRow]) -> None:
    """Deleting it closes its connection, whatever rows there are; the next cycle goes by the row again."""
    (found,) = subjects(snapshot_of(rows), {"acme": DELETED}, [connection()])
    decision = decide(found)
    assert decision.action == Close((connection(),))
    assert (decision.reason, decision.discrepancy) == (Reason.DECLARATION_DELETED, Discrepancy.REMOVED)


@pytest.mark.parametrize("mode", PinMode)
def test_a_deleted_declaration_takes_its_pin_along(mode: PinMode) -> None:
    """The annotation was on the resource that goes: it keeps nothing open."""
    known = Known(print_of("acme"), pins=pinned(mode), deleted=True)
    (found,) = subjects(snapshot_of([row()]), {"acme": known}, [connection()])
    assert found.pins is NO_PIN
    assert isinstance(decide(found).action, Close)


def test_a_deleted_declaration_leaves_what_f13_set() -> None:
    """F1.3's connection is nobody's to close but F1.3's."""
    (found,) = subjects(snapshot_of([]), {"acme": DELETED}, [manual()])
    assert (decide(found).action, decide(found).reason) == (Keep(), Reason.MANUAL_OPERATION)


def test_a_declared_customer_is_established_without_a_row() -> None:
    """The manual setup that the specification asks for where the database has no hash."""
    (found,) = subjects(snapshot_of([], declares=[declared()]), {}, [])
    assert decide(found).action == Establish()


@pytest.mark.parametrize(
    "fields", [NO_SECRET, {"hash": None, "hash_reason": Reason.MISSING_HASH}], ids=["lost", "empty"]
)
def test_a_secret_that_is_gone(fields: dict[str, Any]) -> None:
    """A Secret that cannot be read cuts nobody off; one that is there without a hash says that there is none."""
    (found,) = subjects(snapshot_of([], declares=[declared(**fields)]), {}, [connection()])
    assert isinstance(decide(found).action, Keep if fields is NO_SECRET else Close)
