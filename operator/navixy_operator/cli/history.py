"""``navixy-operator explain --history``: what the audit trail has of one customer."""

from dataclasses import dataclass
from typing import Any, Final

import click

from navixy_operator.cli.auditforms import Table, document, row
from navixy_operator.cli.common import Place
from navixy_operator.cli.trail import ASKING_TRAIL, Trail, read_trail
from navixy_operator.core.audit import Entry
from navixy_operator.errors import OperatorError
from navixy_operator.ports import AuditPage, AuditQuery

COLUMNS: Final = ("TIME", "CYCLE", "EVENT", "DISCREPANCY", "ORIGIN", "STATUS", "WHAT")
_CUSTOMER: Final = 3
"""The customer's place in a row: the same for all of them here."""


@dataclass(frozen=True, slots=True)
class History:
    """A customer's last entries, newest first. ``more``: there are older ones; ``trouble``: they cannot be read."""

    place: Place
    customer: str
    entries: tuple[Entry, ...] = ()
    more: bool = False
    trouble: OperatorError | None = None


def history(place: Place, customer: str, limit: int) -> History:
    """Ask the trail, in the namespace and of the NavixySync of the place: what goes wrong is told beside the rest."""

    async def ask(trail: Trail) -> AuditPage:
        return await trail.reader.page(AuditQuery(trail.namespace, place.sync, customer=customer, limit=limit))

    try:
        page = read_trail(place, ask, doing=ASKING_TRAIL)
    except OperatorError as error:
        return History(place, customer, trouble=error)
    return History(place, customer, page.entries, page.next is not None)


def history_document(found: History) -> dict[str, Any] | None:
    """The same as plain JSON; None: it cannot be read."""
    if found.trouble is not None:
        return None
    return {"entries": [document(entry) for entry in found.entries], "more": found.more}


def print_history(found: History) -> None:
    """The table, and where the rest is."""
    if not found.entries:
        click.echo("History: the audit trail has nothing of this customer")
        return
    click.echo("History, the newest first:")
    cells = [row(entry) for entry in found.entries]
    Table(COLUMNS).print([(*told[:_CUSTOMER], *told[_CUSTOMER + 1 :]) for told in cells])
    if found.more:
        line = found.place.line("audit", "--customer", found.customer, "--limit", "0")
        click.echo(f"To see all: {line}")
