"""The rules for the probable cause: one row each, who goes first, and what is suggested."""

import re
from collections.abc import Sequence
from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given

from navixy_operator.core.casefile import Case
from navixy_operator.core.causes import RULES, conclude, matching
from navixy_operator.core.history import PastCycle
from navixy_operator.core.resolutions import ADVICE, suggestions
from navixy_operator.core.vocabulary import Cause, EventName, Policy, Reason, Trigger
from support.builders import NOW
from support.inquests import DRIFT, FORWARDING, HELD, case, cases, customer, cycle, down, facts, failed, skipping, told
from support.strategies import quick

MISMATCH, FAILURE, SKIPPED = Trigger.COUNT_MISMATCH, Trigger.SYNCHRONIZATION_FAILURE, Trigger.REPEATEDLY_SKIPPED
SUSPENDED, RATE = Trigger.SUSPENDED_CONNECTED, Trigger.HIGH_DISCREPANCY_RATE
DIGEST: Final = "0123456789abcdef"


def mismatched(*before: PastCycle, status: dict[str, Any] | None = None, **more: Any) -> Case:
    """A completed cycle with too few connections, at the end of these; ``counts`` and report fields are its own."""
    own = {name: more.pop(name) for name in ("counts", "heldCloses", "actions") if name in more}
    counts = {"expected": 100, "actual": 98, **own.pop("counts", {})}
    return case(facts(*before, cycle(9, counts=counts, **own), **(status or {})), MISMATCH, **more)


def at_rate(*before: PastCycle, found: int = 20, **more: Any) -> Case:
    """A cycle with so many discrepancies among 100 customers, after these or another one."""
    counts = {"discrepancies": found, **more.pop("counts", {})}
    own = {name: more.pop(name) for name in ("heldCloses",) if name in more}
    return case(facts(*(before or (cycle(8),)), cycle(9, counts=counts, **own)), RATE, **more)


def suspended(count: int = 1, status: dict[str, Any] | None = None, **more: Any) -> Case:
    """Suspended customers that are connected after a cycle."""
    counts = {"suspendedConnected": count, "suspendedRemaining": count, **more.pop("counts", {})}
    own = {name: more.pop(name) for name in ("heldCloses", "actions") if name in more}
    return case(facts(cycle(8), cycle(9, counts=counts, **own), **(status or {})), SUSPENDED, **more)


def failing(reason: Reason) -> Case:
    """A cycle that failed so."""
    return case(facts(cycle(8), failed(9, reason.value, "as it says")), FAILURE)


def skipped(*reasons: str) -> Case:
    """Customers whom each cycle skips, one for each reason."""
    skips = {f"r{place}": reason for place, reason in enumerate(reasons)}
    return case(facts(*(skipping(number, **skips) for number in range(3))), SKIPPED)


def without(condition: str, reason: str) -> dict[str, Any]:
    """A NavixySync's status with that condition False."""
    return {"conditions": [down(condition, reason)]}


def refused(count: int = 1) -> Sequence[tuple[Any, Any]]:
    """Customers whose hash F1.1 refuses, and one who is connected."""
    return [customer("good"), *(customer(f"bad-{n}", ready="HashRejected", connection={}) for n in range(count))]


STUCK: Final = [{"action": "Close", "customerRef": "off", "outcome": "Failed", "message": "F1.1 did not close it"}] * 2
TIMES: Final = "in the middle of main-9"

