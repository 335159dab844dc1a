"""Held closes: the exact list that a person approves, by its digest."""

import random
from dataclasses import replace
from typing import Any

from navixy_operator.core import report
from navixy_operator.core.actions import Close, Establish, Hold
from navixy_operator.core.approval import digest, members, token
from navixy_operator.core.guards import hold_all, hold_closes, restrain
from navixy_operator.core.model import Connection
from navixy_operator.core.outcome import settle
from navixy_operator.core.plan import decide_all
from navixy_operator.core.subject import Subject
from navixy_operator.core.vocabulary import Policy, Reason
from support.builders import (
    connection,
    print_of,
    subject,
)
from support.models import fits_cycle


def customer(ref: str, *connections: Connection, reason: Reason = Reason.ELIGIBLE) -> Subject:
    """A customer with connections of its own."""
    return subject(*connections, reason=reason, customer_ref=ref, fingerprint=print_of(ref))


def held_of(*subjects_: Subject, reason: Reason = Reason.EMPTY_DATABASE) -> dict[str, Any]:
    """The held closes of a plan."""
    found = report.held_closes(hold_closes(decide_all(subjects_), reason))
    assert found is not None
    assert fits_cycle({"heldCloses": found})
    return found


def gone(ref: str, *ids: str) -> Subject:
    """A customer to close."""
    return customer(ref, *(connection(identity, ref) for identity in ids), reason=Reason.REMOVED)


def test_held_closes() -> None:
    """Every connection that would be closed, with whose it is and who holds it."""
    nobodys = subject(connection("n", None), reason=Reason.NOT_IN_DATABASE, customer_ref=None)
    found = held_of(gone("a", "1", "2"), nobodys)
    assert (found["count"], found["reason"]) == (3, "EmptyDatabase")
    assert {(entry.get("customerRef"), entry["connectionId"]) for entry in found["items"]} == {
        ("a", "1"),
        ("a", "2"),
        (None, "n"),
    }


def test_held_closes_are_capped() -> None:
    """A hundred are listed; the digest is over all of them."""
    many = [gone(f"r{number}", f"{number}") for number in range(120)]
    found = held_of(*many)
    assert (found["count"], len(found["items"]), found["itemsOmitted"]) == (120, 100, 20)
    assert held_of(*many[:119])["digest"] != found["digest"]


def test_digest_does_not_depend_on_order() -> None:
    """The same closes, in whatever order they are found, have the same digest."""
    some = [gone(f"r{number}", f"{number}", f"{number}x") for number in range(20)]
    mixed = [replace(entry, connections=entry.connections[::-1]) for entry in some]
    random.Random(1).shuffle(mixed)  # noqa: S311 - an order, not a secret
    assert held_of(*some)["digest"] == held_of(*mixed)["digest"]


def test_digest_changes_with_any_change() -> None:
    """One more, one less, another customer, another connection, a name moved over: each is another list to approve."""
    lists = [
        [gone("a", "1"), gone("b", "2")],
        [gone("a", "1")],
        [gone("a", "1"), gone("b", "2", "3")],
        [gone("a", "1"), gone("c", "2")],
        [gone("a", "1"), gone("b", "4")],
        [gone("a", "2"), gone("b", "1")],
        [gone("a", "1", "2")],
    ]
    assert len({held_of(*entry)["digest"] for entry in lists}) == len(lists)


def test_only_closes_are_held_for_approval() -> None:
    """Establishes that the policy holds are no closes; what a dry run or a policy holds, no approval sets free."""
    assert report.held_closes(hold_all(decide_all([customer("a")]), Reason.POLICY_OBSERVE)) is None
    for reason in (Reason.DRY_RUN, Reason.POLICY_OBSERVE, Reason.POLICY_UPSERT_ONLY, Reason.NEXT_CYCLE):
        assert report.held_closes(hold_all(decide_all([gone("a", "1")]), reason)) is None
    assert report.held_closes(decide_all([gone("a", "1")])) is None


def test_what_a_guard_holds_is_listed_under_every_policy() -> None:
    """The guard speaks first; that the policy would hold the closes, too, takes none from the list."""
    held = hold_closes(decide_all([gone("a", "1"), customer("b")]), Reason.MASS_CLOSE)
    for policy in Policy:
        found = report.held_closes(hold_all(restrain(held, policy), Reason.DRY_RUN))
        assert found is not None
        assert (found["count"], found["reason"]) == (1, "MassClose")


def test_members_are_all_of_them() -> None:
    """The list for programs is whole, in order, and what the digest was made of."""
    many = [gone(f"r{number}", f"{number}", f"{number}x") for number in range(120)]
    nobodys = subject(connection("n", None), reason=Reason.NOT_IN_DATABASE, customer_ref=None)
    found = held_of(*many, nobodys)
    tokens = {token(f"r{number}", f"{number}{end}") for number in range(120) for end in ("", "x")} | {token(None, "n")}
    assert members(found["members"]) == tokens
    assert found["members"] == "".join(sorted(tokens))
    assert (found["digest"], found["count"]) == (digest(tokens), 241)


def test_held_closes_are_approved_whole() -> None:
    """What a cycle lists, the next one may carry out: the very closes, and no others."""
    plan = decide_all([gone("a", "1", "2"), gone("b", "3"), customer("c")])
    found = report.held_closes(hold_closes(plan, Reason.MASS_CLOSE))
    assert found is not None
    later = decide_all([gone("a", "1", "2"), gone("b", "3"), gone("d", "4"), customer("c")])
    again = hold_closes(later, Reason.MASS_CLOSE, members(found["members"]))
    assert [type(decision.action) for decision in again] == [Close, Close, Hold, Establish]


def test_held_actions_are_told_as_what_they_would_be() -> None:
    """A dry run's report says what would be done."""
    decisions = hold_all(decide_all([customer("a"), gone("b", "1")]), Reason.DRY_RUN)
    found = report.actions([settle(d, d.subject.connections, None) for d in decisions])
    assert [(entry["action"], entry["outcome"], entry["reason"]) for entry in found] == [
        ("Establish", "Held", "DryRun"),
        ("Close", "Held", "DryRun"),
    ]
