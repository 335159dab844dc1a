"""What a drift pass takes a resource's word for: as the last cycle published it, whatever happened in between."""

from itertools import product
from typing import Any, Final

import pytest
from hypothesis import given
from hypothesis import strategies as st

from navixy_operator.core.guards import HOLDING, hold_closes
from navixy_operator.core.outcome import settle
from navixy_operator.core.plan import decide
from navixy_operator.core.projection import held_by, published_verdict, ready_reason
from navixy_operator.core.status import customer_spec, customer_status, gone_spec, labels
from navixy_operator.core.vocabulary import LABEL_ELIGIBLE, LABEL_VERDICT, Condition, CustomerState, Reason
from navixy_operator.core.wishes import CLOSED, REQUIREMENTS, SKIPS, UNKNOWN, wish
from support.builders import NOW, connection, hash_of, print_of, row, snapshot_of, subject
from support.strategies import quick, rows

JSON = dict[str, Any]
WITHOUT_STATUS: Final = "so the last cycle found"


def published(reason: Reason = Reason.ELIGIBLE, **columns: Any) -> tuple[JSON, JSON]:
    """Spec and labels as a cycle writes them of a row."""
    customer = snapshot_of([row(**columns)]).customers["acme"]
    assert customer.verdict.reason is reason
    return customer_spec(customer, "main"), labels(reason)


def status_of(reason: Reason, *, held: Reason | None = None) -> JSON:
    """The status that a cycle wrote of a connected customer of this verdict."""
    decision = decide(subject(connection(), reason=reason))
    (decision,) = (decision,) if held is None else hold_closes([decision], held)
    return customer_status({}, settle(decision, (connection(),), None), cycle="c-1", generation=1, now=NOW)


SPECS: Final = {
    Reason.ELIGIBLE: published(),
    Reason.SUSPENDED: published(Reason.SUSPENDED, state="suspended"),
    Reason.REMOVED: published(Reason.REMOVED, state="removed"),
    Reason.NO_GATEWAYS: published(Reason.NO_GATEWAYS, gateway_count=0),
    Reason.MISSING_HASH: published(Reason.MISSING_HASH, navixy_hash=None),
    Reason.INVALID_HASH: published(Reason.INVALID_HASH, navixy_hash="x"),
    Reason.INVALID_RECORD: published(Reason.INVALID_RECORD, state="?", gateway_count="?"),
    Reason.UNREADABLE_REFERENCE: (published()[0], labels(Reason.UNREADABLE_REFERENCE)),
    Reason.NOT_IN_DATABASE: (gone_spec(published()[0]), labels(Reason.NOT_IN_DATABASE)),
    Reason.DUPLICATE_HASH: (published()[0], labels(Reason.DUPLICATE_HASH)),
    Reason.DUPLICATE_REFERENCE: (published()[0], labels(Reason.DUPLICATE_REFERENCE)),
}


@pytest.mark.parametrize("reason", SPECS)
def test_the_last_cycles_verdict(reason: Reason) -> None:
    """Every verdict that a cycle publishes comes back, in the words of its status."""
    spec, tags = SPECS[reason]
    found = published_verdict(spec, tags, status_of(reason))
    assert (found.reason, found.message) == (reason, f"because: {reason}")


def test_every_verdict_of_a_row_is_one_of_these() -> None:
    """What only declarations have is never published in a label."""
    assert SPECS.keys() == (CLOSED | SKIPS | {Reason.ELIGIBLE}) - {Reason.DECLARATION_DELETED, Reason.SECRET_NOT_FOUND}


@pytest.mark.parametrize(("before", "now"), list(product(SPECS, SPECS)))
def test_a_cycle_cut_off_before_the_status(before: Reason, now: Reason) -> None:
    """The label counts, not the status of an earlier cycle: what was published is what is wanted.

    But for one: who is gone now, and was perhaps a row without a reference, waits until a whole cycle says so.
    """
    spec, tags = SPECS[now]
    unsure = (before, now) == (Reason.UNREADABLE_REFERENCE, Reason.NOT_IN_DATABASE)
    for status in ({},) if unsure else ({}, status_of(before)):
        found = published_verdict(spec, tags, status)
        said = f"because: {now}" if status and before is now else WITHOUT_STATUS
        assert (found.reason, found.message) == (now, said)


