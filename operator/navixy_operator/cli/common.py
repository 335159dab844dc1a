"""What the commands that look at a cluster share."""

import asyncio
import functools
import json
import os
import shlex
from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, TypeVar

import click
import orjson
from rich.console import Console
from rich.table import Column, Table
from rich.text import Text

from navixy_operator import bootstrap
from navixy_operator.adapters import logging_setup
from navixy_operator.bootstrap import World

FAILED: Final = 1
NOT_FOUND: Final = 4
FORMS: Final = ("text", "json")
ASKING_ALL: Final = "asking the API server, the customer database and F1.1"
ASKING_CLUSTER: Final = "asking the API server"

T = TypeVar("T")
Command = Callable[..., None]


@dataclass(frozen=True, slots=True)
class Place:
    """Which cluster is meant, what of it, and the form of the answer: what the options say. None: not given."""

    sync: str | None = None
    namespace: str | None = None
    context: str | None = None
    kubeconfig: str | None = None
    form: str = "text"

    @property
    def json(self) -> bool:
        """Whether the answer is for programs."""
        return self.form == "json"

    def run(self, work: Callable[[World], Awaitable[T]], doing: str = ASKING_ALL) -> T:
        """Open the cluster, do the work, close everything. Only the worst is logged: the answer is the output."""
        logging_setup.configure("CRITICAL", json=False)

        async def opened() -> T:
            async with bootstrap.world(self.kubeconfig, context=self.context) as world:
                return await work(world)

        with working(doing):
            return asyncio.run(opened())

    def namespace_in(self, world: World) -> str:
        """The namespace that is meant."""
        return self.namespace or world.namespace

    def line(self, *words: str, sync: bool = True) -> str:
        """A command of ours to type next: with these words, the options that were given, under the name it has here."""
        given = {"-n": self.namespace, "--context": self.context, "--kubeconfig": self.kubeconfig}
        given |= {"--sync": self.sync if sync else None}
        options = [part for option, value in given.items() if value is not None for part in (option, value)]
        return f"{program()} {shlex.join([*words, *options])}"


def program() -> str:
    """The name that this program was called by: kubectl takes ``kubectl-navixy`` for its own."""
    context = click.get_current_context(silent=True)
    name = (context.find_root().info_name if context else None) or "navixy-operator"
    return "kubectl navixy" if name == "kubectl-navixy" else name


def place_options(
    command: Command, forms: Sequence[str] = FORMS, namespace_default: str = "the kubeconfig's"
) -> Command:
    """The options that choose a namespace of a cluster, named as kubectl names them; the command takes a Place."""

    @functools.wraps(command)
    def placed(*, namespace: str | None, context: str | None, kubeconfig: str | None, output: str, **rest: Any) -> None:
        return command(Place(rest.pop("sync_name", None), namespace, context, kubeconfig, output), **rest)

    for option in (
        click.option("-o", "--output", type=click.Choice(forms), default=forms[0], show_default=True, help="The form."),
        click.option("--kubeconfig", metavar="FILE", help="The kubeconfig; default: as for kubectl."),
        click.option("--context", metavar="NAME", help="The kubeconfig's context; default: the current one."),
        click.option("-n", "--namespace", metavar="NAME", help=f"The namespace; default: {namespace_default}."),
    ):
        placed = option(placed)
    return placed


def cluster_options(command: Command) -> Command:
    """The same, and the option that chooses a NavixySync of the namespace."""
    option = click.option("--sync", "sync_name", metavar="NAME", help="The NavixySync; default: the only one there is.")
    return option(place_options(command))


def not_found(message: str) -> click.exceptions.Exit:
    """Say what does not exist; raise what this returns, which ends the command with the exit code of that."""
    click.echo(f"error: {message}", err=True)
    return click.exceptions.Exit(NOT_FOUND)


def working(what: str) -> Any:
    """A spinner on a terminal, silence elsewhere."""
    return Console(stderr=True).status(f"{what} …")


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    try:
        text = orjson.dumps(value, option=orjson.OPT_INDENT_2).decode()
    except TypeError:  # halves of a surrogate pair, integers of more than 64 bits
        text = json.dumps(value, ensure_ascii=True, indent=2, default=_as_text)
    click.echo(text)


def _as_text(value: object) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)


def plain(text: str) -> str:
    """The text on one line of a terminal, which it cannot command: what does not print is shown by its number."""
    return "".join(c if c.isprintable() else ascii(c)[1:-1] for c in text)


def console() -> Console:
    """Standard output: as wide as the terminal, as COLUMNS says, or wide enough for a pipe."""
    found = Console(highlight=False)
    return found if found.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=160)


def print_table(out: Console, table: Table) -> None:
    """Print a table without the spaces that fill its lines up."""
    with out.capture() as captured:
        out.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))


def print_facts(out: Console, lines: Iterable[tuple[str, str]]) -> None:
    """Print facts under each other, each with its label; what they say is nobody's markup."""
    table = Table(box=None, show_header=False, pad_edge=False)
    table.add_column(no_wrap=True)
    table.add_column(overflow="fold")
    for label, text in lines:
        table.add_row(plain(label), Text(plain(text)))
    print_table(out, table)


def echo_facts(lines: Iterable[tuple[str, str]], width: int) -> None:
    """The same without wrapping, so that a command among them can be copied. ``width``: the labels'."""
    for label, text in lines:
        click.echo(f"{plain(label):<{width}}  {plain(text)}")


def print_columns(out: Console, columns: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Print a table as kubectl does: a head of capitals, columns as wide as they must be; no cell is cut."""
    table = Table(*(Column(head, overflow="fold") for head in columns), box=None, pad_edge=False)
    for row in rows:
        table.add_row(*(Text(plain(cell)) for cell in row))
    print_table(out, table)
