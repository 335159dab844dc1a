"""From rows to verdicts: the table of rules, every bad input, and what holds for any input at all."""

import re
from dataclasses import dataclass
from decimal import Decimal
from random import Random
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.core import eligibility, report
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.model import CustomerRow, Record
from navixy_operator.core.reading import read_text
from navixy_operator.core.vocabulary import CustomerState, Reason
from navixy_operator.core.wishes import SKIPS
from support.builders import declared, hash_of, reason_of, row, snapshot_of
from support.strategies import quick, rows, untyped_rows
from support.tables import tables

HEX: Final = re.compile("[0-9A-Fa-f]{16}")
HASH: Final = hash_of("acme")


@dataclass(frozen=True)
class Case:
    """Rows of the customer ``acme`` and others, the row of the table that decides, and the reason it gives."""

    rule: str
    name: str
    rows: tuple[CustomerRow, ...]
    reason: Reason
    declares: tuple[Record, ...] = ()

    def __str__(self) -> str:
        return f"{self.rule}: {self.name}"


def case(rule: str, name: str, reason: Reason, *found: CustomerRow) -> Case:
    """One line of the table below."""
    return Case(rule, name, found, reason)


def by_hand(rule: str, name: str, reason: Reason, *found: CustomerRow, **fields: Any) -> Case:
    """One line about a customer whom a person declares; ``found`` are rows beside the declaration."""
    return Case(rule, name, found, reason, (declared(**fields),))


def other(**columns: object) -> CustomerRow:
    """The row of another customer with the same hash."""
    return row("other", number=2, **{"navixy_hash": HASH, **columns})


CLOSES: Final = "the state closes"
UNREADABLE: Final = "cannot be read"
SEVERAL: Final = "several Navixy rows"
SHARED: Final = "hash of another, too"
SECRET: Final = "its Secret gives none"
NO_SECRET: Final = {"hash": None, "hash_reason": Reason.SECRET_NOT_FOUND, "hash_problem": "there is no Secret x"}

