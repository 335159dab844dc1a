"""Conditions as ``metav1.Condition``: built by constructors, merged by one function (design section 2)."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from navixy_operator.core.vocabulary import Condition, Reason

MAX_MESSAGE: Final = 1024
_ORDER: Final[dict[str, int]] = {condition: position for position, condition in enumerate(Condition)}


def timestamp(moment: datetime) -> str:
    """RFC 3339 in UTC, to the second, as the API server writes times."""
    if moment.tzinfo is not UTC:  # F1.1 may write its times with any offset
        moment = moment.astimezone(UTC)
    return f"{moment.isoformat()[:19]}Z"  # strftime costs five times as much, and there are tens of thousands


def condition(kind: Condition, *, status: bool | None, reason: Reason, message: str) -> dict[str, Any]:
    """One condition, without the fields that depend on what stood before. None: unknown."""
    words = {True: "True", False: "False", None: "Unknown"}
    return {"type": kind.value, "status": words[status], "reason": reason.value, "message": message[:MAX_MESSAGE]}


def merge(
    previous: Iterable[Mapping[str, Any]], current: Iterable[Mapping[str, Any]], *, generation: int, now: datetime
) -> list[dict[str, Any]]:
    """The new list in stable order; ``lastTransitionTime`` moves only where the status does.

    ``current`` is the whole truth: what is not in it (``Reconciling`` when it is over) goes.
    """
    before = {entry["type"]: entry for entry in previous}
    return [
        _dated(entry, before.get(entry["type"]), generation, now)
        for entry in sorted(current, key=lambda entry: _ORDER.get(entry["type"], len(_ORDER)))
    ]


def find(conditions: Sequence[Mapping[str, Any]], kind: Condition) -> Mapping[str, Any] | None:
    """The condition of that type, if there is one."""
    return next((entry for entry in conditions if entry["type"] == kind), None)


def _dated(
    entry: Mapping[str, Any], before: Mapping[str, Any] | None, generation: int, now: datetime
) -> dict[str, Any]:
    same = before is not None and before["status"] == entry["status"]
    since = before["lastTransitionTime"] if same and before is not None else timestamp(now)
    return {**entry, "observedGeneration": generation, "lastTransitionTime": since}
