"""``navixy-operator explain``: everything about one customer, and which rule decided."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import Final

import click

from navixy_operator.cli.common import Place, cluster_options, console, not_found, print_facts, print_json
from navixy_operator.cli.customers import near
from navixy_operator.cli.history import History, history, history_document, print_history
from navixy_operator.cli.look import Found, look
from navixy_operator.cli.story import find_decision, held_closes, tell
from navixy_operator.cli.storywords import lines
from navixy_operator.core.plan import Decision
from navixy_operator.preview import Preview

DEFAULT_LIMIT: Final = 20


@click.command(short_help="Explain one customer, and which rule decided.")
@click.argument("ref")
@click.option("--history", "wants_history", is_flag=True, help="Also what the audit trail has of the customer.")
@click.option(
    "--limit",
    type=click.IntRange(min=1, max=1000),
    default=DEFAULT_LIMIT,
    show_default=True,
    help="So many entries of the history, the newest first.",
)
@cluster_options
def explain(place: Place, ref: str, *, wants_history: bool, limit: int) -> None:
    """Explain one customer: record, verdict, pin, resource, connection, and what would be done and why.

    REF is the customer's reference, or the name of its NavixyCustomer. Writes nothing; needs what `plan` needs.
    --history also needs the audit trail: see `audit --help` for where it is looked for.
    """
    found = look(place)
    decision = find_decision(found.preview, ref)
    past = _history(place, found.preview, decision, ref, limit) if wants_history else None
    if decision is None and past is not None and past.trouble is not None:
        raise past.trouble
    if decision is None and (past is None or not past.entries):
        raise _unknown(found.preview, ref)
    if place.json:
        story = {"customerRef": ref} if decision is None else tell(found.preview, decision, datetime.now(UTC))
        print_json(story if past is None else {**story, "history": history_document(past)})
    else:
        _print(place, found, decision, past)
    if decision is None:
        raise _unknown(found.preview, ref)
    if past is not None and past.trouble is not None:
        raise past.trouble


def _history(place: Place, found: Preview, decision: Decision | None, ref: str, limit: int) -> History:
    """What the trail has of the customer; of one who is gone from everywhere else, too."""
    known = ref if decision is None else decision.subject.customer_ref or ref
    return history(replace(place, namespace=found.sync.namespace, sync=found.sync.name), known, limit)


def _print(place: Place, found: Found, decision: Decision | None, past: History | None) -> None:
    if decision is not None:
        _print_present(place, found, decision)
    if past is not None and past.trouble is None:
        if decision is not None:
            click.echo()
        print_history(past)


def _print_present(place: Place, found: Found, decision: Decision) -> None:
    story = tell(found.preview, decision, datetime.now(UTC))
    out = console()
    out.print(f"Customer {story['customerRef']}", style="bold", markup=False)
    print_facts(out, lines(story))
    # not in the table, which would break a command into lines
    if story["pin"] is not None:
        click.echo(f"\nTo remove the pin: {place.line('unpin', story['customerRef'])}")
    if held_closes(decision):
        click.echo(f"\n{found.how_to_approve(place)}")


def _unknown(found: Preview, ref: str) -> click.exceptions.Exit:
    known = [d.subject.customer_ref for d in found.finding.decisions if d.subject.customer_ref is not None]
    return not_found(
        f'"{ref}" is no Navixy customer of {found.sync.namespace}/{found.sync.name}: '
        f"the customer database has no row, F1.1 no connection and the cluster no resource for it{near(ref, known)}"
    )
