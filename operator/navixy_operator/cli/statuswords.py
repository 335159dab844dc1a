"""How a NavixySync stands, on at most 100 columns of a terminal."""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final

import click
from rich.console import Console

from navixy_operator.cli.common import Place, console, print_columns, print_facts
from navixy_operator.cli.moments import in_words

WIDTH: Final = 100
CONDITIONS: Final = ("CONDITION", "STATUS", "REASON", "SINCE", "MESSAGE")
CYCLES: Final = ("CYCLE", "STARTED", "TOOK", "RESULT", "ESTABLISHED", "CLOSED", "FAILED", "HELD", "SKIPPED")
ALERTS: Final = ("ALERT", "SEVERITY", "SINCE", "MESSAGE")
INVESTIGATIONS: Final = ("INVESTIGATION", "TRIGGER", "PHASE", "CAUSE", "SINCE")
_UNITS: Final = (("d", 86_400), ("h", 3_600), ("m", 60))

Json = Mapping[str, Any]


def show(place: Place, told: Json, now: datetime) -> None:
    """Print it: the head, then each list that has something in it."""
    out = console()
    out.width = min(out.width, WIDTH)
    ready = told["ready"]
    word = f"Ready {ready['status']} ({ready['reason']})" if ready["status"] else "no operator has looked at it yet"
    out.print(f"{told['namespace']}/{told['name']}: {told['phase'] or 'pending'}, {word}", style="bold", markup=False)
    print_facts(out, _facts(told, now))
    _list(out, CONDITIONS, [_condition(entry, now) for entry in told["conditions"]])
    _list(out, CYCLES, [_cycle(entry, now) for entry in told["cycles"]])
    _list(out, ALERTS, [_alert(entry, now) for entry in told["alerts"]])
    _list(out, INVESTIGATIONS, [_investigation(entry, now) for entry in told["investigations"]])
    _show_held(place, told["heldCloses"])


def ago(text: str | None, now: datetime) -> str:
    """``5m``, ``3h``, ``2d``: how long ago, in the largest unit that fits, as kubectl says it."""
    if text is None:
        return "-"
    seconds = max(0, int((now - datetime.fromisoformat(text)).total_seconds()))
    unit, size = next(((unit, size) for unit, size in _UNITS if seconds >= size), ("s", 1))
    return f"{seconds // size}{unit}"


def _facts(told: Json, now: datetime) -> list[tuple[str, str]]:
    counts, customers = told["counts"], told["customers"]
    lines = [
        ("Policy", f"{told['policy']}, schedule {told['schedule']} ({told['timeZone']})"),
        ("Next cycle", _next(told, now)),
        ("Connections", _connections(counts)),
        ("Customers", _customers(counts, customers)),
        ("Ready", _by_reason(customers["ready"])),
        ("Not ready", _by_reason(customers["notReady"])),
    ]
    if told["activeCycle"]:
        lines.insert(1, ("Running", told["activeCycle"]))
    if told["investigationsUnavailable"]:
        lines.append(("Investigations", told["investigationsUnavailable"]))
    elif not told["investigations"]:
        lines.append(("Investigations", "none is open"))
    if not told["alerts"]:
        lines.append(("Alerts", "none"))
    return lines


def _next(told: Json, now: datetime) -> str:
    if told["suspended"]:
        return "none: the schedule is suspended"
    due = told["nextScheduleTime"]
    if due is None:
        return "not known"
    left = datetime.fromisoformat(due) - now
    return f"{due}, in {in_words(left)}" if left > timedelta() else f"{due}, which is over"


def _connections(counts: Json) -> str:
    if counts["expected"] is None:
        return "not counted yet"
    odd = counts["suspendedConnected"]
    more = f"; {odd} of suspended or removed customers" if odd else ""
    told = f"{counts['actual']} of {counts['expected']} expected are connected"
    return f"{told}, {counts['discrepancies']} discrepancies{more}"


def _customers(counts: Json, customers: Json) -> str:
    words = {"eligible": "eligible", "skipped": "skipped", "manual": "set through F1.3", "declared": "declared"}
    told = [f"{counts[key]} {word}" for key, word in words.items() if counts[key] is not None]
    return ", ".join([f"{customers['total']}", *told, f"{counts['pinned']} pinned"])


def _by_reason(counts: Json) -> str:
    told = ", ".join(f"{reason} {count}" for reason, count in counts.items())
    return f"{sum(counts.values())}: {told}" if told else "none"


def _list(out: Console, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    if rows:
        click.echo()
        print_columns(out, columns, rows)


def _condition(entry: Json, now: datetime) -> tuple[str, ...]:
    since = ago(entry["since"], now)
    return (entry["type"], entry["status"], entry["reason"] or "-", since, entry["message"] or "")


def _cycle(entry: Json, now: datetime) -> tuple[str, ...]:
    seconds, counts = entry["durationSeconds"], (entry[key] for key in map(str.lower, CYCLES[4:]))
    result = entry["reason"] if entry["reason"] and seconds is not None else entry["phase"]
    return (
        entry["name"],
        ago(entry["startTime"], now),
        "-" if seconds is None else f"{seconds:.1f}s",
        f"{result} (dry run)" if entry["dryRun"] else result,
        *("-" if count is None else str(count) for count in counts),
    )


def _alert(entry: Json, now: datetime) -> tuple[str, ...]:
    return (entry["name"], entry["severity"], ago(entry["since"], now), entry["message"])


def _investigation(entry: Json, now: datetime) -> tuple[str, ...]:
    by = f" by {entry['acknowledgedBy']}" if entry["acknowledgedBy"] else ""
    return (entry["name"], entry["trigger"], f"{entry['phase']}{by}", entry["cause"] or "-", ago(entry["since"], now))


def _show_held(place: Place, held: Sequence[Json]) -> None:
    """Held closes, each with the command that approves them on a line of its own, so that it can be copied."""
    for entry in held:
        closes = f"{entry['cycle']} holds {entry['count']} closes ({entry['reason']})"
        if entry["approved"]:
            click.echo(f"\n{closes}; they are approved, and wait for the operator")
        else:
            click.echo(f"\n{closes} until {entry['until']}. To see and approve them:")
            click.echo(f"  {place.line('approve', entry['cycle'], sync=False)}")