@pytest.mark.parametrize(("guard", "now"), list(product(sorted(HOLDING), SPECS)))
def test_who_is_gone_and_held(guard: Reason, now: Reason) -> None:
    """Where a guard objects, who is gone is not marked: the verdict is the status's, and the close waits."""
    spec, tags = SPECS[now]
    status = status_of(Reason.NOT_IN_DATABASE, held=guard)
    assert held_by(status) is guard
    assert published_verdict(spec, tags, status).reason is Reason.NOT_IN_DATABASE


@pytest.mark.parametrize(
    ("before", "now"), list(product((Reason.ELIGIBLE, Reason.SUSPENDED, Reason.NO_GATEWAYS), SPECS))
)
def test_what_else_is_held_is_published(before: Reason, now: Reason) -> None:
    """Where the close of a changed hash waits, or of a suspended customer: what a later cycle publishes counts."""
    spec, tags = SPECS[now]
    decision = decide(subject(connection(fingerprint=print_of("old")), reason=before))
    (held,) = hold_closes([decision], Reason.MASS_CLOSE)
    status = customer_status({}, settle(held, decision.closes, None), cycle="c-1", generation=1, now=NOW)
    assert held_by(status) is Reason.MASS_CLOSE
    assert published_verdict(spec, tags, status).reason is now


BY_HAND: Final = [
    ("eligible, suspended by hand", Reason.ELIGIBLE, {"state": "suspended"}),
    ("eligible, removed by hand", Reason.ELIGIBLE, {"state": "removed"}),
    ("eligible, the fingerprint taken out", Reason.ELIGIBLE, {"hashFingerprint": None}),
    ("eligible, the gateways set to 0", Reason.ELIGIBLE, {"gateways": 0}),
    ("eligible, the gateways taken out", Reason.ELIGIBLE, {"gateways": None}),
    ("suspended, made active by hand", Reason.SUSPENDED, {"state": "active"}),
    ("suspended, the state taken out", Reason.SUSPENDED, {"state": None}),
    ("removed, made active by hand", Reason.REMOVED, {"state": "active"}),
    ("gone, made active by hand", Reason.NOT_IN_DATABASE, {"state": "active"}),
    ("no gateways, some by hand", Reason.NO_GATEWAYS, {"gateways": 3}),
    ("no gateways, suspended by hand", Reason.NO_GATEWAYS, {"state": "suspended"}),
    ("no hash, one by hand", Reason.MISSING_HASH, {"hashFingerprint": print_of("acme")}),
    ("a bad hash, another by hand", Reason.INVALID_HASH, {"hashFingerprint": print_of("acme")}),
    ("a shared hash, suspended by hand", Reason.DUPLICATE_HASH, {"state": "suspended"}),
]


@pytest.mark.parametrize(("reason", "change"), [row[1:] for row in BY_HAND], ids=[row[0] for row in BY_HAND])
def test_a_spec_changed_by_hand(reason: Reason, change: JSON) -> None:
    """A person's change to a projection is not acted on: as it is, until a cycle puts it right."""
    spec, tags = SPECS[reason]
    changed = {key: value for key, value in {**spec, **change}.items() if value is not None}
    found = published_verdict(changed, tags, status_of(reason))
    assert found.reason is Reason.CHANGED_BY_HAND
    assert wish(subject(connection(), reason=found.reason)).desired is None


@pytest.mark.parametrize("tags", [{}, {LABEL_ELIGIBLE: "true"}, {LABEL_VERDICT: ""}, {LABEL_VERDICT: "Fine"}])
def test_no_verdict_is_none(tags: JSON) -> None:
    """Without the label nobody has judged the customer."""
    assert published_verdict(SPECS[Reason.ELIGIBLE][0], tags, {}).reason is Reason.NOT_YET_JUDGED


