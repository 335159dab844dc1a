"""What is told of an Investigation: that it is opened, acknowledged, resolved; to all who hear facts, and in Events."""

from collections.abc import Mapping
from typing import Any

from navixy_operator.chronicle import Chronicle
from navixy_operator.core.investigation import BY_HAND, phase_of
from navixy_operator.core.vocabulary import ACKNOWLEDGE, EventName, EventStatus, InvestigationPhase, Origin, RunKind
from navixy_operator.execution import Desk, post
from navixy_operator.ports import Resource


async def tell_change(desk: Desk, sync: Resource, item: Resource, before: Mapping[str, Any]) -> None:
    """Tell what is new in an Investigation whose status was ``before``: in a story of its own, under its name."""
    chronicle = desk.chronicle(sync, item.name, RunKind.OPERATOR)
    was, phase = phase_of(before), phase_of(item.status)
    if phase is InvestigationPhase.RESOLVED:
        _tell_resolved(chronicle, item)
    elif was is None:
        _tell_opened(chronicle, item)
    if phase is not InvestigationPhase.RESOLVED and before.get("acknowledgedBy") != item.status.get("acknowledgedBy"):
        _tell_acknowledged(chronicle, item)
    if chronicle.notes:
        await post(desk.cluster, chronicle)


def _tell_opened(chronicle: Chronicle, item: Resource) -> None:
    cause, message = item.status["probableCause"], item.status["message"]
    chronicle.tell(
        EventName.INVESTIGATION_OPENED,
        status=EventStatus.FOUND,
        origin=Origin.MANUAL if message == BY_HAND else Origin.AUTOMATIC,
        warning=True,
        **_about(item),
        cause=cause["reason"],
        message=message,
        speaks_for_it=cause["message"],
    )
    _note(
        chronicle,
        item,
        EventName.INVESTIGATION_OPENED,
        f"{message}; {cause['reason']}: {cause['message']}",
        warning=True,
    )


def _tell_acknowledged(chronicle: Chronicle, item: Resource) -> None:
    """Also that the annotation was taken away again: ``by`` is None then."""
    by = item.status.get("acknowledgedBy")
    chronicle.tell(EventName.INVESTIGATION_ACKNOWLEDGED, origin=Origin.MANUAL, **_about(item), by=by)
    message = f"{by} looks into it" if by else f"nobody looks into it any more: the annotation {ACKNOWLEDGE} is gone"
    _note(chronicle, item, EventName.INVESTIGATION_ACKNOWLEDGED, message)


def _tell_resolved(chronicle: Chronicle, item: Resource) -> None:
    status = item.status
    why = next(entry["message"] for entry in status["conditions"] if entry["type"] == "Ready")
    facts: dict[str, Any] = {"opened_time": status.get("openedTime"), "cycles_seen": status.get("cyclesSeen")}
    chronicle.tell(EventName.INVESTIGATION_RESOLVED, **_about(item), **facts, message=why)
    _note(chronicle, item, EventName.INVESTIGATION_RESOLVED, why)


def _about(item: Resource) -> dict[str, Any]:
    return {"investigation": item.name, "trigger": item.spec["trigger"], "seen_in": item.status.get("lastSeenCycle")}


def _note(chronicle: Chronicle, item: Resource, event: EventName, message: str, *, warning: bool = False) -> None:
    """An Event about the Investigation, and one about its NavixySync."""
    chronicle.note(item, event, message, warning=warning)
    chronicle.note(chronicle.sync, event, f"{item.name}: {message}", warning=warning)
