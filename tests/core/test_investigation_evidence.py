"""The evidence, step by step, named after the five steps of the specification."""

from datetime import timedelta
from typing import Any, Final

import pytest
from hypothesis import given

from navixy_operator.api.investigation import StepEvidence
from navixy_operator.core.casefile import LOOKED_UP, Case, Logbook, Page, Told
from navixy_operator.core.causes import conclude
from navixy_operator.core.evidence import MAX_FINDINGS, STEPS, evidence
from navixy_operator.core.vocabulary import EventName, InvestigationStep, Trigger
from support.builders import NOW
from support.inquests import SINCE, case, cases, customer, cycle, down, facts, failed, skipping
from support.models import fits
from support.strategies import quick

MISMATCH, FAILURE = Trigger.COUNT_MISMATCH, Trigger.SYNCHRONIZATION_FAILURE
TROUBLE: Final = (
    "the audit trail could not be asked (AuditUnavailable: it is down); what follows is what the SyncCycles tell"
)
COUNTS: Final = {"rows": 120, "established": 9, "establishFailed": 1, "closed": 4, "unresolved": 2, "skipped": 2}
SKIPS: Final[dict[str, Any]] = {
    "skipCounts": {"NoGateways": 1, "MissingHash": 1},
    "discrepancyCounts": {"MissingConnection": 3},
}
NEWEST: Final = "main-9 Synchronized, main-8 DatabaseUnavailable, main-7 Synchronized, main-6 Synchronized"
PROBLEMS: Final = "hash-rejected: no such hash (2); not settled in time (1)"
PEOPLE: Final = "people changed connections while the cycle ran, or since: bad, theirs"
LATER: Final = NOW + timedelta(days=9, seconds=20)
STATUS: Final[dict[str, Any]] = {
    "expected": 100,
    "actual": 98,
    "nextScheduleTime": "2026-03-11T03:00:00Z",
    "conditions": [
        {"type": "DatabaseAvailable", "status": "True", "reason": "Available", "message": "answered in the last cycle",
         "lastTransitionTime": SINCE},
        down("ForwardingAvailable", "ForwardingUnavailable"),
        down("InSync", "Discrepancies", "2 eligible customers without their connection"),
        {"type": "ClosesHeld", "status": "True", "reason": "MassClose", "message": "12 closes are held",
         "lastTransitionTime": SINCE},
    ],
}  # fmt: skip
CUSTOMERS: Final = [
    customer("good"),
    customer("bad", ready="HashRejected", connection={}, pin={"mode": "hold"}),
    customer("off", ready="CloseFailed", eligible="Suspended", state="suspended"),
    customer("bare", ready="Connected", eligible="NoGateways", connection={"id": "c-1", "state": "disconnected"}),
    customer("theirs", ready="ManualOperation"),
]
TRAIL: Final = Logbook(
    NOW,
    {
        EventName.SYNCHRONIZATION_COMPLETED: Page(
            (Told(LATER, "main-9", "Succeeded"), Told(NOW, "main-8", "Failed"), Told(NOW, "main-7", "Succeeded")),
            more=True,
        ),
        EventName.ESTABLISH_FAILED: Page(
            (
                Told(LATER, "main-9", "Failed", "bad", {"problem": "hash-rejected: no such hash"}),
                Told(NOW, "main-8", "Failed", "bad", {"problem": "hash-rejected: no such hash"}),
                Told(NOW, "main-8", "Pending", "slow", {"problem": "not settled in time"}),
            )
        ),
        EventName.CLOSE_FAILED: Page((Told(LATER, "main-9", "Failed", "off", {"problem": "still open"}),)),
        EventName.MANUAL_OPERATION: Page((Told(LATER, "main-9", "Succeeded", "theirs"),)),
        EventName.PIN_APPLIED: Page(
            (Told(LATER, "attend-1", "Succeeded", "bad"), Told(NOW, "attend-0", "Succeeded", "bad"))
        ),
        EventName.DRIFT_REPAIRED: Page(
            (
                Told(LATER, "drift-2", "Succeeded", None, {"established": 2, "closed": 1, "failed": 0}),
                Told(NOW, "drift-1", "Succeeded", None, {"established": 3, "closed": "?"}),
            )
        ),
    },
)


def mismatched(logbook: Logbook = TRAIL) -> Case:
    """A mismatch after a failed cycle, with everything that can be said about it."""
    last = cycle(9, counts={**COUNTS, "expected": 100, "actual": 98}, **SKIPS)
    found = facts(cycle(6, counts={"established": 1}), cycle(7), failed(8), last, **STATUS)
    return case(found, MISMATCH, CUSTOMERS, logbook=logbook)


def step(found: Case, wanted: InvestigationStep) -> list[str]:
    """The findings of one step."""
    return next(list(entry["findings"]) for entry in evidence(found, conclude(found)) if entry["step"] == wanted)


def test_step_1_review_synchronization_logs() -> None:
    """Audit trail for recent cycles; success and failure history; patterns in discrepancies or failures."""
    assert step(mismatched(), InvestigationStep.REVIEW_LOGS) == [
        f"4 cycles kept: 3 completed, 1 failed; newest first: {NEWEST}",
        "ends of cycles in the audit trail: at least 3, back to 2026-03-01T03:00:00Z: 2 completed, 1 failed",
        "failures by reason: 1 DatabaseUnavailable",
        "discrepancies that the last completed cycles left, newest first: 2, 0, 0",
        "main-9 found 3 MissingConnection",
    ]