@pytest.mark.parametrize("reason", sorted(set(Reason) - SPECS.keys()))
def test_other_reasons_are_no_verdicts(reason: Reason) -> None:
    """A word that is no verdict on a row, written into the label by hand, opens and closes nothing."""
    for spec, _ in SPECS.values():
        assert published_verdict(spec, labels(reason), {}).reason is Reason.NOT_YET_JUDGED


def test_a_label_changed_by_hand_cuts_nobody_off() -> None:
    """A label alone, without the spec that goes with it, is not believed either."""
    spec, _ = SPECS[Reason.ELIGIBLE]
    for reason in CLOSED | REQUIREMENTS:
        assert published_verdict(spec, labels(reason), {}).reason in UNKNOWN


def test_who_was_closed_and_may_be_nameless() -> None:
    """Who was suspended, and whose row may have lost its reference, keeps the spec: nobody has changed it."""
    spec, _ = SPECS[Reason.SUSPENDED]
    assert published_verdict(spec, labels(Reason.UNREADABLE_REFERENCE), {}).reason is Reason.UNREADABLE_REFERENCE


def test_who_is_marked_gone_and_may_be_nameless() -> None:
    """The connection alone told so, after the mark was set: the status, which came last, counts."""
    spec, label = SPECS[Reason.NOT_IN_DATABASE]
    found = published_verdict(spec, label, status_of(Reason.UNREADABLE_REFERENCE))
    assert found.reason is Reason.UNREADABLE_REFERENCE


@pytest.mark.parametrize(
    ("ready", "held", "why"),
    [
        (("False", "MassClose"), Reason.MASS_CLOSE, Reason.MASS_CLOSE),
        (("False", "EmptyDatabase"), Reason.EMPTY_DATABASE, Reason.EMPTY_DATABASE),
        (("False", "ShrunkenDatabase"), Reason.SHRUNKEN_DATABASE, Reason.SHRUNKEN_DATABASE),
        (("False", "PolicyObserve"), None, Reason.POLICY_OBSERVE),
        (("False", "CloseFailed"), None, Reason.CLOSE_FAILED),
        (("True", "Suspended"), None, None),
        (("False", "OfALaterVersion"), None, None),
        (None, None, None),
    ],
)
def test_readiness_is_read(ready: tuple[str, str] | None, held: Reason | None, why: Reason | None) -> None:
    """The guard that holds, and why the customer is not ready; words that nobody knows are none."""
    told = [] if ready is None else [{"type": Condition.READY, "status": ready[0], "reason": ready[1], "message": "m"}]
    assert (held_by({"conditions": told}), ready_reason({"conditions": told})) == (held, why)


_WORDS: Final = st.sampled_from([*Reason, "Nonsense", ""])


@quick
@given(
    st.dictionaries(st.sampled_from(["state", "gateways", "hashFingerprint"]), st.sampled_from([*CustomerState, 0, 3])),
    _WORDS,
    st.dictionaries(st.sampled_from([Condition.ELIGIBLE, Condition.READY]), _WORDS),
)
def test_total(spec: JSON, label: str, told: dict[Condition, str]) -> None:
    """Whatever stands in a resource: a verdict, and never one that is a person's word."""
    conditions = [{"type": kind, "status": "False", "reason": word, "message": "m"} for kind, word in told.items()]
    found = published_verdict(spec, {LABEL_VERDICT: label}, {"conditions": conditions})
    assert found.reason in SPECS.keys() | UNKNOWN


@quick
@given(rows())
def test_what_a_cycle_publishes_is_read_as_it_was_meant(found: list[Any]) -> None:
    """Every row's verdict survives the way through spec and label, and no credential is in them."""
    for customer in snapshot_of(found).customers.values():
        spec, tags = customer_spec(customer, "main"), labels(customer.verdict.reason)
        assert published_verdict(spec, tags, {}).reason is customer.verdict.reason
        assert hash_of("one") not in f"{spec}{tags}"