CASES: Final = [
    case(CLOSES, "suspended", Reason.SUSPENDED, row(state="suspended")),
    case(CLOSES, "removed", Reason.REMOVED, row(state=" REMOVED ")),
    case(CLOSES, "suspended, and everything else is wrong", Reason.SUSPENDED,
         row(state="suspended", gateway_count=-1, navixy_hash="bad"), other()),
    case(CLOSES, "suspended twice", Reason.SUSPENDED, row(state="suspended"), row(number=2, state="Suspended")),
    case(CLOSES, "suspended, the hash of an active one", Reason.SUSPENDED, row(state="suspended"), other()),
    case(UNREADABLE, "state of another spelling", Reason.INVALID_RECORD, row(state="aktiv")),
    case(UNREADABLE, "state unknown", Reason.INVALID_RECORD, row(state="unknown")),
    case(UNREADABLE, "state NULL", Reason.INVALID_RECORD, row(state=None)),
    case(UNREADABLE, "state is the hash", Reason.INVALID_RECORD, row(state=HASH)),
    case(UNREADABLE, "gateways negative", Reason.INVALID_RECORD, row(gateway_count=-1)),
    case(UNREADABLE, "gateways NaN", Reason.INVALID_RECORD, row(gateway_count=Decimal("sNaN"))),
    case(UNREADABLE, "gateways infinite", Reason.INVALID_RECORD, row(gateway_count=float("inf"))),
    case(UNREADABLE, "gateways are a boolean", Reason.INVALID_RECORD, row(gateway_count=True)),
    case(UNREADABLE, "gateways huge", Reason.INVALID_RECORD, row(gateway_count=10**5000)),
    case(UNREADABLE, "gateways are the hash", Reason.INVALID_RECORD, row(gateway_count=HASH)),
    case(UNREADABLE, "one of two rows", Reason.INVALID_RECORD, row(), row(number=2, state="?")),
    case(SEVERAL, "the same twice", Reason.DUPLICATE_REFERENCE, row(), row(number=2)),
    case(SEVERAL, "other states", Reason.DUPLICATE_REFERENCE, row(), row(number=2, state="suspended")),
    case(SEVERAL, "suspended and removed", Reason.DUPLICATE_REFERENCE, row(state="removed"), row(state="suspended")),
    case(SEVERAL, "three states", Reason.DUPLICATE_REFERENCE, row(), row(state="removed"), row(state="removed")),
    case(SEVERAL, "spaces around one", Reason.DUPLICATE_REFERENCE, row(), row(" acme ", navixy_hash=hash_of("2"))),
    case(SHARED, "another active one", Reason.DUPLICATE_HASH, row(), other()),
    case(SHARED, "a suspended one", Reason.DUPLICATE_HASH, row(), other(state="suspended")),
    case(SHARED, "a removed one", Reason.DUPLICATE_HASH, row(), other(state="removed")),
    case(SHARED, "one that cannot be read", Reason.DUPLICATE_HASH, row(), other(state="?")),
    case(SHARED, "one row of a bad pair", Reason.DUPLICATE_HASH, row(), other(), other(navixy_hash=hash_of("2"))),
    case(SHARED, "and no gateway", Reason.DUPLICATE_HASH, row(gateway_count=0), other()),
    case("no gateway", "0", Reason.NO_GATEWAYS, row(gateway_count=0)),
    case("no gateway", "NULL", Reason.NO_GATEWAYS, row(gateway_count=None)),
    case("no gateway", "and no hash", Reason.NO_GATEWAYS, row(gateway_count=0, navixy_hash=None)),
    case("no hash", "NULL", Reason.MISSING_HASH, row(navixy_hash=None)),
    case("no hash", "blank", Reason.MISSING_HASH, row(navixy_hash="  ")),
    case("malformed hash", "upper case", Reason.INVALID_HASH, row(navixy_hash="ABCDEF" + HASH[6:])),
    case("malformed hash", "31 characters", Reason.INVALID_HASH, row(navixy_hash=HASH[:31])),
    case("malformed hash", "no text", Reason.INVALID_HASH, row(navixy_hash=b"\xff")),
    by_hand(CLOSES, "declared so", Reason.SUSPENDED, row(), state=CustomerState.SUSPENDED),
    by_hand(CLOSES, "declared removed, without a hash", Reason.REMOVED, state=CustomerState.REMOVED, **NO_SECRET),
    by_hand(SHARED, "declared, the hash of a row", Reason.DUPLICATE_HASH, row("other"), hash_name="other"),
    by_hand(SECRET, "missing", Reason.SECRET_NOT_FOUND, **NO_SECRET),
    by_hand(SECRET, "missing, although there is a row with a hash", Reason.SECRET_NOT_FOUND, row(), **NO_SECRET),
    by_hand("no hash", "an empty Secret", Reason.MISSING_HASH, hash=None, hash_reason=Reason.MISSING_HASH),
    by_hand("malformed hash", "in the Secret", Reason.INVALID_HASH, hash=None, hash_reason=Reason.INVALID_HASH),
    by_hand("none of these", "declared, no gateways known", Reason.ELIGIBLE),
    by_hand("none of these", "declared before a bad row", Reason.ELIGIBLE, row(state="?"), row(number=2)),
    by_hand("none of these", "declared before a suspended row with its hash", Reason.ELIGIBLE, row(state="suspended")),
    case("none of these", "in order", Reason.ELIGIBLE, row()),
    case("none of these", "spaces and case", Reason.ELIGIBLE,
         row(" acme ", provider=" NaviXY ", state="Active ", navixy_hash=f" {HASH}\n", gateway_count="1")),
    case("none of these", "hash as bytes", Reason.ELIGIBLE, row(navixy_hash=HASH.encode())),
    case("none of these", "gateways as decimal", Reason.ELIGIBLE, row(gateway_count=Decimal("2.0"))),
    case("none of these", "several providers", Reason.ELIGIBLE, row(), row(provider="other", state="removed"),
         row(provider=None), row(provider=3)),
    case("none of these", "reference differs in case from another's", Reason.ELIGIBLE, row(), row("ACME")),
]  # fmt: skip


