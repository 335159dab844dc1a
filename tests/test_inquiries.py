"""Investigations in a world of fakes: opened, kept up to date, resolved, opened anew, pruned."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

import pytest

from navixy_operator.core.vocabulary import (
    EventName,
    EventStatus,
    InvestigationStep,
    Kind,
    Origin,
    Trigger,
)
from navixy_operator.errors import KubernetesUnavailable
from navixy_operator.inquiries import ANOTHER, LONGEST_SILENCE
from navixy_operator.ports import Resource
from support.builders import resource
from support.inquests import cycle, failed, mismatch, skipping
from support.scene import Scene

FAILURE: Final = "main-synchronizationfailure-1"
MISMATCH: Final = "main-connectioncountmismatch-1"
DAY: Final = 86_400.0


async def test_a_failed_cycle_opens_one_with_evidence_cause_and_suggestions() -> None:
    """What `kubectl describe` shows: the story, without another tool."""
    scene = Scene()
    await scene.ran(failed(1, message="the customer database did not answer"))
    (item,) = scene.found.values()
    assert (item.name, item.spec) == (FAILURE, {"sync": "main", "trigger": "SynchronizationFailure"})
    assert item.labels == {"dataforwarding.io/sync": "main", "dataforwarding.io/trigger": "SynchronizationFailure"}
    status = item.status
    assert (status["phase"], status["lastSeenCycle"], status["cyclesSeen"]) == ("Open", "main-1", 1)
    assert status["probableCause"]["reason"] == "DatabaseUnavailable"
    assert status["suggestedResolution"]
    assert [entry["step"] for entry in status["evidence"]] == list(InvestigationStep)
    assert scene.board.shown == {FAILURE: "Open"}


async def test_it_is_told_to_all_and_in_events_about_both() -> None:
    """One fact of the vocabulary, an Event about the NavixySync and one about the Investigation."""
    scene = Scene()
    await scene.ran(failed(1))
    (fact,) = scene.world.facts
    assert (fact.event, fact.run.name, fact.status) == (EventName.INVESTIGATION_OPENED, FAILURE, EventStatus.FOUND)
    assert fact.origin is Origin.AUTOMATIC
    assert (fact.details["trigger"], fact.details["cause"]) == ("SynchronizationFailure", "DatabaseUnavailable")
    assert [event[:2] for event in scene.world.recorder.events] == [
        (f"Investigation/{FAILURE}", "InvestigationOpened"),
        ("NavixySync/main", "InvestigationOpened"),
    ]


async def test_looking_again_asks_for_nothing_and_writes_nothing() -> None:
    """Before ten minutes have passed, nor if the NavixySync changes otherwise; then, and when heard of: one list."""
    scene = Scene()
    await scene.ran(failed(1))
    scene.world.journal.clear()
    scene.trail.asked.clear()
    before = scene.found[FAILURE]
    scene.world.clock.seconds += LONGEST_SILENCE - 1
    scene.sync = replace(scene.sync, status={**scene.sync.status, "expected": 7}, resource_version="9")
    await scene.look()
    assert scene.world.journal == []
    scene.inquiries.heard()
    await scene.look()
    assert scene.world.journal == ["list Investigation"]
    scene.world.clock.seconds += LONGEST_SILENCE
    await scene.look()
    assert scene.world.journal == ["list Investigation"] * 2
    assert scene.trail.asked == []
    assert scene.found[FAILURE] == before
    assert scene.told() == [("InvestigationOpened", FAILURE)]


async def test_a_sync_made_anew_has_them_listed() -> None:
    """Deleted, and another by that name with the same status: its Investigations may have gone with the first."""
    scene = Scene()
    await scene.ran(failed(1))
    scene.world.journal.clear()
    scene.sync = replace(scene.sync, uid="another")
    for _ in range(2):
        await scene.look()
        assert scene.world.journal == ["list Investigation"]


async def test_it_is_updated_and_not_multiplied() -> None:
    """The next failed cycle is seen by the same one, silently; evidence and cause are the new cycle's."""
    scene = Scene()
    await scene.ran(failed(1))
    await scene.ran(failed(2, "ForwardingUnavailable"))
    (item,) = scene.found.values()
    assert (item.status["lastSeenCycle"], item.status["cyclesSeen"]) == ("main-2", 2)
    assert item.status["probableCause"]["reason"] == "ForwardingUnavailable"
    assert scene.told() == [("InvestigationOpened", FAILURE)]


