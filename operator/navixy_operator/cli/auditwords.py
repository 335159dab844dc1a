"""Entries of the audit trail in a few words each, for people."""

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from navixy_operator.cli.common import plain
from navixy_operator.core.audit import Entry
from navixy_operator.core.vocabulary import EventName

SHOWN: Final = 3
"""So many of a list are named; the others are counted."""
LONGEST: Final = 300
"""Characters of what is said of one entry; its details have all."""

Details = Mapping[str, Any]


def details_of(entry: Entry) -> dict[str, Any]:
    """An entry's details; what is no JSON object, as it is after a change by hand, stands under ``details``."""
    try:
        found = json.loads(entry.details)
    except ValueError:
        found = None
    return found if isinstance(found, dict) else {"details": entry.details}


def what(entry: Entry) -> str:
    """What the entry says, in a few words."""
    details = details_of(entry)
    try:
        said = _WORDS.get(entry.event, _any)(details)
    except (AttributeError, KeyError, TypeError, ValueError):  # another version's, or changed by hand
        said = _any(details)
    said = plain(said)
    return said if len(said) <= LONGEST else f"{said[:LONGEST]}…"


def number(count: int, one: str, many: str = "") -> str:
    """``1 entry``, ``2 entries``."""
    return f"{count} {one if count == 1 else many or f'{one}s'}"


def entries(count: int) -> str:
    """``1 entry``, ``2 entries``."""
    return number(count, "entry", "entries")


def names(found: Sequence[object], count: int | None = None) -> str:
    """``C-1, C-2, C-3 and 146 more``."""
    rest = (len(found) if count is None else count) - len(found[:SHOWN])
    return ", ".join(map(str, found[:SHOWN])) + (f" and {rest} more" if rest > 0 else "")


def _started(details: Details) -> str:
    due = details.get("scheduled_time")
    return f"scheduled for {due}" if due else "on demand"


def _completed(details: Details) -> str:
    return f"{details['reason']}: {details['summary']} ({details['duration_seconds']} s)"


def _queried(details: Details) -> str:
    if "problem" in details:
        return _problem(details)
    return f"{details['customers']} customers in {details['rows']} rows"


def _eligible(details: Details) -> str:
    return f"{details['eligible']} of {details['customers']} customers are eligible, {details['skipped']} are skipped"


def _missing(details: Details) -> str:
    return f"{details['count']}: {names(details['customer_refs'])}"


def _extra(details: Details) -> str:
    found = [f"{one.get('customer') or '(nobody)'} ({one.get('connection_id')})" for one in details["connections"]]
    return f"{details['count']}: {names(found)}"


def _acted(details: Details, verb: str = "closed") -> str:
    connection = " ".join(str(details[key]) for key in ("connection_id", "connection_state") if details.get(key))
    closed = details.get("closed_connections")
    told = [details["reason"], f"{verb} {names(closed)}" if closed else connection, details.get("problem")]
    return "; ".join(str(one) for one in told if one)


def _closed(details: Details) -> str:
    """Of a cycle that was cut off it is only known what was asked for."""
    return _acted(details, "asked to close" if "problem" in details else "closed")


def _problem(details: Details) -> str:
    retry = details.get("retry_scheduled")
    return f"{details['reason']}: {details['problem']}" + (f"; next try {retry}" if retry else "")


def _resolved(details: Details) -> str:
    return str(details["action"])


def _mismatch(details: Details) -> str:
    return f"{details['actual']} of {details['expected']} are connected: {'; '.join(map(str, details['problems']))}"


def _persistent(details: Details) -> str:
    return f"for {details['cycles']} cycles: {'; '.join(map(str, details['problems']))}"


def _firing(details: Details) -> str:
    return f"{details['alert']} ({details['severity']}): {details['problem']}"


def _over(details: Details) -> str:
    return f"{details['alert']} ({details['severity']}), which began at {details['since']}"


def _investigation(details: Details) -> str:
    cause = f"; {details['cause']}" if "cause" in details else ""
    return f"{details['investigation']}: {details['message']}{cause}"


def _acknowledged(details: Details) -> str:
    return f"{details['investigation']}: {details['by'] or 'nobody any more'}"


def _refused(details: Details) -> str:
    return str(details["problem"])


def _any(details: Details) -> str:
    """Whatever it is: a sentence where there is one, else every fact."""
    for key in ("message", "summary"):
        if isinstance(details.get(key), str):
            return str(details[key])
    return ", ".join(f"{key} {_short(value)}" for key, value in details.items())


def _short(value: object) -> str:
    match value:
        case list():
            return (
                f"{len(value)} ({names(value)})" if value and not isinstance(value[0], dict | list) else f"{len(value)}"
            )
        case dict():
            return " ".join(f"{key}={inner}" for key, inner in value.items() if not isinstance(inner, dict | list))
        case None | bool():
            return json.dumps(value)
        case _:
            return str(value)


_WORDS: Final[Mapping[str, Callable[[Details], str]]] = {
    EventName.SYNCHRONIZATION_STARTED: _started,
    EventName.SYNCHRONIZATION_COMPLETED: _completed,
    EventName.SYNCHRONIZATION_FAILED: _problem,
    EventName.DATABASE_QUERIED: _queried,
    EventName.ELIGIBLE_IDENTIFIED: _eligible,
    EventName.MISSING_DETECTED: _missing,
    EventName.EXTRA_DETECTED: _extra,
    EventName.CONNECTION_ESTABLISHED: _acted,
    EventName.CONNECTION_CLOSED: _closed,
    EventName.ESTABLISH_FAILED: _acted,
    EventName.CLOSE_FAILED: _acted,
    EventName.CUSTOMER_SKIPPED: _problem,
    EventName.DISCREPANCY_RESOLVED: _resolved,
    EventName.COUNT_MISMATCH: _mismatch,
    EventName.PERSISTENT_DISCREPANCIES: _persistent,
    EventName.APPROVAL_REFUSED: _refused,
    EventName.ALERT_FIRING: _firing,
    EventName.ALERT_RESOLVED: _over,
    EventName.INVESTIGATION_OPENED: _investigation,
    EventName.INVESTIGATION_ACKNOWLEDGED: _acknowledged,
    EventName.INVESTIGATION_RESOLVED: _investigation,
    EventName.AUDIT_UNAVAILABLE: _problem,
}
