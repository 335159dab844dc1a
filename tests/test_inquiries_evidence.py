"""What an investigation gathers, and what people say to it, in a world of fakes."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Final

import pytest

from navixy_operator.core.audit import Entry
from navixy_operator.core.fact import Run
from navixy_operator.core.vocabulary import ACKNOWLEDGE, EventName, Kind, Origin, RunKind
from navixy_operator.errors import AuditUnavailable, DatabaseUnavailable
from navixy_operator.gathering import FIRST_SPAN, HISTORY, PAGE
from navixy_operator.supervisor import Supervisor
from support.builders import NOW, resource
from support.inquests import customer, cycle, failed, mismatch
from support.scene import Scene
from support.stage import Stage

FAILURE: Final = "main-synchronizationfailure-1"
MISMATCH: Final = "main-connectioncountmismatch-1"


async def test_acknowledged_by_annotation() -> None:
    """Who, since when, told with the origin manual; taken back, it is open again; resolved by itself all the same."""
    scene = Scene()
    await scene.ran(failed(1))
    scene.told()
    await scene.annotate(FAILURE, "ops")
    status = scene.found[FAILURE].status
    assert (status["phase"], status["acknowledgedBy"]) == ("Acknowledged", "ops")
    (fact,) = scene.world.facts
    assert (fact.event, fact.origin, fact.details["by"]) == (
        EventName.INVESTIGATION_ACKNOWLEDGED,
        Origin.MANUAL,
        "ops",
    )
    await scene.annotate(FAILURE, None)
    assert scene.phases == {FAILURE: "Open"}
    assert [event for event, _ in scene.told()] == ["InvestigationAcknowledged"] * 2
    await scene.annotate(FAILURE, "ops")
    await scene.ran(failed(2))
    assert scene.phases == {FAILURE: "Acknowledged"}
    scene.told()
    await scene.ran(cycle(3))
    assert (scene.phases, scene.found[FAILURE].status["acknowledgedBy"]) == ({FAILURE: "Resolved"}, "ops")
    assert scene.told() == [("InvestigationResolved", FAILURE)]


async def test_an_acknowledgement_asks_nothing_anew() -> None:
    """One list and one status write: no evidence is gathered for it."""
    scene = Scene()
    await scene.ran(failed(1))
    scene.trail.asked.clear()
    await scene.world.resources.annotate(scene.found[FAILURE], {ACKNOWLEDGE: "ops"})
    scene.world.journal.clear()
    await scene.look_again()
    assert scene.world.journal == ["list Investigation", f"status {FAILURE}"]
    assert scene.trail.asked == []


async def test_what_is_asked_of_the_audit_trail_is_bounded() -> None:
    """One page of each type; ends of cycles however old, the rest since the completed cycle before the last."""
    scene = Scene()
    await scene.ran(cycle(1))
    assert scene.trail.asked == []
    await scene.ran(mismatch(2))
    assert {query.event for query in scene.trail.asked} == {
        "SynchronizationCompleted", "DriftRepaired", "ConnectionEstablishFailed", "ConnectionCloseFailed",
        "ManualOperationObserved", "PinApplied",
    }  # fmt: skip
    assert len(scene.trail.asked) == 6
    for query in scene.trail.asked:
        ends = query.event == "SynchronizationCompleted"
        assert (query.namespace, query.sync, query.limit) == ("default", "main", HISTORY if ends else PAGE)
        assert query.since == (None if ends else NOW + timedelta(days=1))
    scene.trail.asked.clear()
    another = Scene()
    await another.ran(failed(1))
    assert {query.since for query in another.trail.asked} == {None, another.world.clock.now() - FIRST_SPAN}


async def test_customers_and_trail_are_evidence() -> None:
    """Hashes that are refused are counted from the resources; the trail's entries are told, but for dry runs."""
    scene = Scene()
    for ref in ("bad-1", "bad-2"):
        spec, status = customer(ref, ready="HashRejected", connection={})
        made = resource(Kind.CUSTOMER, ref, spec={**spec, "sync": "main"}, status=status)
        other = resource(Kind.CUSTOMER, f"other-{ref}", spec={**spec, "sync": "other"}, status=status)
        scene.world.resources.objects |= {(Kind.CUSTOMER, item.name): item for item in (made, other)}
    run = Run("0" * 32, RunKind.CYCLE, "main-1", "default", "main")
    event = EventName.ESTABLISH_FAILED.value
    entry = Entry(run, 0, NOW, event, "Failed", "bad-1", None, "automatic", '{"problem": "no such hash"}', "")
    strange = [replace(entry, details=text, customer="bad-2") for text in ("[1]", "{", "")]
    dry = replace(entry, run=replace(run, kind=RunKind.DRY_RUN), customer="dry")
    scene.trail.entries[event] = [entry, *strange, dry]
    await scene.ran(mismatch(1))
    found = scene.found[MISMATCH].status
    assert found["probableCause"] == {
        "reason": "ForwardingRefusesHashes", "message": "F1.1 refuses the hashes of 2 customers (bad-1, bad-2)",
    }  # fmt: skip
    told = [finding for part in found["evidence"] for finding in part["findings"]]
    (of_failures,) = [finding for finding in told if finding.startswith("failed establishments")]
    assert of_failures.startswith("failed establishments in the audit trail: 4, of 2 customers (bad-1, bad-2)")
    assert "no such hash (1)" in of_failures