@pytest.mark.parametrize("entry", CASES, ids=str)
def test_rule(entry: Case) -> None:
    """The first rule that matches decides."""
    assert reason_of(*entry.rows, declares=entry.declares) is entry.reason


def test_every_rule_has_a_case() -> None:
    """The table in the docstring and the cases name the same rules, with the same reasons."""
    (table,) = tables(eligibility.__doc__)
    told = {rule: set(reasons.split(", ")) for rule, reasons in table}
    tested: dict[str, set[str]] = {rule: set() for rule in told}
    for entry in CASES:
        tested[entry.rule].add(entry.reason.value)
    assert tested == told


def test_references_that_differ_only_in_case_are_two() -> None:
    """References are the database's own words: case tells customers apart."""
    assert list(snapshot_of([row("acme"), row("Acme")]).customers) == ["acme", "Acme"]


@pytest.mark.parametrize("ref", ["x" * 300, "a/b", "a_b", "ACME", "Клиент"])
def test_odd_references_are_customers(ref: str) -> None:
    """No form of reference keeps a customer out."""
    assert reason_of(row(ref), ref=ref) is Reason.ELIGIBLE


@pytest.mark.parametrize("ref", [None, "", "  ", b"\xff", "x" * 1025, "a\x07b"], ids=repr)
def test_a_row_without_a_reference_is_an_orphan(ref: object) -> None:
    """It belongs to somebody: it is told by its number, and its hash by fingerprint alone."""
    snapshot = snapshot_of([row("first"), row(ref, number=2)])
    (orphan,) = snapshot.orphans
    assert list(snapshot.customers) == ["first"]
    assert orphan.message.startswith("row 2: customer_ref")
    assert orphan.fingerprint is not None
    assert snapshot.may_hold(orphan.fingerprint)
    assert not snapshot.may_hold("0" * 16)
    assert not snapshot.may_hold(None)


def test_an_orphan_without_a_hash_may_be_anybody() -> None:
    """Nothing tells it from anyone who seems gone."""
    snapshot = snapshot_of([row(None, navixy_hash=None)])
    assert snapshot.may_hold("0" * 16)
    assert snapshot.may_hold(None)
    assert not snapshot_of([]).may_hold(None)


def test_rows_of_all_providers_are_counted() -> None:
    """Other providers' rows are dropped, but the number of rows tells that the query worked."""
    snapshot = snapshot_of([row(), row(provider="other"), row(provider=None)])
    assert (snapshot.rows, len(snapshot.customers), snapshot.orphans) == (3, 1, ())


@pytest.mark.parametrize(
    "swapped",
    [
        pytest.param({"ref": HASH, "navixy_hash": "acme"}, id="reference and hash"),
        pytest.param({"ref": HASH, "navixy_hash": HASH}, id="hash twice"),
        pytest.param({"state": HASH, "navixy_hash": "active"}, id="state and hash"),
        pytest.param({"gateway_count": HASH, "navixy_hash": 3}, id="gateways and hash"),
        pytest.param({"provider": HASH, "navixy_hash": "navixy"}, id="provider and hash"),
        pytest.param({"ref": HASH, "state": "acme", "navixy_hash": "active"}, id="three columns"),
    ],
)
def test_columns_in_each_others_place(swapped: dict[str, Any]) -> None:
    """Whatever column the hash stands in: it becomes nobody's reference, and nothing repeats it."""
    columns = dict(swapped)
    snapshot = snapshot_of([row(columns.pop("ref", "acme"), **columns)])
    assert HASH not in "".join([*snapshot.customers, *messages(snapshot)])
    assert not any(customer.verdict.eligible for customer in snapshot.customers.values())


