"""Every row of the spec's table of audit events: who hears of what happens hears all that is to be logged of it.

One cycle, or a few, of a NavixySync in a world of its own; what observers hear is what the audit trail stores.
"""

from dataclasses import replace
from typing import Any

import pytest

from navixy_operator.core.audit import PERISHABLE
from navixy_operator.core.fact import Fact
from navixy_operator.core.vocabulary import ConnectionState, EventName, EventStatus, Kind, Origin, PinMode, RunKind
from navixy_operator.errors import DatabaseUnavailable, ForwardingUnavailable
from support.builders import NOW, connection, row
from support.stage import Stage

SPEC_EVENTS = {
    "Synchronization Started": EventName.SYNCHRONIZATION_STARTED,
    "Synchronization Completed": EventName.SYNCHRONIZATION_COMPLETED,
    "Customer Database Query": EventName.DATABASE_QUERIED,
    "Eligible Customers Identified": EventName.ELIGIBLE_IDENTIFIED,
    "Missing Connections Detected": EventName.MISSING_DETECTED,
    "Extra Connections Detected": EventName.EXTRA_DETECTED,
    "Connection Established": EventName.CONNECTION_ESTABLISHED,
    "Connection Closed": EventName.CONNECTION_CLOSED,
    "Customer Skipped": EventName.CUSTOMER_SKIPPED,
    "Discrepancy Resolved": EventName.DISCREPANCY_RESOLVED,
    "Synchronization Failure": EventName.SYNCHRONIZATION_FAILED,
}


@pytest.fixture
def stage() -> Stage:
    """Two eligible customers, one of them connected; one without gateways, one without a hash; two extras."""
    stage = Stage()
    stage.world.database.rows = [
        row("acme"),
        row("beta", number=2),
        row("off", number=3, state="suspended"),
        row("bare", number=4, gateway_count=0),
        row("dumb", number=5, navixy_hash=None),
    ]
    stage.world.connect(connection("c-acme", "acme"), connection("c-off", "off"), connection("c-left", "left"))
    stage.ran_last("2026-03-01T03:00:00Z")
    stage.cycle("now", created_at="2026-03-01T01:30:00Z")
    return stage


async def ran(stage: Stage) -> list[Fact]:
    """The facts of the cycle ``now``, in order."""
    await stage.runner.turn()
    facts = [fact for fact in stage.world.facts if fact.run.name == "now"]
    assert [fact.seq for fact in facts] == list(range(len(facts))), "without a gap, from 0"
    assert {(fact.run.kind, fact.run.namespace, fact.run.sync) for fact in facts} == {
        (RunKind.CYCLE, "default", "main")
    }
    assert len({fact.run.id for fact in facts}) == 1
    assert all(fact.at >= NOW and fact.at.tzinfo is not None for fact in facts)
    return facts


def of(facts: list[Fact], event: EventName) -> list[Fact]:
    """Those of one event."""
    return [fact for fact in facts if fact.event is event]


def details(fact: Fact, *names: str) -> dict[str, Any]:
    """These details of a fact."""
    return {name: fact.details[name] for name in names}


async def test_audit_event_synchronization_started(stage: Stage) -> None:
    """Timestamp, sync cycle ID: the first of a run."""
    facts = await ran(stage)
    (fact,) = of(facts, EventName.SYNCHRONIZATION_STARTED)
    assert (fact.at, fact.run.name, fact.status, fact.seq) == (NOW, "now", EventStatus.IN_PROGRESS, 0)


async def test_audit_event_synchronization_completed(stage: Stage) -> None:
    """Timestamp, sync cycle ID, duration, success or failure: the last of a run."""
    stage.world.forwarding.settle_seconds = 2.0
    facts = await ran(stage)
    fact = facts[-1]
    assert (fact.event, fact.status) == (EventName.SYNCHRONIZATION_COMPLETED, EventStatus.SUCCEEDED)
    status = stage.status(Kind.CYCLE, "now")
    assert fact.details["duration_seconds"] == status["durationSeconds"] >= 2.0
    assert fact.details["counts"] == status["counts"]
    assert fact.details["discrepancies"] == {"MissingConnection": 1, "ExtraConnection": 1, "SuspendedConnected": 1}
    assert fact.details["skips"] == {"NoGateways": 1, "MissingHash": 1}
    assert set(fact.details["steps_seconds"]) == {  # type: ignore[call-overload]
        "poll",
        "validate_requirements",
        "publish",
        "query_connections",
        "resolve_missing",
        "resolve_invalid",
        "validate_results",
        "log",
    }