def test_step_2_analyze_customer_database_and_connection_status() -> None:
    """Accessible and up to date? States and associations, expected against actual, what was logged of connections."""
    assert step(mismatched(), InvestigationStep.ANALYZE_STATUS) == [
        f"DatabaseAvailable is True since {SINCE}: answered in the last cycle",
        f"ForwardingAvailable is False since {SINCE}: it does not answer",
        f"InSync is False since {SINCE}: 2 eligible customers without their connection",
        "the customer database gave 120 rows, 100 Navixy customers to main-9, which ended at 2026-03-10T03:00:30Z",
        "connections by the last look: 100 expected, 98 connected",
        "customers by state: 4 active, 1 suspended",
        "customers by connection: 3 connected, 1 disconnected, 1 no connection",
        "suspended or removed, but with an open connection: CloseFailed: 1 (off)",
        f"failed establishments in the audit trail: 3, of 2 customers (bad, slow): {PROBLEMS}",
        "failed closes in the audit trail: 1, of 1 customer (off): still open (1)",
    ]


def test_step_3_validate_customer_requirements_and_f11_integration() -> None:
    """Gateways and hashes; what the validation logged; F1.1's success rates, and its failures."""
    assert step(mismatched(), InvestigationStep.VALIDATE_REQUIREMENTS) == [
        "2 of 100 customers skipped by main-9: 1 MissingHash, 1 NoGateways",
        "customers that are not eligible: NoGateways: 1 (bare); Suspended: 1 (off)",
        "establishments that succeeded in the 3 completed cycles kept: 10 of 11 (90%)",
        "closes that succeeded in the 3 completed cycles kept: 4 of 4 (100%)",
        "customers that are not as desired: CloseFailed: 1 (off); HashRejected: 1 (bad)",
    ]


def test_step_4_identify_root_cause() -> None:
    """The cause, what else might be, and what happened about that time."""
    assert step(mismatched(), InvestigationStep.IDENTIFY_CAUSE) == [
        f"ForwardingUnavailable: ForwardingAvailable is False since {SINCE}: it does not answer",
        "also to be thought of: ForwardingRefusesHashes: F1.1 refuses the hashes of 1 customer (bad)",
        "also to be thought of: EstablishesFailing: 1 of 10 connections could not be established",
        "also to be thought of: ClosesFailing: 1 connection could not be closed",
        f"also to be thought of: PinsOrManualOperations: {PEOPLE}",
        "before it, main-8 failed with DatabaseUnavailable at 2026-03-09T03:00:30Z",
        "operations of people through F1.3: 1, the last at 2026-03-10T03:00:20Z: theirs",
        "pins that people set: 2, the last at 2026-03-10T03:00:20Z: bad",
        "drift passes that mended connections since 2026-03-01T03:00:00Z: 2, with 5 established, 1 closed, 0 failed",
        "customers that are pinned now: hold: 1 (bad)",
        "customers whose connection F1.3 has set: 1 (theirs)",
    ]


def test_step_5_determine_resolution() -> None:
    """What happens by itself and when, what waits for a person, where it stands what may be done."""
    assert step(mismatched(), InvestigationStep.DETERMINE_RESOLUTION) == [
        "the next scheduled cycle is due at 2026-03-11T03:00:00Z",
        "closes wait for a person's approval: 12 closes are held",
        "what may be done about ForwardingUnavailable stands in suggestedResolution, the first thing first",
        "resolved by itself when a whole cycle, begun after this was last seen, has completed and does not show it",
    ]
    unscheduled = case(facts(failed(1)), FAILURE)
    assert step(unscheduled, InvestigationStep.DETERMINE_RESOLUTION)[0].startswith("no cycle is scheduled")


def test_of_a_failure_it_is_told_which_cycle_completed_last() -> None:
    """Nothing failed before it, but it itself."""
    assert "the last cycle that completed is main-1, at 2026-03-02T03:00:30Z" in step(
        case(facts(cycle(1), failed(2), failed(3)), FAILURE), InvestigationStep.IDENTIFY_CAUSE
    )
    assert "no cycle that is kept has completed" in step(
        case(facts(failed(3)), FAILURE), InvestigationStep.IDENTIFY_CAUSE
    )


def test_customers_that_are_always_skipped_are_named() -> None:
    """Beyond the counts of the last cycle."""
    found = case(facts(*(skipping(number, a="NoGateways") for number in range(3))), Trigger.REPEATEDLY_SKIPPED)
    told = step(found, InvestigationStep.VALIDATE_REQUIREMENTS)
    assert "skipped by each of the last 3 completed cycles: 1 (a)" in told
    assert "no closes in the 3 completed cycles that are kept" in told


@pytest.mark.parametrize("trouble", [TROUBLE, "no audit trail is kept; what follows is what the SyncCycles tell"])
def test_without_an_audit_trail_it_is_said_and_goes_on(trouble: str) -> None:
    """What the SyncCycles and the customers say is told all the same."""
    told = step(mismatched(Logbook(trouble=trouble)), InvestigationStep.REVIEW_LOGS)
    assert told[1] == trouble
    assert len(told) == 5


def test_the_steps_are_those_of_the_specification_in_order() -> None:
    """All five, whatever there is to say, in the vocabulary's order; what is looked up is used by one of them."""
    assert [name for name, _ in STEPS] == list(InvestigationStep)
    for found in (mismatched(), case(facts(failed(1)), FAILURE)):
        told = evidence(found, conclude(found))
        assert [entry["step"] for entry in told] == list(InvestigationStep)
        assert all(entry["findings"] for entry in told)
    assert TRAIL.pages.keys() == set(LOOKED_UP)


@quick
@given(cases())
def test_evidence_fits_its_place(found: Case) -> None:
    """Whatever the facts: no step fails, the lists and texts are what the CRD takes, unchanged; the same each time."""
    told = evidence(found, conclude(found))
    assert told == evidence(found, conclude(found))
    for entry in told:
        assert len(entry["findings"]) <= MAX_FINDINGS
        assert fits(StepEvidence, entry)