def test_a_key_that_is_no_hex_is_not_shown_either() -> None:
    """The form of a hash is a setting; what stands in the wrong column is withheld by its looks."""
    key = "Zk9-Qw7x_Lm3Rt8vBn2p"
    snapshot = snapshot_of([row(state=key)], pattern="[A-Za-z0-9_-]{20}")
    assert key not in snapshot.customers["acme"].verdict.message


def test_others_with_the_same_hash_are_named_up_to_three() -> None:
    """In the order of their names, so that the words do not change when rows move; the rest is counted."""
    found = [row(ref, number=place, navixy_hash=HASH) for place, ref in enumerate("edcba")]
    for order in (found, found[::-1]):
        customers = snapshot_of(order).customers
        assert "is on b, c, d and 1 more;" in customers["a"].verdict.message
        assert "is on a, b, c and 1 more;" in customers["e"].verdict.message


def test_many_customers_with_one_hash_cost_no_more() -> None:
    """A default hash on everybody is judged in linear time (quadratic would take many seconds)."""
    snapshot = snapshot_of(row(f"r{number}", number=number, navixy_hash=HASH) for number in range(10_000))
    assert all(customer.verdict.reason is Reason.DUPLICATE_HASH for customer in snapshot.customers.values())


def messages(snapshot: Snapshot) -> list[str]:
    """All words that a snapshot gives to people."""
    found = [customer.verdict.message for customer in snapshot.customers.values()]
    return (
        found + [orphan.message for orphan in snapshot.orphans] + [skip["message"] for skip in report.skips(snapshot)]
    )


@quick
@given(untyped_rows())
def test_anything_is_taken(found: list[CustomerRow]) -> None:
    """No value raises; every Navixy row is one customer's or one orphan; no words hold a hash or anything like one."""
    snapshot = snapshot_of(found)
    navixy = [entry for entry in found if (read_text(entry.provider) or "").lower() == "navixy"]
    held = sum(customer.record.rows for customer in snapshot.customers.values())
    assert held + len(snapshot.orphans) == len(navixy)
    assert snapshot.rows == len(found)
    for message in messages(snapshot):
        assert not HEX.search(message)
        message.encode()  # no surrogates: the API server takes none
    for ref in snapshot.customers:
        ref.encode()


@quick
@given(rows())
def test_words_hold_no_hash(found: list[CustomerRow]) -> None:
    """Neither messages nor representations give a credential away."""
    snapshot = snapshot_of(found)
    said = "".join([*messages(snapshot), repr(snapshot), repr(found)])
    hashes = {entry.navixy_hash for entry in found if isinstance(entry.navixy_hash, str) and len(entry.navixy_hash) > 9}
    assert not [text for text in hashes if text in said]


@quick
@given(rows())
def test_verdicts_follow_the_requirements(found: list[CustomerRow]) -> None:
    """Eligible are those, and only those, that one readable active row with gateways and a hash of their own names."""
    snapshot = snapshot_of(found)
    for ref, customer in snapshot.customers.items():
        record = customer.record
        sole = record.rows == 1 and not record.defects
        alone = not any(
            other_ref != ref and other_row.navixy_hash == record.hash.reveal()
            for other_row in found
            if record.hash is not None
            and (read_text(other_row.provider) or "").lower() == "navixy"
            and (other_ref := read_text(other_row.customer_ref)) is not None
        )
        active = record.state is not None and record.state.value == "active"
        assert customer.verdict.eligible is bool(sole and alone and active and record.gateways and record.hash)
        assert customer.verdict.eligible or customer.verdict.reason in SKIPS | {Reason.SUSPENDED, Reason.REMOVED}


@quick
@given(rows(), st.randoms(use_true_random=False))
def test_order_of_rows_does_not_matter(found: list[CustomerRow], random: Random) -> None:
    """The same rows in another order give the same verdicts in the same words."""
    mixed = list(found)
    random.shuffle(mixed)
    one, two = snapshot_of(found), snapshot_of(mixed)
    assert {ref: c.verdict for ref, c in one.customers.items()} == {ref: c.verdict for ref, c in two.customers.items()}
    assert one.nameless == two.nameless