async def test_audit_event_customer_database_query(stage: Stage) -> None:
    """Timestamp, customer count retrieved, query status; kept for a year, as nothing else is."""
    facts = await ran(stage)
    (fact,) = of(facts, EventName.DATABASE_QUERIED)
    assert (fact.status, details(fact, "rows", "customers")) == (EventStatus.SUCCEEDED, {"rows": 5, "customers": 5})
    assert {EventName.DATABASE_QUERIED} == PERISHABLE


async def test_audit_event_customer_database_query_that_fails(stage: Stage) -> None:
    """The status of a query that gave nothing, and why."""
    stage.world.database.error = DatabaseUnavailable("the database does not answer")
    (fact,) = of(await ran(stage), EventName.DATABASE_QUERIED)
    assert fact.status is EventStatus.FAILED
    assert details(fact, "reason", "problem") == {
        "reason": "DatabaseUnavailable",
        "problem": "the database does not answer",
    }


async def test_audit_event_eligible_customers_identified(stage: Stage) -> None:
    """Timestamp, eligible customer count, customer references."""
    (fact,) = of(await ran(stage), EventName.ELIGIBLE_IDENTIFIED)
    assert details(fact, "eligible", "customer_refs") == {"eligible": 2, "customer_refs": ["acme", "beta"]}


async def test_audit_event_missing_connections_detected(stage: Stage) -> None:
    """Timestamp, customer references, count."""
    (fact,) = of(await ran(stage), EventName.MISSING_DETECTED)
    assert (fact.status, fact.discrepancy) == (EventStatus.FOUND, "MissingConnection")
    assert details(fact, "count", "customer_refs") == {"count": 1, "customer_refs": ["beta"]}


async def test_audit_event_extra_connections_detected(stage: Stage) -> None:
    """Timestamp, connection details, count: one for each type of what should not be open."""
    found = {fact.discrepancy: fact for fact in of(await ran(stage), EventName.EXTRA_DETECTED)}
    assert {kind: fact.details["count"] for kind, fact in found.items()} == {
        "ExtraConnection": 1,
        "SuspendedConnected": 1,
    }
    shown = [fact.details["connections"] for fact in found.values()]
    assert shown == [
        [{"customer": "left", "connection_id": "c-left", "connection_state": "connected"}],
        [{"customer": "off", "connection_id": "c-off", "connection_state": "connected"}],
    ]


async def test_audit_event_connection_established(stage: Stage) -> None:
    """Timestamp, customer reference, connection status."""
    (fact,) = of(await ran(stage), EventName.CONNECTION_ESTABLISHED)
    assert (fact.customer, fact.status, fact.origin) == ("beta", EventStatus.SUCCEEDED, Origin.AUTOMATIC)
    assert fact.details["connection_state"] == "connected"
    assert fact.details["connection_id"] in stage.world.forwarding.found


async def test_audit_event_connection_closed(stage: Stage) -> None:
    """Timestamp, customer reference, reason, connection status."""
    found = {fact.customer: fact for fact in of(await ran(stage), EventName.CONNECTION_CLOSED)}
    assert {ref: details(f, "reason", "connection_state", "closed_connections") for ref, f in found.items()} == {
        "off": {"reason": "Suspended", "connection_state": "disconnected", "closed_connections": ["c-off"]},
        "left": {"reason": "NotInDatabase", "connection_state": "disconnected", "closed_connections": ["c-left"]},
    }


