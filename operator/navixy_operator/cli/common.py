"""What the commands that look at a cluster share."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, TypeVar

import click
import orjson
from rich.console import Console
from rich.table import Table

from navixy_operator import bootstrap
from navixy_operator.adapters import logging_setup
from navixy_operator.bootstrap import World

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def cluster_options(command: F) -> F:
    """The options that choose a NavixySync, named as kubectl names them."""
    for option in (
        click.option("--sync", "sync_name", metavar="NAME", help="The NavixySync; default: the only one there is."),
        click.option("-n", "--namespace", metavar="NAME", help="Its namespace; default: the kubeconfig's."),
        click.option("--context", metavar="NAME", help="The kubeconfig's context; default: the current one."),
        click.option("--kubeconfig", metavar="FILE", help="The kubeconfig; default: as for kubectl."),
        click.option(
            "-o", "--output", type=click.Choice(["table", "json"]), default="table", show_default=True, help="The form."
        ),
    ):
        command = option(command)
    return command


def with_world(kubeconfig: str | None, context: str | None, work: Callable[[World], Awaitable[T]]) -> T:
    """Open the cluster, do the work, close everything. Only the worst is logged: the answer is the command's output."""
    logging_setup.configure("CRITICAL", json=False)

    async def opened() -> T:
        async with bootstrap.world(kubeconfig, context=context) as world:
            return await work(world)

    with working("asking the API server, the customer database and F1.1"):
        return asyncio.run(opened())


def working(what: str) -> Any:
    """A spinner on a terminal, silence elsewhere."""
    return Console(stderr=True).status(f"{what} …")


def print_json(value: object) -> None:
    """One JSON document on standard output."""
    click.echo(orjson.dumps(value, option=orjson.OPT_INDENT_2).decode())


def console() -> Console:
    """Standard output: as wide as the terminal, as COLUMNS says, or wide enough for a pipe."""
    found = Console(highlight=False)
    return found if found.is_terminal or "COLUMNS" in os.environ else Console(highlight=False, width=160)


def print_table(out: Console, table: Table) -> None:
    """Print a table without the spaces that fill its lines up."""
    with out.capture() as captured:
        out.print(table)
    click.echo("\n".join(line.rstrip() for line in captured.get().splitlines()))
