"""``navixy-operator explain``: everything about one customer, and which rule decided."""

from datetime import UTC, datetime

import click

from navixy_operator.cli.common import Place, cluster_options, console, not_found, print_facts, print_json
from navixy_operator.cli.customers import near
from navixy_operator.cli.look import look
from navixy_operator.cli.story import find_decision, held_closes, tell
from navixy_operator.cli.storywords import lines
from navixy_operator.preview import Preview


@click.command(short_help="Explain one customer, and which rule decided.")
@click.argument("ref")
@cluster_options
def explain(place: Place, ref: str) -> None:
    """Explain one customer: record, verdict, pin, resource, connection, and what would be done and why.

    REF is the customer's reference, or the name of its NavixyCustomer. Writes nothing; needs what `plan` needs.
    """
    found = look(place)
    decision = find_decision(found.preview, ref)
    if decision is None:
        raise _unknown(found.preview, ref)
    story = tell(found.preview, decision, datetime.now(UTC))
    if place.json:
        print_json(story)
        return
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
