"""How a NavixySync stands, as plain data: what ``status`` shows."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from navixy_operator.cli.heldlist import ENDED, approvable
from navixy_operator.core.approval import VALID, Approval
from navixy_operator.core.conditions import find, timestamp
from navixy_operator.core.vocabulary import APPROVE_CLOSES, Condition, InvestigationPhase, Phase
from navixy_operator.ports import Resource

LAST_CYCLES: Final = 5
LATER: Final = ("customers", "eligible", "skipped", "manual", "declared")
"""Counts that only a cycle makes; a drift pass keeps the others up to date."""

Json = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Seen:
    """A NavixySync and all that names it. ``trouble``: why Investigations cannot be seen; None: they can."""

    sync: Resource
    cycles: Sequence[Resource]
    customers: Sequence[Resource]
    investigations: Sequence[Resource]
    trouble: str | None = None


def describe(seen: Seen, now: datetime) -> Json:
    """Everything that there is to show."""
    sync, status = seen.sync, seen.sync.status
    ready = find(status.get("conditions", ()), Condition.READY) or {}
    return {
        "namespace": sync.namespace,
        "name": sync.name,
        "phase": status.get("phase"),
        "ready": {key: ready.get(key) for key in ("status", "reason", "message")},
        "policy": sync.spec.get("policy", "Full"),
        "schedule": sync.spec.get("schedule", "0 3 * * *"),
        "timeZone": sync.spec.get("timeZone", "UTC"),
        "suspended": bool(sync.spec.get("suspend")),
        "nextScheduleTime": status.get("nextScheduleTime"),
        "lastSuccessfulTime": status.get("lastSuccessfulTime"),
        "activeCycle": status.get("activeCycle"),
        "conditions": [_condition(entry) for entry in status.get("conditions", ())],
        "counts": _counts(seen),
        "customers": _customers(seen.customers),
        "cycles": [_cycle(cycle) for cycle in _newest(seen.cycles)[:LAST_CYCLES]],
        "heldCloses": [held for cycle in _newest(seen.cycles) if (held := _held(cycle, now)) is not None],
        "alerts": [dict(alert) for alert in status.get("alerts", ()) if not alert.get("resolved")],
        "investigations": [_investigation(item) for item in seen.investigations if _is_open(item)],
        "investigationsUnavailable": seen.trouble,
    }


def _condition(entry: Mapping[str, Any]) -> Json:
    told = {key: entry.get(key) for key in ("type", "status", "reason", "message")}
    return {**told, "since": entry.get("lastTransitionTime")}


def _counts(seen: Seen) -> Json:
    status = seen.sync.status
    last = (status.get("lastCycle") or {}).get("counts") or {}
    return {
        **{key: status.get(key) for key in ("expected", "actual", "discrepancies", "suspendedConnected")},
        **{key: last.get(key) for key in LATER},
        "pinned": sum("pin" in item.status for item in seen.customers),
    }


def _customers(customers: Sequence[Resource]) -> Json:
    """How many are Ready, and are not, by the reason; who has no such condition yet is not Ready."""
    ready: Counter[str] = Counter()
    others: Counter[str] = Counter()
    for item in customers:
        entry = find(item.status.get("conditions", ()), Condition.READY)
        if entry is None:
            others["Unknown"] += 1
        else:
            (ready if entry["status"] == "True" else others)[entry["reason"]] += 1
    return {"total": len(customers), "ready": dict(ready.most_common()), "notReady": dict(others.most_common())}


def _newest(cycles: Sequence[Resource]) -> list[Resource]:
    def age(cycle: Resource) -> tuple[str, int]:
        version = int(cycle.resource_version) if cycle.resource_version.isdecimal() else 0
        return str(cycle.status.get("startTime") or cycle.created_at), version

    return sorted(cycles, key=age, reverse=True)


def _cycle(cycle: Resource) -> Json:
    status = cycle.status
    counts = status.get("counts") or {}
    return {
        "name": cycle.name,
        "phase": status.get("phase", Phase.PENDING.value),
        "reason": status.get("reason"),
        "dryRun": bool(cycle.spec.get("dryRun")),
        "startTime": status.get("startTime"),
        "durationSeconds": status.get("durationSeconds"),
        **{key: counts.get(key) for key in ("established", "closed", "failed", "held", "skipped")},
    }


def _held(cycle: Resource, now: datetime) -> Json | None:
    """The closes that a cycle holds and that can still be approved; None: there are none."""
    if cycle.status.get("phase") not in ENDED or not isinstance(approvable(cycle, now), Approval):
        return None
    held = cycle.status["heldCloses"]
    until = datetime.fromisoformat(cycle.status["completionTime"]) + VALID
    return {
        "cycle": cycle.name,
        "count": held["count"],
        "reason": held["reason"],
        "digest": held["digest"],
        "until": timestamp(until),
        "approved": cycle.annotations.get(APPROVE_CLOSES, "").strip() == held["digest"],
    }


def _is_open(item: Resource) -> bool:
    return bool(item.status.get("phase") != InvestigationPhase.RESOLVED)


def _investigation(item: Resource) -> Json:
    status = item.status
    cause = status.get("probableCause") or {}
    return {
        "name": item.name,
        "trigger": item.spec.get("trigger"),
        "phase": status.get("phase", InvestigationPhase.OPEN.value),
        "cause": cause.get("reason"),
        "causeMessage": cause.get("message"),
        "since": status.get("openedTime"),
        "acknowledgedBy": status.get("acknowledgedBy"),
    }