async def test_each_trigger_has_its_own() -> None:
    """All five at once: five investigations."""
    scene = Scene()
    counts = {"discrepancies": 50, "suspendedRemaining": 1}
    for number in range(2):
        await scene.ran(skipping(number, a="NoGateways"))
    scene.told()
    skips = [{"customerRef": "a", "reason": "NoGateways", "message": "none"}]
    scene.sync = replace(scene.sync, status={**scene.sync.status, "suspendedConnected": 1})
    await scene.ran(cycle(2, skips=skips, counts={**counts, "expected": 100, "actual": 98}))
    assert len(scene.found) == 4
    await scene.ran(failed(3))
    assert {item.spec["trigger"] for item in scene.found.values()} == set(Trigger)
    assert set(scene.phases.values()) == {"Open"}


async def test_resolved_by_a_whole_cycle_that_does_not_show_it() -> None:
    """And told; it is Ready then, which `kubectl wait` waits for."""
    scene = Scene()
    await scene.ran(failed(1))
    scene.told()
    await scene.ran(cycle(2))
    status = scene.found[FAILURE].status
    assert (status["phase"], status["lastSeenCycle"]) == ("Resolved", "main-1")
    assert [(entry["type"], entry["status"]) for entry in status["conditions"]] == [("Ready", "True")]
    assert scene.told() == [("InvestigationResolved", FAILURE)]
    await scene.look_again()
    assert scene.told() == []
    assert scene.board.shown == {FAILURE: "Resolved"}


async def test_a_cycle_that_began_before_resolves_nothing() -> None:
    """Seen by a drift pass while the cycle runs that closes it: gone, but the next cycle must say so, too."""
    scene = Scene()
    await scene.ran(cycle(1))
    name = "main-suspendedcustomersconnected-1"
    await scene.suspended(1, after=DAY - 30)  # ten seconds into the next cycle
    assert scene.phases == {name: "Open"}
    scene.sync = replace(scene.sync, status={**scene.sync.status, "suspendedConnected": 0})
    await scene.ran(cycle(2))
    assert scene.phases == {name: "Open"}
    assert "clearSince" in scene.found[name].status
    await scene.ran(cycle(3))
    assert scene.phases == {name: "Resolved"}


async def test_gone_and_back_between_cycles_is_the_same_one() -> None:
    """Evidence is gathered anew, nothing else is opened or told."""
    scene = Scene()
    await scene.ran(cycle(1))
    await scene.suspended(1)
    await scene.suspended(0)
    assert "clearSince" in next(iter(scene.found.values())).status
    await scene.suspended(1)
    (item,) = scene.found.values()
    assert (item.status["phase"], "clearSince" in item.status) == ("Open", False)
    assert len(scene.told()) == 1


async def test_a_failed_or_dry_run_resolves_nothing() -> None:
    """A dry run is no whole cycle, whatever it finds; nor does it open anything."""
    scene = Scene()
    await scene.ran(mismatch(1))
    await scene.ran(cycle(2), dry_run=True)
    assert scene.phases == {MISMATCH: "Open"}
    await scene.ran(failed(3, "Interrupted"))
    assert scene.phases == {MISMATCH: "Open"}
    await scene.ran(failed(4), dry_run=True)
    assert scene.phases == {MISMATCH: "Open"}
    await scene.ran(cycle(5))
    assert scene.phases == {MISMATCH: "Resolved"}


async def test_a_trigger_that_comes_back_opens_a_new_one() -> None:
    """With the next number; the old one stays as it was."""
    scene = Scene()
    for past in (failed(1), cycle(2), failed(3)):
        await scene.ran(past)
    assert scene.phases == {FAILURE: "Resolved", "main-synchronizationfailure-2": "Open"}