@pytest.mark.parametrize(
    ("audit", "told"),
    [
        ("none", "no audit trail is kept; what follows is what the SyncCycles tell"),
        ("down", "the audit trail could not be asked (AuditUnavailable: it is down); what follows is"),
        ("hangs", "the audit trail could not be asked (it did not answer within 0.05 seconds); what follows is"),
    ],
)
async def test_without_the_audit_trail_it_goes_on(audit: str, told: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It is said in the first step, and all else is there."""
    scene = Scene()
    monkeypatch.setattr("navixy_operator.gathering.AUDIT_SECONDS", 0.05)
    scene.trail.hangs = audit == "hangs"
    scene.trail.error = AuditUnavailable("it is down")
    if audit == "none":
        scene.audited_by(replace(scene.cluster, audit=None))
    await scene.ran(failed(1))
    status = scene.found[FAILURE].status
    assert status["evidence"][0]["findings"][1].startswith(told)
    assert status["probableCause"]["reason"] == "DatabaseUnavailable"


async def test_what_a_watch_reports_acts_at_once() -> None:
    """The runner at work: a failed cycle opens one, and an annotation is heeded when the watch reports it."""
    stage = Stage(suspend=True)
    stage.refusal = DatabaseUnavailable("it did not answer")
    supervisor = Supervisor(stage.cluster, stage.connect, ("default",))
    stage.cycle("now")
    supervisor.sync_reported("default", "main")
    try:
        async with asyncio.timeout(10):
            await until(lambda: phase_in(stage) == "Open")
            made = stage.world.resources.objects[Kind.INVESTIGATION, FAILURE]
            await stage.world.resources.annotate(made, {ACKNOWLEDGE: "ops"})
            supervisor.investigation_reported("default", "nobody")
            supervisor.investigation_reported("default", "main")
            await until(lambda: phase_in(stage) == "Acknowledged")
    finally:
        await supervisor.stop()


def phase_in(stage: Stage) -> str | None:
    """The phase of the investigation of the failed cycle; None: there is none."""
    found = stage.world.resources.objects.get((Kind.INVESTIGATION, FAILURE))
    return None if found is None else found.status.get("phase")


async def until(right: Callable[[], bool]) -> None:
    """Wait for a condition, within the caller's bound."""
    while not right():  # noqa: ASYNC110 - the runner at work sets no event
        await asyncio.sleep(0.01)
