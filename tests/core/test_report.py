"""The report: validation (AC7, AC11), counts, capped lists, and the digest of held closes."""

from collections.abc import Sequence
from typing import Any, Final

import pytest

from navixy_operator.api.counts import Counts
from navixy_operator.core import report
from navixy_operator.core.eligibility import Snapshot
from navixy_operator.core.guards import hold_closes
from navixy_operator.core.model import Connection, ConnectionFault
from navixy_operator.core.outcome import Failure, Settled, settle
from navixy_operator.core.pins import read_pin
from navixy_operator.core.plan import Decision, decide_all
from navixy_operator.core.report import MAX_LISTED
from navixy_operator.core.roster import Known, subjects
from navixy_operator.core.subject import Subject
from navixy_operator.core.validation import suspended_count, validate
from navixy_operator.core.vocabulary import PIN, PIN_UNTIL, PinMode, Reason
from support.builders import (
    CONNECTED,
    DISCONNECTED,
    FAILED,
    NOW,
    PASSING,
    PENDING,
    connection,
    declared,
    end,
    manual,
    pinned,
    print_of,
    row,
    snapshot_of,
    subject,
)
from support.models import fits, fits_cycle

FAILURE: Final = Failure(Reason.ESTABLISH_FAILED, PASSING)
WRITTEN: Final = {"created": 1, "updated": 2, "deleted": 3, "persistent": 4}


def customer(ref: str, *connections: Connection, reason: Reason = Reason.ELIGIBLE) -> Subject:
    """A customer with connections of its own."""
    return subject(*connections, reason=reason, customer_ref=ref, fingerprint=print_of(ref))


def mine(ref: str, state: Any = CONNECTED, **fields: Any) -> Connection:
    """A connection of a customer."""
    return connection(f"c-{ref}", ref, state, **fields)


def details(snapshot: Snapshot, decisions: Sequence[Decision], settled: Sequence[Settled]) -> dict[str, Any]:
    """The report, checked against the model."""
    tally = report.counts(snapshot, decisions, settled) | WRITTEN
    assert fits(Counts, tally)
    assert set(tally) == {field.alias for field in Counts.model_fields.values()}
    found = report.details(snapshot, decisions, settled, validate(settled), tally)
    assert fits_cycle(found)
    return found


VALID: Final = {
    "connected": end(customer("a"), mine("a")),
    "suspended and closed": end(customer("a", mine("a"), reason=Reason.SUSPENDED), mine("a", DISCONNECTED)),
    "no gateways, none": end(customer("a", reason=Reason.NO_GATEWAYS)),
    "contradictory, connected": end(customer("a", mine("a"), reason=Reason.DUPLICATE_HASH), mine("a")),
    "contradictory, none": end(customer("a", reason=Reason.INVALID_RECORD)),
    "manual, although suspended": end(subject(manual(), reason=Reason.SUSPENDED), manual()),
    "fingerprint not told": end(customer("a"), mine("a", fingerprint=None)),
}
INVALID: Final = {
    "eligible, none": (end(customer("a")), "0 connections are connected where 1 are expected", "eligible"),
    "eligible, pending": (end(customer("a"), mine("a", PENDING)), "0 connections", "eligible"),
    "eligible, failed": (end(customer("a"), mine("a", FAILED)), "0 connections", "eligible"),
    "eligible, two": (end(customer("a"), mine("a"), mine("b", fingerprint=print_of("a"))), "2 connections", "eligible"),
    "eligible, other hash": (end(customer("a"), mine("a", fingerprint=print_of("x"))), "1 eligible", "eligible"),
    "suspended, open": (end(customer("a", mine("a"), reason=Reason.SUSPENDED), mine("a")), "1 connections",
                        "suspended"),
    "removed, open": (end(customer("a", mine("a"), reason=Reason.REMOVED), mine("a")), "1 connections", "removed"),
    "gone, open": (end(customer("a", mine("a"), reason=Reason.NOT_IN_DATABASE), mine("a")), "1 connections", "unknown"),
    "gone, pending": (end(customer("a", mine("a", PENDING), reason=Reason.NOT_IN_DATABASE), mine("a", PENDING)),
                      "1 suspended, removed or unknown", "unknown"),
    "no gateways, open": (end(customer("a", mine("a"), reason=Reason.NO_GATEWAYS), mine("a")), "1 connections",
                          "miss a requirement"),
}  # fmt: skip


@pytest.mark.parametrize("name", VALID)
def test_valid(name: str) -> None:
    """AC7: counts and members agree; who is left as he is counts as he is."""
    found = validate([VALID[name]])
    assert (found.passed, found.expected == found.actual, found.messages) == (True, True, ())