ROWS: Final[list[tuple[str, Case, Cause, str]]] = [
    ("database down", failing(Reason.DATABASE_UNAVAILABLE), Cause.DATABASE_UNAVAILABLE,
     "main-9 failed with DatabaseUnavailable: as it says"),
    ("bad URL", failing(Reason.DATABASE_URL_INVALID), Cause.DATABASE_URL_INVALID, "as it says"),
    ("bad query", failing(Reason.DATABASE_QUERY_FAILED), Cause.DATABASE_QUERY_FAILED, "as it says"),
    ("F1.1 down", failing(Reason.FORWARDING_UNAVAILABLE), Cause.FORWARDING_UNAVAILABLE, "as it says"),
    ("F1.1 down since", mismatched(status=without(FORWARDING, "ForwardingUnavailable")), Cause.FORWARDING_UNAVAILABLE,
     "ForwardingAvailable is False since 2026-03-01T02:00:00Z: it does not answer"),
    ("F1.1 down, suspended", suspended(status=without(FORWARDING, "ForwardingUnavailable")),
     Cause.FORWARDING_UNAVAILABLE, "it does not answer"),
    ("bad token", failing(Reason.FORWARDING_UNAUTHORIZED), Cause.TOKEN_REFUSED, "as it says"),
    ("bad token since", mismatched(status=without(FORWARDING, "ForwardingUnauthorized")), Cause.TOKEN_REFUSED, "False"),
    ("not F1.1", failing(Reason.FORWARDING_PROTOCOL_ERROR), Cause.FORWARDING_PROTOCOL_ERROR, "as it says"),
    ("no Secret", failing(Reason.SECRET_NOT_FOUND), Cause.SECRET_NOT_FOUND, "as it says"),
    ("no API server", failing(Reason.KUBERNETES_UNAVAILABLE), Cause.KUBERNETES_TROUBLE, "as it says"),
    ("no right", failing(Reason.KUBERNETES_FORBIDDEN), Cause.KUBERNETES_TROUBLE, "as it says"),
    ("bad approval", failing(Reason.APPROVAL_INVALID), Cause.APPROVAL_INVALID, "as it says"),
    ("our fault", failing(Reason.INTERNAL_ERROR), Cause.OPERATOR_FAULT, "as it says"),
    ("leadership lost", failing(Reason.LEADERSHIP_LOST), Cause.OPERATOR_INTERRUPTED, TIMES),
    ("interrupted thrice", case(facts(*(failed(n, "Interrupted") for n in (7, 8, 9))), FAILURE),
     Cause.OPERATOR_INTERRUPTED, TIMES),
    ("failed for what nobody knows", failing(Reason.INVALID_SPEC), Cause.UNKNOWN, "main-9 failed with InvalidSpec"),
    ("observes", mismatched(counts={"held": 2}, policy=Policy.OBSERVE), Cause.POLICY_OBSERVE, "2 actions are due"),
    ("observes, suspended", suspended(counts={"held": 1}, policy=Policy.OBSERVE), Cause.POLICY_OBSERVE, "1 action is"),
    ("observes, many", at_rate(counts={"held": 20}, policy=Policy.OBSERVE), Cause.POLICY_OBSERVE, "20 actions are due"),
    ("held", suspended(heldCloses=HELD, counts={"held": 12}), Cause.CLOSES_HELD,
     "main-9 holds 12 closes for MassClose until a person approves them"),
    ("held, mismatch", mismatched(heldCloses=HELD), Cause.CLOSES_HELD, "main-9 holds 12 closes"),
    ("held since", suspended(customers=[customer("off", ready="MassClose", state="suspended")]), Cause.CLOSES_HELD,
     "a guard holds the closes of 1 (off)"),
    ("approved by now", suspended(heldCloses={**HELD, "approvedAt": "2026-03-10T00:00:00Z"}, counts={"closeFailed": 1}),
     Cause.CLOSES_FAILING, "1 connection could not be closed"),
    ("only upserts", suspended(counts={"held": 1}, policy=Policy.UPSERT_ONLY), Cause.POLICY_UPSERT_ONLY,
     "1 close is due"),
    ("only upserts, nothing due", suspended(policy=Policy.UPSERT_ONLY), Cause.UNKNOWN, "nothing that is known"),
    ("hashes refused", mismatched(customers=refused(2)), Cause.HASHES_REFUSED,
     "F1.1 refuses the hashes of 2 customers (bad-0, bad-1)"),
    ("hashes refused, many", at_rate(customers=refused(10)), Cause.HASHES_REFUSED, "10 customers (bad-0"),
    ("hashes refused, too few", at_rate(customers=refused(9)), Cause.UNKNOWN, "nothing that is known"),
    ("establishes failing", mismatched(counts={"established": 8, "establishFailed": 2}), Cause.ESTABLISHES_FAILING,
     "2 of 10 connections could not be established"),
    ("establishes failing, in F1.1's words",
     mismatched(counts={"establishFailed": 2}, actions=[
         {"action": "Establish", "customerRef": "a", "outcome": "Failed", "message": "upstream busy"},
         {"action": "Replace", "customerRef": "b", "outcome": "Failed", "message": "upstream busy"},
         {"action": "Close", "customerRef": "c", "outcome": "Failed", "message": "another matter"},
         {"action": "Establish", "customerRef": "d", "outcome": "Succeeded", "message": "fine"},
     ]), Cause.ESTABLISHES_FAILING, "2 of 2 connections could not be established: upstream busy (2)"),
    ("slow", mismatched(counts={"pending": 2}), Cause.FORWARDING_SLOW, "2 connections were still pending"),
    ("closes failing", suspended(counts={"closeFailed": 2}, actions=STUCK), Cause.CLOSES_FAILING,
     "2 connections could not be closed: F1.1 did not close it (2)"),
    ("closes failing since", suspended(customers=[customer("off", ready="CloseFailed", state="suspended")]),
     Cause.CLOSES_FAILING, "1 connection could not be closed"),
    ("incomplete", skipped("MissingHash", "NoGateways", "NoGateways"), Cause.INCOMPLETE_DATA,
     "2 for NoGateways (r1, r2); 1 for MissingHash (r0)"),
    ("a declaration's Secret", skipped("SecretNotFound"), Cause.INCOMPLETE_DATA, "1 for SecretNotFound (r0)"),
    ("duplicate hashes", skipped("DuplicateHash", "DuplicateHash", "MissingHash"), Cause.DUPLICATE_HASHES,
     "2 for DuplicateHash (r0, r1)"),
    ("contradictory", skipped("InvalidRecord", "DuplicateReference", "NoGateways"), Cause.CONTRADICTORY_DATA,
     "1 for DuplicateReference (r1); 1 for InvalidRecord (r0)"),
    ("as many of each", skipped("DuplicateHash", "MissingHash"), Cause.INCOMPLETE_DATA, "1 for MissingHash (r1)"),
    ("skipped for what nobody knows", skipped("OfALaterVersion"), Cause.UNKNOWN, "nothing that is known"),
    ("interrupted before", at_rate(cycle(7), failed(8, "Interrupted")), Cause.OPERATOR_INTERRUPTED,
     "the cycle before, main-8, was interrupted"),
    ("a backlog", at_rate(cycle(6), failed(7), failed(8)), Cause.BACKLOG,
     "2 cycles before it failed (DatabaseUnavailable): what changed meanwhile"),
    ("the database changed", at_rate(counts={"created": 6, "updated": 4}), Cause.CUSTOMERS_CHANGED,
     "6 new and 4 changed"),
    ("the database changed little", at_rate(counts={"created": 5, "updated": 4}), Cause.UNKNOWN, "nothing"),
    ("a person", mismatched(logbook=told(EventName.PIN_APPLIED, ("acme", {}), at=NOW + timedelta(days=9, seconds=5))),
     Cause.PERSONS_WORD, "people changed connections while the cycle ran, or since: acme"),
    ("F1.3", mismatched(logbook=told(EventName.MANUAL_OPERATION, ("acme", {}), at=NOW + timedelta(days=9, seconds=5))),
     Cause.PERSONS_WORD, "acme"),
    ("a person, before", mismatched(logbook=told(EventName.PIN_APPLIED, ("acme", {}))), Cause.UNKNOWN, "nothing"),
    ("others", at_rate(logbook=DRIFT), Cause.CHANGED_ELSEWHERE,
     "connections do not stay as they are: at least 3 drift passes had to mend some"),
    ("others, without a trail",
     mismatched(*(cycle(n, counts={"established": 5, "created": 2}) for n in (7, 8)), counts={"established": 5}),
     Cause.CHANGED_ELSEWHERE, "each of the last 3 completed cycles mended connections"),
    ("only new ones", mismatched(*(cycle(n, counts={"established": 5, "created": 5}) for n in (7, 8))), Cause.UNKNOWN,
     "nothing"),
    ("nothing", mismatched(), Cause.UNKNOWN, "nothing that is known of the cycles, the customers and the two services"),
]  # fmt: skip


