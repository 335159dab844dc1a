"""``navixy-operator plan``: what a cycle would do now."""

from typing import Any

import click
from rich.table import Table

from navixy_operator.cli.common import cluster_options, console, print_json, print_table, with_world
from navixy_operator.core import report
from navixy_operator.core.actions import Hold, Keep
from navixy_operator.core.vocabulary import Reason
from navixy_operator.execution import ending_of
from navixy_operator.preview import Preview, preview


@click.command()
@cluster_options
@click.option("--all", "everyone", is_flag=True, help="Also list customers for whom nothing would be done.")
def plan(
    sync_name: str | None,
    namespace: str | None,
    context: str | None,
    kubeconfig: str | None,
    output: str,
    *,
    everyone: bool,
) -> None:
    """Show what a cycle would do now; write nothing.

    Reads the Secrets that the NavixySync names, the customer database and F1.1 from here: the two must be reachable
    from this machine, and you must be allowed to read the Secrets.
    """
    found = with_world(kubeconfig, context, lambda world: preview(world, namespace or world.namespace, sync_name))
    if output == "json":
        print_json(_document(found, everyone=everyone))
    else:
        _print(found, everyone=everyone)


def rows(found: Preview, *, everyone: bool) -> list[dict[str, Any]]:
    """One row for each customer or leftover: reference, state, connection, action, reason, message, held back by."""
    listed = []
    for decision in found.finding.decisions:
        action = decision.action.instead_of if isinstance(decision.action, Hold) else decision.action
        if isinstance(action, Keep) and not everyone:
            continue
        current = decision.subject.current
        listed.append(
            {
                "customerRef": decision.subject.customer_ref,
                "connectionId": current.id if current is not None else None,
                "connection": current.state.value if current is not None else None,
                "desired": decision.desired.value,
                "action": action.kind.value,
                "reason": decision.reason.value,
                "message": decision.message,
                "heldBy": _held_by(decision.action),
            }
        )
    return sorted(listed, key=lambda row: (row["customerRef"] is None, row["customerRef"] or row["connectionId"]))


def _held_by(action: object) -> str | None:
    """What would hold the action back in a real cycle, beside its being a plan."""
    if not isinstance(action, Hold) or action.reason is Reason.DRY_RUN:
        return None
    return action.reason.value


def _document(found: Preview, *, everyone: bool) -> dict[str, Any]:
    ending = ending_of(found.finding)
    return {
        "sync": {"namespace": found.sync.namespace, "name": found.sync.name},
        "policy": found.order.policy.value,
        "counts": dict(ending.counts),
        "plan": rows(found, everyone=everyone),
        "skips": report.skips(found.finding.snapshot),
    }


def _print(found: Preview, *, everyone: bool) -> None:
    out, listed = console(), rows(found, everyone=everyone)
    if listed:
        columns = ("CUSTOMER", "CONNECTION", "DESIRED", "ACTION", "REASON", "HELD BY")
        table = Table(*columns, box=None, pad_edge=False)
        for row in listed:
            name = row["customerRef"] or f"(nobody: {row['connectionId']})"
            table.add_row(
                name, row["connection"] or "-", row["desired"], row["action"], row["reason"], row["heldBy"] or ""
            )
        print_table(out, table)
        out.print()
    tally = ending_of(found.finding).counts
    due = [row for row in listed if row["action"] != "Keep"]
    out.print(
        f"{found.sync.namespace}/{found.sync.name}, policy {found.order.policy}: {tally['customers']} Navixy "
        f"customers, {tally['eligible']} eligible, {tally['skipped']} skipped; {tally['actual']} of "
        f"{tally['expected']} expected connections are connected; {len(due)} actions due."
    )