async def test_resolved_ones_are_pruned_beyond_the_history() -> None:
    """The newest are kept, and all that are not resolved."""
    scene = Scene(history={"cycles": 2})
    for number in range(0, 8, 2):
        await scene.ran(failed(number))
        await scene.ran(cycle(number + 1))
    await scene.ran(failed(8))
    assert scene.phases == {
        "main-synchronizationfailure-3": "Resolved",
        "main-synchronizationfailure-4": "Resolved",
        "main-synchronizationfailure-5": "Open",
    }
    assert scene.board.shown == scene.phases


async def test_those_of_others_are_left_alone() -> None:
    """Another NavixySync's, and one that is being deleted; their names are taken."""
    scene = Scene()
    spec = {"sync": "other", "trigger": "SynchronizationFailure"}
    other = resource(Kind.INVESTIGATION, FAILURE, spec=spec, status={"phase": "Open"})
    spec = {"sync": "main", "trigger": "SynchronizationFailure"}
    going = resource(Kind.INVESTIGATION, "main-synchronizationfailure-2", spec=spec, deleting=True)
    scene.world.resources.objects |= {(item.kind, item.name): item for item in (other, going)}
    await scene.ran(failed(1))
    assert scene.found[FAILURE] == other
    assert scene.found[going.name] == going
    assert scene.found["main-synchronizationfailure-3"].status["phase"] == "Open"


async def test_one_whose_creation_was_not_answered_is_taken_over() -> None:
    """It was made, but the answer was lost: no second one; told once, for its status was never written."""
    scene = Scene()
    create = scene.world.resources.create

    async def lost(*args: Any, **fields: Any) -> None:
        await create(*args, **fields)

    scene.world.resources.create = lost  # type: ignore[method-assign]  # the answer says: exists already
    await scene.ran(failed(1))
    await scene.look_again()
    assert scene.phases == {FAILURE: "Open"}
    assert scene.told() == [("InvestigationOpened", FAILURE)]


async def test_one_made_by_hand_is_filled_in_and_resolved_by_the_next_cycle() -> None:
    """A person asks for an investigation: evidence of now; of two of one trigger the older counts."""
    scene = Scene()
    await scene.ran(cycle(1))
    spec = {"sync": "main", "trigger": "ConnectionCountMismatch"}
    for name, created in (("mine", "2026-03-02T05:00:00Z"), ("mine-too", "2026-03-02T06:00:00Z")):
        made = resource(Kind.INVESTIGATION, name, spec=spec, created_at=created)
        scene.world.resources.objects[Kind.INVESTIGATION, name] = made
    scene.world.clock.seconds += 4 * 3600
    await scene.look_again()
    assert scene.phases == {"mine": "Open", "mine-too": "Resolved"}
    assert scene.found["mine-too"].status["conditions"][0]["message"] == ANOTHER
    assert [entry["step"] for entry in scene.found["mine"].status["evidence"]] == list(InvestigationStep)
    assert [fact.origin for fact in scene.world.facts if fact.run.name == "mine"] == [Origin.MANUAL]
    await scene.ran(cycle(2))
    assert scene.phases["mine"] == "Resolved"


async def test_without_the_api_server_it_is_tried_again() -> None:
    """The error is the caller's; the next look does what was left, and tells it once."""
    scene = Scene()
    listing = scene.world.resources.list

    async def down(kind: Kind, namespace: str) -> Sequence[Resource]:
        if kind is Kind.CUSTOMER:
            message = "the API server did not answer"
            raise KubernetesUnavailable(message)
        return await listing(kind, namespace)

    scene.world.resources.list = down  # type: ignore[method-assign]  # the API server fails in the middle
    with pytest.raises(KubernetesUnavailable):
        await scene.ran(failed(1))
    assert scene.told() == []
    scene.world.resources.list = listing  # type: ignore[method-assign]  # it is back
    await scene.look()
    assert scene.phases == {FAILURE: "Open"}
    assert scene.told() == [("InvestigationOpened", FAILURE)]