async def test_every_connection_that_is_too_many_is_told(stage: Stage) -> None:
    """Of several of one customer those that are to go, also where a guard or the policy holds them; one stays."""
    stage.world.connect(connection("c-old", "acme", age=90), connection("c-off-2", "off"))
    facts = await ran(stage)
    shown: dict[object, list[str]] = {
        fact.discrepancy: [one["connection_id"] for one in fact.details["connections"]]  # type: ignore[attr-defined]
        for fact in of(facts, EventName.EXTRA_DETECTED)
    }
    assert shown.pop("DuplicateConnection") == ["c-old"]
    assert sorted(shown["SuspendedConnected"]) == ["c-off", "c-off-2"]
    (trimmed,) = [fact for fact in of(facts, EventName.CONNECTION_CLOSED) if fact.customer == "acme"]
    assert details(trimmed, "connection_state", "closed_connections", "kept_connection") == {
        "connection_state": "disconnected",
        "closed_connections": ["c-old"],
        "kept_connection": "c-acme",
    }


async def test_what_a_dry_run_would_close_is_told(stage: Stage) -> None:
    """It is held, and shown all the same."""
    stage.cycle("look", created_at="2026-03-01T01:00:00Z", dry_run=True)
    await stage.runner.turn()
    found = [f for f in of(stage.world.facts, EventName.EXTRA_DETECTED) if f.run.name == "look"]
    assert {one["connection_id"] for f in found for one in f.details["connections"]} == {"c-off", "c-left"}  # type: ignore[attr-defined]


async def test_audit_event_customer_skipped(stage: Stage) -> None:
    """Timestamp, customer reference, reason (missing hash, gateways)."""
    found = of(await ran(stage), EventName.CUSTOMER_SKIPPED)
    assert {fact.customer: fact.details["reason"] for fact in found} == {"bare": "NoGateways", "dumb": "MissingHash"}
    assert {fact.status for fact in found} == {EventStatus.SKIPPED}


async def test_audit_event_discrepancy_resolved(stage: Stage) -> None:
    """Timestamp, discrepancy type, resolution action."""
    found = of(await ran(stage), EventName.DISCREPANCY_RESOLVED)
    assert {fact.customer: (fact.discrepancy, fact.details["action"]) for fact in found} == {
        "beta": ("MissingConnection", "Establish"),
        "off": ("SuspendedConnected", "Close"),
        "left": ("ExtraConnection", "Close"),
    }


async def test_audit_event_synchronization_failure(stage: Stage) -> None:
    """Timestamp, error details, retry scheduled; it is the last but one, and the cycle has ended all the same."""
    stage.world.database.error = DatabaseUnavailable("the database does not answer")
    facts = await ran(stage)
    (fact,) = of(facts, EventName.SYNCHRONIZATION_FAILED)
    assert fact.status is EventStatus.FAILED
    assert details(fact, "reason", "problem", "retry_scheduled") == {
        "reason": "DatabaseUnavailable",
        "problem": "the database does not answer",
        "retry_scheduled": "2026-03-02T03:00:00Z",
    }
    assert [(f.event, f.status) for f in facts[-1:]] == [
        (EventName.SYNCHRONIZATION_COMPLETED, EventStatus.FAILED),
    ]


async def test_a_cycle_that_was_cut_off_has_an_end_in_the_trail(stage: Stage) -> None:
    """What a process that is gone could not say any more, the next one says: failed, Interrupted."""
    running = {"phase": "in_progress", "startTime": "2026-03-01T02:59:00Z"}
    stage.cycle("cut", status=running)
    await stage.runner.turn()
    facts = [fact for fact in stage.world.facts if fact.run.name == "cut"]
    assert [(fact.event, fact.status, fact.details["reason"]) for fact in facts] == [
        (EventName.SYNCHRONIZATION_FAILED, EventStatus.FAILED, "Interrupted"),
        (EventName.SYNCHRONIZATION_COMPLETED, EventStatus.FAILED, "Interrupted"),
    ]


async def test_what_a_person_does_has_its_own_origin(stage: Stage) -> None:
    """Manual and automatic operations are logged separately (AC13)."""
    await ran(stage)
    stage.world.facts.clear()
    beta = stage.world.resources.customers()["beta"]
    stage.put_pin(beta, PinMode.DISCONNECT, by="anna")
    stage.cycle("later")
    await stage.runner.turn()
    manual = {(f.event, f.customer) for f in stage.world.facts if f.origin is Origin.MANUAL}
    assert manual == {
        (EventName.PIN_APPLIED, "beta"),
        (EventName.CONNECTION_CLOSED, "beta"),
        (EventName.DISCREPANCY_RESOLVED, "beta"),
    }


