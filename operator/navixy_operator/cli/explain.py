"""``navixy-operator explain``: everything about one customer, and which rule decided."""

import difflib
from typing import Any, Final

import click
from rich.table import Table

from navixy_operator.cli.common import cluster_options, console, print_json, print_table, with_world
from navixy_operator.core.actions import Hold
from navixy_operator.core.conditions import timestamp
from navixy_operator.core.naming import resource_name
from navixy_operator.core.plan import Decision
from navixy_operator.core.reading import show
from navixy_operator.core.vocabulary import Reason
from navixy_operator.preview import Preview, preview

NOT_FOUND: Final = 4


@click.command(short_help="Explain one customer, and which rule decided.")
@click.argument("ref")
@cluster_options
def explain(
    ref: str, sync_name: str | None, namespace: str | None, context: str | None, kubeconfig: str | None, output: str
) -> None:
    """Explain one customer: record, verdict, resource, connection, and what would be done and why.

    REF is the customer's reference, or the name of its NavixyCustomer. Writes nothing; needs what `plan` needs.
    """
    found = with_world(kubeconfig, context, lambda world: preview(world, namespace or world.namespace, sync_name))
    decision = find(found, ref)
    if decision is None:
        _say_unknown(found, ref)
        raise click.exceptions.Exit(NOT_FOUND)
    story = tell(found, decision)
    if output == "json":
        print_json(story)
    else:
        _print(story)


def find(found: Preview, ref: str) -> Decision | None:
    """The decision on the customer of that reference, or whose resource has that name."""
    by_ref = {d.subject.customer_ref: d for d in found.finding.decisions if d.subject.customer_ref is not None}
    if ref in by_ref:
        return by_ref[ref]
    return next((decision for known, decision in by_ref.items() if resource_name(known) == ref), None)


def tell(found: Preview, decision: Decision) -> dict[str, Any]:
    """The customer's story as plain data: no hash, only its fingerprint."""
    ref = decision.subject.customer_ref or ""
    customer = found.finding.snapshot.customers.get(ref)
    item = found.resources.get(ref)
    record = customer.record if customer is not None else None
    held = decision.action.reason if isinstance(decision.action, Hold) else None
    action = decision.action.instead_of if isinstance(decision.action, Hold) else decision.action
    return {
        "customerRef": ref,
        "record": None
        if record is None
        else {
            "name": record.name and show(record.name).strip(chr(34)),
            "state": record.state.value if record.state else None,
            "gateways": record.gateways,
            "hash": record.fingerprint and f"fingerprint {record.fingerprint}",
            "rows": record.rows,
        },
        "verdict": {
            "eligible": decision.subject.verdict.eligible,
            "reason": decision.subject.verdict.reason.value,
            "message": decision.subject.verdict.message,
        },
        "resource": item and {"name": item.name, "ready": _ready(item.status), "sync": found.sync.name},
        "connections": [
            {
                "id": connection.id,
                "state": connection.state.value,
                "origin": connection.origin.value,
                "since": timestamp(connection.updated_at),
                "sameHash": decision.subject.same_hash(connection),
                "error": connection.error and f"{connection.error.code}: {connection.error.message}",
            }
            for connection in decision.subject.connections
        ],
        "decision": {
            "desired": decision.desired.value,
            "asItIs": decision.as_it_is,
            "action": action.kind.value,
            "reason": decision.reason.value,
            "message": decision.message,
            "heldBy": held.value if held not in {None, Reason.DRY_RUN} and held is not None else None,
        },
    }


def _ready(status: Any) -> str:
    for entry in status.get("conditions", ()):
        if entry["type"] == "Ready":
            return f"{entry['status']} ({entry['reason']}: {entry['message']})"
    return "not known yet"


def _say_unknown(found: Preview, ref: str) -> None:
    known = [d.subject.customer_ref for d in found.finding.decisions if d.subject.customer_ref is not None]
    near = difflib.get_close_matches(ref, known, n=3)
    hint = f"; did you mean {', '.join(near)}?" if near else ""
    click.echo(
        f'error: "{ref}" is no Navixy customer of {found.sync.namespace}/{found.sync.name}: '
        f"the customer database has no row, F1.1 no connection and the cluster no resource for it{hint}",
        err=True,
    )


def _print(story: dict[str, Any]) -> None:
    out = console()
    out.print(f"Customer {story['customerRef']}", style="bold", markup=False)
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in _lines(story):
        table.add_row(label, text)
    print_table(out, table)


def _lines(story: dict[str, Any]) -> list[tuple[str, str]]:
    record, verdict, decision, item = story["record"], story["verdict"], story["decision"], story["resource"]
    lines = [("Record", "none in the customer database")]
    if record is not None:
        facts = [
            f"name {record['name']}" if record["name"] else None,
            f"state {record['state'] or 'unreadable'}",
            f"gateways {'unreadable' if record['gateways'] is None else record['gateways']}",
            f"hash {record['hash'] or 'none that is valid'}",
            f"{record['rows']} rows" if record["rows"] > 1 else None,
        ]
        lines = [("Record", ", ".join(fact for fact in facts if fact))]
    word = "eligible" if verdict["eligible"] else "not eligible"
    lines.append(("Verdict", f"{word}, {verdict['reason']}: {verdict['message']}"))
    lines.append(("Resource", f"{item['name']}, Ready {item['ready']}" if item else "none"))
    connections = [_connection(connection) for connection in story["connections"]]
    lines += [("Connection", text) for text in connections or ["none"]]
    desired = f"as it is ({decision['desired']})" if decision["asItIs"] else decision["desired"]
    lines.append(("Desired", f"{desired}, {decision['reason']}: {decision['message']}"))
    held = f", but held back: {decision['heldBy']}" if decision["heldBy"] else ""
    lines.append(("Action", f"{decision['action']}{held}"))
    return lines


def _connection(connection: dict[str, Any]) -> str:
    hash_words = "the customer's hash" if connection["sameHash"] else "ANOTHER hash"
    error = f", error {connection['error']}" if connection["error"] else ""
    return (
        f"{connection['id']} {connection['state']} since {connection['since']}, "
        f"origin {connection['origin']}, with {hash_words}{error}"
    )