@pytest.mark.parametrize(("found", "cause", "message"), [row[1:] for row in ROWS], ids=[row[0] for row in ROWS])
def test_cause(found: Case, cause: Cause, message: str) -> None:
    """The cause, and what speaks for it."""
    conclusion = conclude(found)
    assert conclusion.cause is cause
    assert message in conclusion.message


def test_every_cause_has_a_rule_and_a_row() -> None:
    """One rule for each word, which the table above has, and something to do about it; the last is the last resort."""
    assert [rule.cause for rule in RULES] == list(dict.fromkeys(rule.cause for rule in RULES))
    assert {rule.cause for rule in RULES} == set(Cause) == {row[2] for row in ROWS} == set(ADVICE)
    assert RULES[-1].cause is Cause.UNKNOWN


FIRST: Final = [
    ("the policy before the guard", suspended(counts={"held": 12}, heldCloses=HELD, policy=Policy.OBSERVE),
     [Cause.POLICY_OBSERVE, Cause.CLOSES_HELD]),
    ("F1.1 down before all that it does not do",
     mismatched(status=without(FORWARDING, "ForwardingUnavailable"), counts={"pending": 1, "closeFailed": 1}),
     [Cause.FORWARDING_UNAVAILABLE, Cause.FORWARDING_SLOW, Cause.CLOSES_FAILING]),
    ("refused before failed", mismatched(counts={"establishFailed": 1}, customers=refused(1)),
     [Cause.HASHES_REFUSED, Cause.ESTABLISHES_FAILING]),
    ("what failed before what changed", at_rate(cycle(6), failed(8), counts={"created": 20}, logbook=DRIFT),
     [Cause.BACKLOG, Cause.CUSTOMERS_CHANGED, Cause.CHANGED_ELSEWHERE]),
]  # fmt: skip


