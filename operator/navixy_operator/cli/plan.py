"""``navixy-operator plan``: what a cycle would do now."""

from typing import Any, Final

import click

from navixy_operator.cli.common import Place, cluster_options, console, print_columns, print_json
from navixy_operator.cli.look import Found, look
from navixy_operator.core import report
from navixy_operator.core.actions import Hold, Keep
from navixy_operator.core.plan import Decision
from navixy_operator.core.vocabulary import Reason
from navixy_operator.execution import ending_of
from navixy_operator.preview import Preview
from navixy_operator.roll import is_declared

OF_PEOPLE: Final = {"pinned": "pinned", "declared": "declared", "manual": "set through F1.3"}
"""Counts of what people have decided, and their words."""


@click.command()
@cluster_options
@click.option("--all", "everyone", is_flag=True, help="Also list customers for whom nothing would be done.")
def plan(place: Place, *, everyone: bool) -> None:
    """Show what a cycle would do now; write nothing.

    Reads the Secrets that the NavixySync names, the customer database and F1.1 from here: the two must be reachable
    from this machine, and you must be allowed to read the Secrets.
    """
    found = look(place)
    listed = rows(found.preview, everyone=everyone)
    if place.json:
        print_json(_document(found.preview, listed))
    else:
        _print(place, found, listed)


def rows(found: Preview, *, everyone: bool) -> list[dict[str, Any]]:
    """One row for each customer or leftover: what is desired, what would be done, why, and what people have decided."""
    listed = []
    for decision in found.finding.decisions:
        action = decision.action.instead_of if isinstance(decision.action, Hold) else decision.action
        if isinstance(action, Keep) and not everyone:
            continue
        current, pin = decision.subject.current, decision.subject.pin
        listed.append(
            {
                "customerRef": decision.subject.customer_ref,
                "connectionId": current.id if current is not None else None,
                "connection": current.state.value if current is not None else None,
                "desired": decision.desired.value,
                "asItIs": decision.as_it_is,
                "action": action.kind.value,
                "reason": decision.reason.value,
                "message": decision.message,
                "heldBy": _held_by(decision.action),
                "pin": pin and pin.to_status(),
                "declared": _declared(found, decision),
            }
        )
    return sorted(listed, key=lambda row: (row["customerRef"] is None, row["customerRef"] or row["connectionId"]))


def _held_by(action: object) -> str | None:
    """What would hold the action back in a real cycle, beside its being a plan."""
    if not isinstance(action, Hold) or action.reason is Reason.DRY_RUN:
        return None
    return action.reason.value


def _declared(found: Preview, decision: Decision) -> bool:
    item = found.resources.get(decision.subject.customer_ref or "")
    return item is not None and is_declared(item)


def _document(found: Preview, listed: list[dict[str, Any]]) -> dict[str, Any]:
    ending = ending_of(found.finding)
    return {
        "sync": {"namespace": found.sync.namespace, "name": found.sync.name},
        "policy": found.order.policy.value,
        "counts": dict(ending.counts),
        "plan": listed,
        "skips": report.skips(found.finding.snapshot),
        "heldCloses": report.held_closes(found.finding.decisions),
    }


def _print(place: Place, found: Found, listed: list[dict[str, Any]]) -> None:
    out, sync = console(), found.preview.sync
    if listed:
        print_columns(out, *_table(listed))
        out.print()
    tally = ending_of(found.preview.finding).counts
    due = [row for row in listed if row["action"] != "Keep"]
    people = "".join(f", {tally[key]} {words}" for key, words in OF_PEOPLE.items() if tally[key])
    out.print(
        f"{sync.namespace}/{sync.name}, policy {found.preview.order.policy}: {tally['customers']} Navixy "
        f"customers, {tally['eligible']} eligible, {tally['skipped']} skipped{people}; {tally['actual']} of "
        f"{tally['expected']} expected connections are connected; {len(due)} actions due.",
        markup=False,
    )
    if found.held:
        click.echo(f"{found.held} closes would be held back. {found.how_to_approve(place)}")


def _table(listed: list[dict[str, Any]]) -> tuple[list[str], list[list[str]]]:
    """Head and rows; what only people decide has a column where it occurs."""
    columns = {
        "CUSTOMER": [row["customerRef"] or f"(nobody: {row['connectionId']})" for row in listed],
        "CONNECTION": [row["connection"] or "-" for row in listed],
        "DESIRED": ["as it is" if row["asItIs"] else row["desired"] for row in listed],
        "ACTION": [row["action"] for row in listed],
        "REASON": [row["reason"] for row in listed],
        "HELD BY": [row["heldBy"] or "" for row in listed],
        "PIN": [_pin(row["pin"]) for row in listed],
        "SOURCE": ["Manual" if row["declared"] else "" for row in listed],
    }
    shown = [name for name in columns if name not in {"PIN", "SOURCE"} or any(columns[name])]
    return shown, [list(row) for row in zip(*(columns[name] for name in shown), strict=True)]


def _pin(pin: dict[str, Any] | None) -> str:
    if pin is None:
        return ""
    by = f" by {pin['by']}" if "by" in pin else ""
    return f"{pin['mode']}{by}" + (f" until {pin['until']}" if "until" in pin else "")
