"""Cycles that have ended, customers and audit entries, for the tests of investigations: what was found is in order."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

from hypothesis import strategies as st

from navixy_operator.core.casefile import Case, Logbook, Page, Told
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.history import PastCycle
from navixy_operator.core.survey import survey
from navixy_operator.core.triggers import Facts, Sighting, sightings
from navixy_operator.core.vocabulary import EventName, Policy, Reason, Trigger
from support.builders import NOW

JSON = dict[str, Any]
SINCE = "2026-03-01T02:00:00Z"


def report(number: int = 1, *, customers: int = 100, **fields: Any) -> JSON:
    """The status of the completed cycle of day ``number``: all connected; ``counts`` are merged in."""
    began = NOW + timedelta(days=number)
    counts = {"customers": customers, "expected": customers, "actual": customers, **fields.pop("counts", {})}
    expected, actual = counts["expected"], counts["actual"]
    return {
        "phase": "completed",
        "reason": "Synchronized",
        "message": "all is well",
        "startTime": timestamp(began),
        "completionTime": timestamp(began + timedelta(seconds=30)),
        "counts": counts,
        "validation": {"passed": expected == actual, "expected": expected, "actual": actual},
        **fields,
    }


def cycle(number: int = 1, *, name: str = "", **fields: Any) -> PastCycle:
    """The completed cycle of day ``number``, ``main-number``."""
    return PastCycle(name or f"main-{number}", report(number, **fields), number)


def failed(number: int = 1, reason: str = "DatabaseUnavailable", message: str = "it did not answer") -> PastCycle:
    """A cycle that failed before it found anything."""
    status = {**report(number), "phase": "failed", "reason": reason, "message": message}
    return PastCycle(f"main-{number}", {k: v for k, v in status.items() if k not in {"counts", "validation"}}, number)


def mismatch(number: int = 1, *, expected: int = 100, actual: int = 98, **counts: int) -> PastCycle:
    """A completed cycle with too few connections."""
    return cycle(number, counts={"expected": expected, "actual": actual, "unresolved": expected - actual, **counts})


def skipping(number: int, **skips: str) -> PastCycle:
    """A completed cycle that skipped these customers for these reasons."""
    listed = [{"customerRef": ref, "reason": why, "message": "because"} for ref, why in skips.items()]
    return cycle(number, skips=listed, counts={"skipped": len(skips)})


def newest_first(*cycles: PastCycle) -> tuple[PastCycle, ...]:
    """As the facts have them."""
    return tuple(reversed(cycles))


def facts(*cycles: PastCycle, **status: Any) -> Facts:
    """Cycles in the order of time, and a NavixySync's status that names the last."""
    told = {"lastCycle": {"name": cycles[-1].name}} if cycles else {}
    return Facts({**told, **status}, newest_first(*cycles))


def seen(found: Facts) -> dict[Trigger, Sighting]:
    """The triggers that are seen."""
    return {sighting.trigger: sighting for sighting in sightings(found)}


def customer(ref: str, *, ready: str = "Connected", eligible: str = "Eligible", **more: Any) -> tuple[JSON, JSON]:
    """A customer's spec and status; it is ready with the reasons Connected, Suspended, ManualOperation."""
    state, connection = more.pop("state", "active"), more.pop("connection", {"id": f"c-{ref}", "state": "connected"})
    told = {"lastTransitionTime": SINCE, "message": "so it is"}
    conditions = [
        {
            "type": "Ready",
            "status": str(ready in {"Connected", "Suspended", "ManualOperation"}),
            "reason": ready,
            **told,
        },
        {"type": "Eligible", "status": str(eligible == "Eligible"), "reason": eligible, **told},
    ]
    return {"customerRef": ref, "state": state}, {"conditions": conditions, "connection": connection, **more}


def told(event: EventName, *entries: tuple[str | None, JSON], at: datetime = NOW, more: bool = False) -> Logbook:
    """An audit trail with entries of one type: customer and details."""
    listed = tuple(Told(at, "drift-1", "Succeeded", ref, details) for ref, details in entries)
    return Logbook(NOW, {event: Page(listed, more=more)})


def case(
    found: Facts,
    trigger: Trigger,
    customers: Sequence[tuple[Mapping[str, Any], Mapping[str, Any]]] = (),
    *,
    policy: Policy = Policy.FULL,
    logbook: Logbook | None = None,
) -> Case:
    """The case of a trigger that is seen in these facts."""
    return Case("team", "main", policy, seen(found)[trigger], found, survey(customers), logbook or Logbook(NOW))


def down(kind: str, reason: str, message: str = "it does not answer") -> JSON:
    """A condition that is False."""
    return {"type": kind, "status": "False", "reason": reason, "message": message, "lastTransitionTime": SINCE}


FORWARDING: Final = "ForwardingAvailable"
HELD: Final = {"digest": "0123456789abcdef", "count": 12, "reason": "MassClose", "members": "", "items": []}
DRIFT: Final = told(EventName.DRIFT_REPAIRED, *((None, {"established": 1}) for _ in range(3)), more=True)
_COUNTS: Final = (
    *("customers", "discrepancies", "held", "pending", "establishFailed", "closeFailed", "created"),
    "suspendedRemaining",
)
_WORDS: Final = st.sampled_from([*(reason.value for reason in Reason), "OfALaterVersion", ""])
_NUMBERS: Final = st.sampled_from([0, 1, 2, 50, 100])
_TEXTS: Final = st.builds(lambda text, times: text * times, st.text(max_size=3), st.sampled_from([1, 2000]))


@st.composite
def histories(draw: st.DrawFn) -> list[PastCycle]:
    """Some cycles in the order of time, completed and failed, with any counts."""
    made = []
    for number in range(draw(st.integers(0, 5))):
        if draw(st.booleans()):
            made.append(failed(number, draw(_WORDS), draw(_TEXTS)))
            continue
        counts = {name: draw(_NUMBERS) for name in (*_COUNTS, "expected", "actual")}
        refs = draw(st.sets(st.text(max_size=2)))
        skips = [{"customerRef": ref, "reason": draw(_WORDS), "message": ""} for ref in refs]
        held: JSON = {"heldCloses": HELD} if draw(st.booleans()) else {}
        made.append(cycle(number, counts=counts, skips=skips, **held))
    return made


@st.composite
def cases(draw: st.DrawFn) -> Case:
    """Any trigger over any facts, whether they show it or not."""
    refs = draw(st.sets(st.text(max_size=2)))
    customers = [customer(ref, ready=draw(_WORDS), eligible=draw(_WORDS)) for ref in refs]
    logbook = draw(st.sampled_from([DRIFT, Logbook(), Logbook(trouble="it did not answer")]))
    conditions = [down(FORWARDING, draw(_WORDS), draw(_TEXTS))]
    found = facts(*draw(histories()), conditions=conditions, suspendedConnected=draw(_NUMBERS))
    trigger = draw(st.sampled_from(Trigger))
    failures = trigger is Trigger.SYNCHRONIZATION_FAILURE
    shown: list[PastCycle | None] = [one for one in found.cycles if failures and not one.completed]
    sighting = Sighting(trigger, draw(_TEXTS), draw(st.sampled_from(shown or [None])))
    return Case("team", "main", draw(st.sampled_from(Policy)), sighting, found, survey(customers), logbook)