@pytest.mark.parametrize(("found", "causes"), [row[1:] for row in FIRST], ids=[row[0] for row in FIRST])
def test_the_first_rule_that_matches(found: Case, causes: list[Cause]) -> None:
    """Counts; the others that match are thought of, too, but for the last."""
    conclusion = conclude(found)
    assert [conclusion.cause, *(cause for cause, _ in conclusion.others)] == causes
    assert [cause for cause, _ in matching(found)] == [*causes, Cause.UNKNOWN]


@pytest.mark.parametrize("cause", Cause)
def test_what_is_suggested_names_what_is_there(cause: Cause) -> None:
    """Every cause has something to do, with the names filled in; nothing is left to fill in."""
    found = suspended(heldCloses=HELD)
    advice = suggestions(found, cause)
    assert len(advice) == len(ADVICE[cause]) > 0
    for sentence in advice:
        assert not re.search(r"\{(?!apiVersion|generateName|sync: main)", sentence), sentence
        assert len(sentence) <= 400
        asks = re.search(r"kubectl (create|edit|get navixy|get sync|annotate)|navixy-operator \w", sentence)
        assert ("-n team" in sentence) == (asks is not None), sentence


def test_what_is_not_there_is_not_suggested() -> None:
    """Without a list of held closes there is none to approve; without a cycle, none to look at."""
    assert f"kubectl annotate synccycle main-9 -n team dataforwarding.io/approve-closes={DIGEST}" in " ".join(
        suggestions(suspended(heldCloses=HELD), Cause.CLOSES_HELD)
    )
    assert "approve" not in " ".join(suggestions(suspended(), Cause.CLOSES_HELD))
    none = case(facts(suspendedConnected=1), SUSPENDED)
    assert not [each for each in suggestions(none, Cause.UNKNOWN) if "synccycle " in each or "audit" in each]
    assert suggestions(none, Cause.UNKNOWN)


@quick
@given(cases())
def test_there_is_always_a_cause_and_something_to_do(found: Case) -> None:
    """Total, the same each time, bounded; and one of the trigger's own rules."""
    conclusion = conclude(found)
    assert conclusion == conclude(found)
    (rule,) = [rule for rule in RULES if rule.cause is conclusion.cause]
    assert found.trigger in rule.explains
    assert rule.clue(found) == conclusion.message
    assert len(conclusion.message) <= 1024
    assert 0 < len(suggestions(found, conclusion.cause)) <= 20