@pytest.mark.parametrize("by", ["cycle", "drift pass"])
async def test_what_settles_after_its_cycle_is_told_by_the_next_pass(stage: Stage, by: str) -> None:
    """F1.1 was too slow for the cycle, which told of failures; the story does not end with them."""
    stage.world.forwarding.settle_seconds = stage.world.forwarding.close_seconds = 1e6
    told = {(f.event, f.customer) for f in await ran(stage)}
    assert {
        (EventName.ESTABLISH_FAILED, "beta"),
        (EventName.CLOSE_FAILED, "off"),
    } <= told
    stage.world.facts.clear()
    for one in list(stage.world.forwarding.found.values()):
        state = ConnectionState.CONNECTED if one.customer_ref in {"acme", "beta"} else ConnectionState.DISCONNECTED
        stage.world.forwarding.found[one.id] = replace(one, state=state)
    if by == "cycle":
        stage.cycle("later")
    else:
        stage.world.clock.seconds += 60
    await stage.runner.turn()
    found = [(f.event, f.customer, f.discrepancy, f.details.get("action")) for f in stage.world.facts if f.discrepancy]
    assert {
        (EventName.CONNECTION_ESTABLISHED, "beta", "MissingConnection", "Watch"),
        (EventName.DISCREPANCY_RESOLVED, "beta", "MissingConnection", "Watch"),
        (EventName.CONNECTION_CLOSED, "off", "SuspendedConnected", "Watch"),
        (EventName.DISCREPANCY_RESOLVED, "off", "SuspendedConnected", "Watch"),
    } <= set(found)
    assert len(found) == len(set(found))


async def test_a_dry_run_is_told_apart(stage: Stage) -> None:
    """Its run says so: nobody takes what it would do for what was done."""
    stage.cycle("look", created_at="2026-03-01T01:00:00Z", dry_run=True)
    await stage.runner.turn()
    assert {fact.run.kind for fact in stage.world.facts if fact.run.name == "look"} == {RunKind.DRY_RUN}
    assert {fact.event for fact in stage.world.facts} & {
        EventName.CONNECTION_ESTABLISHED,
        EventName.CONNECTION_CLOSED,
    } == set()


def test_the_spec_names_eleven() -> None:
    """And each of them has a name of its own here, and a test above."""
    assert len(set(SPEC_EVENTS.values())) == len(SPEC_EVENTS) == 11
    named = {name.removeprefix("test_audit_event_") for name in globals() if name.startswith("test_audit_event_")}
    assert {name.lower().replace(" ", "_") for name in SPEC_EVENTS} <= named


async def test_what_was_asked_for_is_in_the_trail_when_the_cycle_is_cut_off(stage: Stage) -> None:
    """F1.1 is lost after the acts, before it was seen how they ended: the trail says what had been asked for."""
    stage.world.forwarding.list_errors = {2: ForwardingUnavailable("F1.1 does not answer")}
    facts = await ran(stage)
    asked = {
        (f.event, f.customer, f.status) for f in facts if "closed_connections" in f.details or f.customer == "beta"
    }
    assert asked == {
        (EventName.CONNECTION_ESTABLISHED, "beta", EventStatus.PENDING),
        (EventName.CONNECTION_CLOSED, "off", EventStatus.PENDING),
        (EventName.CONNECTION_CLOSED, "left", EventStatus.PENDING),
    }
    assert facts[-1].status is EventStatus.FAILED


async def test_a_changed_hash_is_a_close_and_an_establish(stage: Stage) -> None:
    """Who asks for all closes finds the old connection's, too."""
    stage.world.connect(connection("c-acme", "acme", fingerprint="0" * 16))
    told = [
        (f.event, f.discrepancy, f.details.get("closed_connections")) for f in await ran(stage) if f.customer == "acme"
    ]
    assert told == [
        (EventName.CONNECTION_CLOSED, "HashChanged", ["c-acme"]),
        (EventName.CONNECTION_ESTABLISHED, "HashChanged", None),
        (EventName.DISCREPANCY_RESOLVED, "HashChanged", None),
    ]
