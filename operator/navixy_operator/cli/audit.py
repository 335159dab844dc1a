"""``navixy-operator audit``: what the audit trail has, by everything that it can be asked for (spec: Log Querying)."""

from dataclasses import asdict, dataclass, replace
from datetime import datetime
from typing import Any, Final

import click

from navixy_operator.cli.auditcycle import cycle
from navixy_operator.cli.auditforms import FORMS, exact, writer
from navixy_operator.cli.auditverify import verify
from navixy_operator.cli.choices import OneOf
from navixy_operator.cli.common import Place
from navixy_operator.cli.moments import When
from navixy_operator.cli.trail import ENVIRONMENT, PAGE, SHARED, Trail, read_trail, trail_options
from navixy_operator.core.vocabulary import Discrepancy, EventName, Origin
from navixy_operator.ports import AuditQuery

DEFAULT_LIMIT: Final = 100


@dataclass(frozen=True, slots=True)
class Asked:
    """What is asked for; all of it together. ``limit`` 0: everything."""

    cycle: str | None
    customer: str | None
    event: str | None
    discrepancy: str | None
    origin: str | None
    since: datetime | None
    until: datetime | None
    oldest_first: bool
    limit: int
    after: str | None

    def query(self, trail: Trail, sync: str | None) -> AuditQuery:
        """The first page of it."""
        fields = {key: value for key, value in asdict(self).items() if key != "limit"}
        return AuditQuery(trail.namespace, sync, **fields, limit=min(self.limit or PAGE, PAGE))

    def words(self) -> list[str]:
        """The options that ask for the same, but for where to go on."""
        told: dict[str, Any] = {
            "--cycle": self.cycle,
            "--customer": self.customer,
            "--event": self.event,
            "--discrepancy": self.discrepancy,
            "--origin": self.origin,
            "--since": self.since and exact(self.since),
            "--until": self.until and exact(self.until),
        }
        words = [part for option, value in told.items() if value is not None for part in (option, str(value))]
        limit = [] if self.limit == DEFAULT_LIMIT else ["--limit", str(self.limit)]
        return [*words, *(["--oldest-first"] if self.oldest_first else []), *limit]


@click.group(
    invoke_without_command=True,
    subcommand_metavar="[cycle|verify]",
    epilog=ENVIRONMENT,
    short_help="Ask the audit trail what happened.",
)
@click.option("--cycle", metavar="NAME", help="Of this SyncCycle, or pass between cycles (drift-…, attend-…).")
@click.option("--customer", metavar="REF", help="About the customer with this reference.")
@click.option("--event", type=OneOf(EventName, "event"), metavar="TYPE", help="Of this type, as ConnectionClosed.")
@click.option("--since", type=When(), metavar="WHEN", help="From then on: 2h, 7d, 2026-12-31, 2026-12-31T18:00:00Z.")
@click.option("--until", type=When(), metavar="WHEN", help="Before then.")
@click.option(
    "--discrepancy",
    type=OneOf(Discrepancy, "discrepancy"),
    metavar="TYPE",
    help="About a discrepancy of this type, as HashChanged.",
)
@click.option(
    "--origin",
    type=click.Choice([origin.value for origin in Origin], case_sensitive=False),
    help="automatic: the operator's own doing; manual: a person's word.",
)
@click.option(
    "--limit", type=click.IntRange(min=0), default=DEFAULT_LIMIT, show_default=True, help="So many; 0: all there are."
)
@click.option("--oldest-first", is_flag=True, help="In the order in which it happened; default: the newest first.")
@click.option("--after", metavar="CURSOR", help="Go on after the last answer, which said this.")
@trail_options(*FORMS)
def audit(place: Place, **options: Any) -> None:
    """Show what happened: every entry of the audit trail for which all options hold.

    Of times, a day begins at 00:00 UTC, and 2h is two hours ago. -o json has one object on each line, with the names of
    the log's fields; -o csv has a header (RFC 4180), and a ' before each cell that a spreadsheet would take for a
    formula, or that begins with one. Needs no cluster: the trail is in a database of the operator's own.
    """
    context = click.get_current_context()
    if context.invoked_subcommand is not None:
        _hand_on(context)
        return
    asked = Asked(**options)
    if asked.since is not None and asked.until is not None and asked.since >= asked.until:
        message = "--since is not before --until: nothing can lie between them"
        raise click.UsageError(message)
    shown, cursor = read_trail(place, lambda trail: _show(trail, place, asked))
    if cursor is not None:
        more = place.line("audit", *asked.words(), *_form(place), "--after", cursor)
        click.echo(f"{shown} shown, and there are more (--limit 0 for all). To go on: {more}", err=True)
    elif not shown:
        click.echo("the audit trail has no such entry", err=True)


async def _show(trail: Trail, place: Place, asked: Asked) -> tuple[int, str | None]:
    """Print page by page; how many entries it were, and where to go on (None: there are no more)."""
    out, shown, query = writer(place.form), 0, asked.query(trail, place.sync)
    while True:
        page = await trail.reader.page(query)
        out.write(page.entries)
        shown += len(page.entries)
        left = asked.limit - shown if asked.limit else PAGE
        if page.next is None or left <= 0:
            return shown, page.next
        query = replace(query, after=page.next, limit=min(left, PAGE))


def _form(place: Place) -> list[str]:
    return [] if place.form == FORMS[0] else ["-o", place.form]


def _hand_on(context: click.Context) -> None:
    """What a subcommand has, too, holds for it: where, and in what form. Raises UsageError for the other options."""
    given = {
        str(parameter.name): parameter.opts[-1]
        for parameter in context.command.params
        if context.get_parameter_source(str(parameter.name)) is not click.core.ParameterSource.DEFAULT
    }
    place = {name: context.params[name] for name in given if name in SHARED}
    if others := [option for name, option in given.items() if name not in place]:
        message = f"{', '.join(others)}: give the options of `{context.invoked_subcommand}` after its name"
        raise click.UsageError(message)
    context.default_map = {str(context.invoked_subcommand): place}


audit.add_command(cycle)
audit.add_command(verify)