@pytest.mark.parametrize("name", INVALID)
def test_invalid(name: str) -> None:
    """AC7, AC11: each way to be wrong is found and said, with the customer's name."""
    settled, first, words = INVALID[name]
    found = validate([*VALID.values(), settled])
    others = [entry for entry in found.messages if words in entry]
    assert not found.passed
    assert "0 connections".removeprefix("0") in found.messages[0] or found.messages[0].startswith(first)
    assert len(others) == 1
    assert ": a" in others[0]


def test_counts_that_agree_by_chance_do_not_pass() -> None:
    """One missing and one too many make the right count of the wrong members."""
    settled = [end(customer("a")), end(customer("b", mine("b"), reason=Reason.REMOVED), mine("b"))]
    found = validate(settled)
    assert found.expected == found.actual
    assert len(found.messages) == 2


def test_a_mismatch_is_said_first() -> None:
    """The counts come before the members, many members are counted, and no line is too long for a status."""
    settled = [end(customer(f"{number:03}" + "x" * 1021)) for number in range(7)]
    found = validate(settled)
    assert found.messages[0] == "0 connections are connected where 7 are expected"
    assert found.messages[1].startswith("7 eligible customers without their connection: 000")
    assert found.messages[1].endswith("and 2 more")
    assert fits_cycle({"validation": found.to_status()})


def test_counts() -> None:
    """Each number counts what its name says."""
    rows = [
        *(row(ref) for ref in ("kept", "new", "slow", "bad", "twice")),
        row("off", state="suspended"),
        row("out", state="removed"),
        row("bare", gateway_count=0),
        row(None),
        row("elsewhere", provider="other"),
    ]
    before = [
        mine("kept"),
        mine("off"),
        mine("out"),
        mine("bare"),
        mine("left"),
        mine("twice", age=9),
        connection("c-two", "twice", age=1),
    ]
    after = {
        "kept": [mine("kept")],
        "new": [mine("new")],
        "slow": [mine("slow", PENDING)],
        "bad": [mine("bad", FAILED)],
        "twice": [connection("c-two", "twice", age=1)],
        "bare": [mine("bare")],
        "left": [mine("left")],
    }
    snapshot = snapshot_of(rows)
    decisions = decide_all(subjects(snapshot, {}, before))
    failures = {"left": Failure(Reason.CLOSE_FAILED, PASSING)}
    settled = [
        settle(d, tuple(after.get(str(d.subject.customer_ref), ())), failures.get(str(d.subject.customer_ref)))
        for d in decisions
    ]
    assert report.counts(snapshot, decisions, settled) == {
        "rows": 10,
        "customers": 9,
        "eligible": 5,
        "skipped": 2,
        "expected": 5,
        "actualBefore": 7,
        "actual": 5,
        "discrepancies": 8,
        "unresolved": 4,
        "failed": 2,
        "missing": 3,
        "extra": 1,
        "suspendedConnected": 2,
        "suspendedRemaining": 0,
        "established": 1,
        "establishFailed": 1,
        "pending": 1,
        "closed": 3,
        "closeFailed": 2,
        "held": 0,
        "pinned": 0,
        "manual": 0,
        "declared": 0,
    }
    found = details(snapshot, decisions, settled)
    assert found["discrepancyCounts"] == {
        "MissingConnection": 3,
        "DuplicateConnection": 1,
        "SuspendedConnected": 1,
        "RemovedConnected": 1,
        "IneligibleConnected": 1,
        "ExtraConnection": 1,
    }
    assert found["skipCounts"] == {"NoGateways": 1, "InvalidRecord": 1}
    assert [entry["outcome"] for entry in found["actions"]] == ["Failed"] * 2 + ["Pending"] * 2 + ["Succeeded"] * 4


@pytest.mark.parametrize(
    ("settled", "count"),
    [
        pytest.param(end(customer("a", mine("a"), reason=Reason.SUSPENDED), mine("a")), 1, id="suspended, open"),
        pytest.param(end(customer("a", mine("a"), reason=Reason.REMOVED), mine("a", PENDING)), 1, id="removed, slow"),
        pytest.param(end(customer("a", reason=Reason.SUSPENDED), mine("a")), 1, id="suspended, opened meanwhile"),
        pytest.param(end(customer("a", mine("a"), reason=Reason.SUSPENDED), mine("a", DISCONNECTED)), 0, id="closed"),
        pytest.param(end(subject(manual(), reason=Reason.SUSPENDED), manual()), 0, id="F1.3 wants it so"),
        pytest.param(end(customer("a", mine("a"), reason=Reason.NOT_IN_DATABASE), mine("a")), 0, id="an extra"),
        pytest.param(end(customer("a", mine("a"), reason=Reason.NO_GATEWAYS), mine("a")), 0, id="ineligible"),
    ],
)
def test_suspended_customers_with_a_connection(settled: Settled, count: int) -> None:
    """Suspended and removed ones whose connection is open in the end, as the comparison counts them before."""
    assert suspended_count([settled]) == count


def test_counts_of_what_people_do() -> None:
    """Pins that count, connections that F1.3 has set, declarations: a customer can be in several."""
    snapshot = snapshot_of([row("on"), row("off", number=2), row("f13", number=3)], declares=[declared("mine")])
    known = {
        "on": Known(pins=pinned(PinMode.HOLD)),
        "off": Known(pins=read_pin({PIN: "hold", PIN_UNTIL: "2026-01-01T00:00:00Z"}, NOW)),
        "f13": Known(pins=pinned(PinMode.DISCONNECT)),
        "mine": Known(pins=pinned(PinMode.DISCONNECT)),
    }
    decisions = decide_all(subjects(snapshot, known, [manual(ref="f13"), mine("mine")]))
    tally = report.counts(snapshot, decisions, [settle(d, d.subject.connections, None) for d in decisions])
    assert [tally[key] for key in ("pinned", "manual", "declared", "extra", "discrepancies")] == [3, 1, 1, 0, 2]
    found = report.discrepancies(decisions)
    assert [(entry["type"], entry["customerRef"]) for entry in found] == [
        ("MissingConnection", "off"),
        ("PinnedConnected", "mine"),
    ]
    assert found[1]["message"] == "open, although a person has pinned it off"


def test_a_lost_answer_is_a_success() -> None:
    """The connection came about although the request failed: the report does not speak of a failure."""
    (action,) = report.actions([end(customer("a"), mine("a"), failure=FAILURE)])
    assert (action["outcome"], action["reason"], action["message"]) == ("Succeeded", "Eligible", "because: Eligible")


def test_a_failure_has_f11s_words() -> None:
    """AC10: the customer, the reason and what F1.1 said."""
    (action,) = report.actions([end(customer("a"), failure=FAILURE)])
    assert action == {
        "customerRef": "a",
        "action": "Establish",
        "outcome": "Failed",
        "reason": "EstablishFailed",
        "message": "try again",
    }


def test_lists_are_capped() -> None:
    """A hundred entries each, with how many were left out; failed actions first, so that the cap cuts them last."""
    snapshot = snapshot_of(row(f"bare-{number}", gateway_count=0) for number in range(103))
    some = [customer(f"r-{number:03}") for number in range(150)]
    decisions = decide_all(some)
    settled = [settle(d, (), FAILURE if place >= 140 else None) for place, d in enumerate(decisions)]
    found = details(snapshot, decisions, settled)
    assert {name: len(found[name]) for name in ("discrepancies", "actions", "skips")} == {
        "discrepancies": MAX_LISTED,
        "actions": MAX_LISTED,
        "skips": MAX_LISTED,
    }
    assert (found["discrepanciesOmitted"], found["actionsOmitted"], found["skipsOmitted"]) == (50, 50, 3)
    assert (found["discrepancyCounts"], found["skipCounts"]) == ({"MissingConnection": 150}, {"NoGateways": 103})
    assert [entry["outcome"] for entry in found["actions"][:11]] == ["Failed"] * 10 + ["Pending"]


@pytest.mark.parametrize(("length", "keys"), [(0, set()), (100, {"items"}), (101, {"items", "itemsOmitted"})])
def test_capped(length: int, keys: set[str]) -> None:
    """Nothing for an empty list, and no word of omission where nothing is omitted."""
    assert set(report.capped("items", [{"a": "b"}] * length)) == keys


def test_an_empty_report() -> None:
    """Nothing found, nothing done: no empty lists."""
    found = details(snapshot_of([]), (), ())
    assert set(found) == {"counts", "validation"}


def test_long_words_are_cut() -> None:
    """References, ids and messages of any length make no report that the API server refuses."""
    fault = Failure(Reason.CLOSE_FAILED, ConnectionFault("c", "m" * 5000, permanent=False))
    long = connection("i" * 5000, "r" * 5000)
    gone = subject(long, reason=Reason.NOT_IN_DATABASE, customer_ref=long.customer_ref)
    decisions = decide_all([gone])
    details(snapshot_of([row(f"{n}" + "x" * 1020, navixy_hash="0" * 32) for n in range(9)]), decisions, [
        settle(decisions[0], (long,), fault)
    ])  # fmt: skip
    held = hold_closes(decisions, Reason.EMPTY_DATABASE)
    details(snapshot_of([]), held, [settle(held[0], (long,), None)])


def test_summary() -> None:
    """One line, with what is not zero."""
    tally = dict.fromkeys([str(field.alias) for field in Counts.model_fields.values()], 0) | {
        "expected": 3,
        "actual": 2,
    }
    assert report.summary(tally) == "2 of 3 expected connections are connected; nothing to do"
    said = report.summary(tally | {"established": 1, "skipped": 4})
    assert said == "2 of 3 expected connections are connected; 1 established, 4 customers skipped"
